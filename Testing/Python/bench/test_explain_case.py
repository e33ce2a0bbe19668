"""Scores of a case: by the classifier as it is ready for the scan, and by a fresh look."""

from copy import copy

import pytest
import SimpleITK as sitk

from CTCounterfactualLib.bench.explain_case import COUNTERFACTUAL_FILE, _Work
from CTCounterfactualLib.models.classifier import Classifier
from CTCounterfactualLib.models.targets import Target
from CTCounterfactualLib.scans.grid import GridSpec
from CTCounterfactualLib.scans.scan import Scan


class Darker(Classifier):
    """How much darker a volume is than the scan it was made ready for; 0..1 of the window."""

    name = "darker"
    grid = GridSpec()
    targets = (Target("darkness", ""),)
    start = 0.0

    def for_scan(self, prepared):
        ready = copy(self)
        ready.start = float(prepared.volume.mean())
        return ready

    def score(self, x, target=None):
        return self.start - x.mean(dim=(1, 2, 3, 4))


def test_what_was_found_in_the_scan_counts_but_for_a_fresh_look(pair, tmp_path):
    wet, dry = Scan(pair[0]), Scan(pair[1])
    changed = dry.with_array(dry.array // 2 + wet.array // 2)
    classifier = Darker()
    work = _Work(None, None, None, classifier, classifier.targets[0], None)
    assert work.scores(wet, dry, tmp_path).keys() == {"clean"}  # a map has no counterfactual
    sitk.WriteImage(changed, str(tmp_path / COUNTERFACTUAL_FILE))
    found = work.scores(wet, dry, tmp_path)
    assert found["clean"] > 0.01  # lung is darker than the fluid it was ready for
    assert found["clean_anew"] == pytest.approx(0.0, abs=1e-6)
    assert found["counterfactual_anew"] == pytest.approx(0.0, abs=1e-6)
