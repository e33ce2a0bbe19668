"""The intensity window: known HU values in 0..1 units and back."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from CTCounterfactualLib.scans.hounsfield import IntensityWindow, in_type

HU = [-3024, -1000, -500, 0, 40, 1000, 3071]
UNIT = [0.0, 0.0, 0.25, 0.5, 0.52, 1.0, 1.0]


def test_default_window_is_minus_1000_to_1000():
    window = IntensityWindow()
    assert (window.low_hu, window.high_hu, window.hu_per_unit) == (-1000.0, 1000.0, 2000.0)


def test_known_answers_on_numpy():
    assert IntensityWindow().to_unit(np.array(HU, np.float32)) == pytest.approx(UNIT)


def test_known_answers_on_torch():
    assert IntensityWindow().to_unit(torch.tensor(HU).float()).tolist() == pytest.approx(UNIT)


def test_gradient_passes_inside_the_window_only():
    hu = torch.tensor([-2000.0, 0.0, 2000.0], requires_grad=True)
    IntensityWindow().to_unit(hu).sum().backward()
    assert hu.grad.tolist() == pytest.approx([0, 1 / 2000, 0])


@pytest.mark.parametrize("window", [IntensityWindow(), IntensityWindow(-160.0, 240.0)])
def test_round_trip_inside_the_window(window):
    hu = np.linspace(window.low_hu, window.high_hu, 101)
    assert window.to_hu(window.to_unit(hu)) == pytest.approx(hu)


def test_back_to_hu_does_not_clip():
    assert IntensityWindow().to_hu(np.array([-0.1, 1.2])) == pytest.approx([-1200.0, 1400.0])


def test_a_scan_in_another_type_is_rounded_and_cut_to_what_that_holds():
    hu = np.array([-0.4, 39.6, 40_000.0, -40_000.0], np.float32)
    assert in_type(hu, np.dtype(np.int16)).tolist() == [0, 40, 32_767, -32_768]
    assert in_type(hu, np.dtype(np.float32)) is hu
    assert in_type(np.array([70_000, -5], np.int32), np.dtype(np.int16)).tolist() == [32_767, -5]
    assert in_type(np.array([-5, 7], np.int16), np.dtype(np.uint16)).tolist() == [0, 7]
    assert in_type(np.array([-5], np.int16), np.dtype(np.float32)).dtype == np.float32
