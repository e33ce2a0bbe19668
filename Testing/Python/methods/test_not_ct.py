"""A scan that isn't CT, from the file to the result folder: every step takes it or refuses it."""

import json
import re

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from CTCounterfactualLib import attribute, explain, read_attribution, read_result, write_result
from CTCounterfactualLib.errors import ModelError, ScanError
from CTCounterfactualLib.models.targets import Target
from CTCounterfactualLib.outputs.report import report_page
from CTCounterfactualLib.scans.grid import GridSpec
from CTCounterfactualLib.scans.hounsfield import IntensityWindow
from CTCounterfactualLib.scans.scan import Scan
from CTCounterfactualLib.stress.run import stress
from CTCounterfactualLib.trust.examine import examine_result

RAS_IN_LPS = (-1, 0, 0, 0, -1, 0, 0, 0, 1)
LESION = np.s_[4:7, 8:13, 14:19]
BRAIN, BRIGHT = 4000.0, 7000.0  # beyond anything that a CT scanner stores


def head(kind=np.float32):
    rng = np.random.default_rng(0)
    values = np.zeros((12, 24, 28))
    values[1:-1, 3:-3, 3:-3] = BRAIN + rng.normal(0, 60, (10, 18, 22))
    values[LESION] = BRIGHT
    return Scan.from_array(
        values.astype(kind), (2.0, 2.0, 2.0), direction=RAS_IN_LPS, name="head", modality="MR"
    )


class BrightSeer:
    """Litres that are brighter than brain, softly; of MR scans by their percentiles."""

    name = "bright-seer"
    targets = (Target("lesion", "mL"),)

    def __init__(self, differentiable=True):
        self.differentiable = differentiable
        self.grid = GridSpec(
            (2.0, 2.0, 2.0), IntensityWindow(0.0, 99.9), modality="MR", intensity="percentile"
        )

    def score(self, x, target=None):
        seen = torch.sigmoid((x - 0.8) * 30).flatten(1).sum(1) * 8e-3
        return seen if self.differentiable else seen.detach()


class Averages:
    """An autoencoder of MR slices: averages of 2 x 2."""

    name, modality, factor = "averages", "MR", 2

    def encode(self, x):
        return F.avg_pool2d(x, 2)

    def decode(self, z, size=None):
        return F.interpolate(z, scale_factor=2.0)[..., : size[0], : size[1]]


def mass_in_lesion(values):
    return np.abs(values[LESION]).sum() / np.abs(values).sum()


def test_a_black_box_is_mapped_onto_the_lesion(tmp_path):
    found = attribute(
        head(), "responsibility", BrightSeer(False), options={"iterations": 2, "calls": 400}
    )
    chance = np.zeros(found.values.shape)[LESION].size / found.values.size
    assert mass_in_lesion(found.values) > 3 * chance  # of a few rounds
    assert found.score == pytest.approx(75 * 8e-3, rel=0.1)
    assert "not-ct" in [flag.name for flag in found.flags]
    out = write_result(found, tmp_path / "map")
    record = json.loads((out / "result.json").read_text())
    assert (record["input"]["modality"], record["input"]["unit"]) == ("MR", "MR units")
    assert read_attribution(out, head()).scan.modality == "MR"


@pytest.mark.parametrize("kind", [np.float32, np.int16])
def test_a_counterfactual_in_the_scans_own_unit(tmp_path, kind):
    scan = head(kind)
    found = explain(scan, BrightSeer(), autoencoder=Averages(), mode="whole", max_change=0.2)
    assert found.scores.counterfactual < 0.6 * found.scores.original
    assert found.counterfactual.dtype == kind
    change = found.difference[LESION].astype(float)
    assert change.mean() < -500  # of 3000 too many; nothing stops it at 3071
    assert found.counterfactual[LESION].max() <= BRIGHT
    assert found.counterfactual.min() >= 0
    assert all("MR units" in level.name for level in found.levels)
    assert "not-ct" in [flag.name for flag in found.flags]
    assert found.plausibility is None and found.lungs is None
    out = write_result(found, tmp_path / "result")
    words = json.dumps(json.loads((out / "result.json").read_text())["heat_levels"])
    assert "HU" not in words.replace("low_hu", "").replace("high_hu", "")
    again = read_result(out, scan)
    assert np.array_equal(again.counterfactual, found.counterfactual)
    page = report_page(found)
    assert "Change in MR units" in page and "brighter, blue darker" in page
    assert not re.search(r"\d HU", page)


def test_trust_tests_what_needs_no_tissue(tmp_path):
    found = explain(head(), BrightSeer(), autoencoder=Averages(), mode="whole", max_change=0.2)
    out = write_result(found, tmp_path / "result", scene=False, with_scan=True)
    asked = ("noise", "window", "random-region", "composition", "reversal", "planted")
    made = examine_result(out, asked, classifier=BrightSeer(), autoencoder=Averages())
    told = {verdict.test: verdict for verdict in made.verdicts}
    assert told["noise"].status == "pass" and told["noise"].number > 0.8
    assert told["composition"].number == 0
    assert told["random-region"].number < 0.1  # no other place is bright
    assert told["reversal"].number is not None
    assert "the scan is MR" in told["window"].sentence
    assert told["planted"].number is None


def test_what_does_not_fit_is_refused_in_words():
    with pytest.raises(ModelError, match="ct-vqgan-small draws CT, and classifier bright-seer is "):
        explain(head(), BrightSeer())
    with pytest.raises(ScanError, match="head is MR, and this model is for CT"):
        explain(head(), "lung-volume")
    ct = Scan.from_array(np.random.default_rng(0).normal(0, 400, (12, 24, 28)) - 300, name="chest")
    with pytest.raises(ScanError, match="chest is CT, and this model is for MR"):
        attribute(ct, "occlusion", BrightSeer(False))
    with pytest.raises(ModelError, match="only classifiers of CT can be stressed"):
        stress(head(), BrightSeer())


def test_a_job_reads_the_file_as_what_the_classifier_is_for(tmp_path):
    import SimpleITK as sitk

    from CTCounterfactualLib.jobs.job import FileInput, Job
    from CTCounterfactualLib.jobs.run import run_job
    from CTCounterfactualLib.models.own.consent import Consent
    from own_model import CARD, NETWORK

    card = json.loads(CARD)
    card["grid"] = {"modality": "MR", "intensity": "zscore", "spacing": [2, 2, 2]}
    (tmp_path / "card.json").write_text(json.dumps(card))
    (tmp_path / "net.py").write_text(NETWORK)
    scan = head()
    sitk.WriteImage(scan.image, str(tmp_path / "head.nii.gz"))
    job = Job(
        input=FileInput(str(tmp_path / "head.nii.gz")),
        output=str(tmp_path / "out"),
        classifier=str(tmp_path / "card.json"),
        method="occlusion",
    )
    consent = Consent(tmp_path / "cache", trust=True)
    out = run_job(job, consent=consent)
    assert json.loads((out / "result.json").read_text())["input"]["modality"] == "MR"
    asked = Job(**{**vars(job), "report": True, "output": str(tmp_path / "reported")})
    assert (run_job(asked, consent=consent) / "report.html").exists()
