"""Preparing a scan can be stopped while it is at work, and being asked changes no number."""

import numpy as np
import pytest
import SimpleITK as sitk

from CTCounterfactualLib.scans import smoothing
from CTCounterfactualLib.scans.grid import GridSpec, prepare
from CTCounterfactualLib.scans.resample import resample_to_ras
from CTCounterfactualLib.scans.scan import Scan

# What is resampled, and by which of the two ways.
SPECS = {
    "antialias": GridSpec((2.0, 2.0, 2.0)),
    "plain": GridSpec((1.5, 1.5, 1.5), antialias=False),
    "monai": GridSpec((1.5, 1.5, 1.5), crop=(60, 60), antialias=False, monai_layout=True),
}
# A check is asked at least so often in a resampling of several slices.
OFTEN = 20


class Stop(Exception):
    """What a check raises here."""


class Counter:
    """Counts how often it is asked; raises at the `last` time."""

    def __init__(self, last=None):
        self.asked, self.last = 0, last

    def __call__(self):
        self.asked += 1
        if self.asked == self.last:
            raise Stop


@pytest.fixture
def scan():
    hu = np.random.default_rng(5).integers(-1000, 400, (40, 90, 80)).astype(np.int16)
    return Scan.from_array(hu, (1.0, 1.0, 1.0))


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
def test_being_asked_changes_no_number(scan, spec):
    counter = Counter()
    asked, unasked = prepare(scan, spec, counter), prepare(scan, spec)
    assert np.array_equal(asked.volume, unasked.volume)
    assert np.array_equal(asked.inside, unasked.inside)
    assert counter.asked >= OFTEN


@pytest.mark.parametrize("last", [1, 2, OFTEN // 2])
@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
def test_it_stops_where_it_is(scan, spec, last, capfd):
    counter = Counter(last)
    with pytest.raises(Stop):
        prepare(scan, spec, counter)
    assert counter.asked == last
    assert capfd.readouterr() == ("", "")


def test_it_stops_between_two_parts_of_the_smoothing(scan, monkeypatch):
    filtered = []
    gaussian = smoothing.sitk.RecursiveGaussian
    monkeypatch.setattr("CTCounterfactualLib.scans.pieces.PIECE_VOXELS", 80 * 90 * 4)
    monkeypatch.setattr(
        smoothing.sitk,
        "RecursiveGaussian",
        lambda *given, **named: filtered.append(1) or gaussian(*given, **named),
    )
    with pytest.raises(Stop):
        prepare(scan, SPECS["antialias"], Counter(last=4))
    assert len(filtered) == 3


def test_a_fault_of_itk_is_raised_as_itself():
    flat = sitk.Image(4, 4, sitk.sitkFloat32)
    with pytest.raises(RuntimeError, match="sitk"):
        resample_to_ras(flat, (4, 4, 4), (0, 0, 0), (1, 1, 1), 0.0, check=Counter())
