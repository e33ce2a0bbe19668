"""The counterfactual as a scan of its own: what a classifier finds in it, and what it kept."""

from copy import copy

import pytest
import torch

from block_scan import BlockSeer
from CTCounterfactualLib.trust import fresh_look
from CTCounterfactualLib.trust.verdict import FAIL, NOT_RUN, PASS, WARN


class Keeps(BlockSeer):
    """Gives each scan that it is made ready for one score, whatever it shows."""

    def __init__(self, score):
        super().__init__()
        self.always = score

    def for_scan(self, prepared):
        return copy(self)

    def score(self, x, target=None):
        return torch.full((len(x),), self.always, dtype=torch.float64)


def run(subject):
    return fresh_look.TEST.run(fresh_look.TEST, subject, False)


def test_who_finds_nothing_in_a_scan_sees_the_same_again(subject_of, explanation):
    found = run(subject_of(explanation))
    assert found.status == PASS and found.number == pytest.approx(1.0, abs=0.02)
    assert found.facts["anew"] == pytest.approx(explanation.scores.counterfactual, rel=0.02)


@pytest.mark.parametrize(("kept", "status"), [(0.0, FAIL), (0.3, WARN), (0.6, PASS), (2.0, PASS)])
def test_the_number_is_the_share_of_the_change_that_is_left(subject_of, explanation, kept, status):
    scores = explanation.scores
    anew = scores.original + kept * (scores.counterfactual - scores.original)
    found = run(subject_of(explanation, Keeps(anew)))
    assert found.status == status and found.number == pytest.approx(kept, abs=1e-6)


def test_a_map_has_no_counterfactual(subject_of, map_of):
    assert run(subject_of(map_of("input-gradient"))).status == NOT_RUN
