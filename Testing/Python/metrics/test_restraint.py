"""The other finding left alone, and the way back: answers known by hand."""

import numpy as np
import pytest

from CTCounterfactualLib.metrics.restraint import reversal, specificity

FINDING = np.zeros((2, 2, 4), bool)
OTHER = np.zeros((2, 2, 4), bool)
FINDING[..., :2], OTHER[..., 2:] = True, True


def test_the_other_findings_change_is_told_as_a_share_of_the_explained_ones():
    change = np.where(FINDING, -400.0, 0.0) + np.where(OTHER, 100.0, 0.0)
    assert specificity(change, FINDING, OTHER) == {"specificity": pytest.approx(0.25)}
    assert specificity(np.where(FINDING, 5.0, 0.0), FINDING, OTHER) == {"specificity": 0.0}


def test_what_both_cover_is_the_explained_ones():
    change = np.where(FINDING, -400.0, 0.0)
    assert specificity(change, FINDING, OTHER | FINDING) == {"specificity": 0.0}


def test_without_a_change_or_a_finding_there_is_no_share():
    assert specificity(np.zeros(FINDING.shape), FINDING, OTHER) == {}
    assert specificity(np.ones(FINDING.shape), FINDING, FINDING) == {}


@pytest.mark.parametrize(("back", "share"), [(0, 0.0), (-400, 1.0), (-100, 0.25), (100, 0.25)])
def test_the_way_back(back, share):
    scan = np.zeros((2, 2, 2), np.int16)
    assert reversal(scan, scan - 400, scan + back) == {"reversal": pytest.approx(share)}


def test_without_a_way_there_is_none_back():
    scan = np.zeros((2, 2, 2), np.int16)
    assert reversal(scan, scan, scan + 5) == {}
