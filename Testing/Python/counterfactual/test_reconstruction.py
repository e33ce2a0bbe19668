"""The self-check of an autoencoder on the user's scan: contrast and fidelity."""

import math

import pytest
import torch

from CTCounterfactualLib.counterfactual.reconstruction import flags_of
from CTCounterfactualLib.models.reconstruction import Reconstruction, compare


@pytest.fixture
def scan():
    generator = torch.Generator().manual_seed(0)
    return torch.rand(3, 1, 16, 16, generator=generator)


def names(x: torch.Tensor, decoded: torch.Tensor) -> list[str]:
    return [flag.name for flag in flags_of(compare(x, decoded))]


def test_a_perfect_reconstruction_raises_no_flag(scan):
    found = compare(scan, scan)
    assert found == Reconstruction(math.inf, pytest.approx(1.0))
    assert names(scan, scan) == []


def test_numbers_worked_out_by_hand():
    x = torch.tensor([0.0, 0.5, 1.0, 0.5]).reshape(1, 1, 2, 2)
    decoded = torch.tensor([0.1, 0.5, 0.9, 0.5]).reshape(1, 1, 2, 2)
    found = compare(x, decoded)
    # Body: 0.5, 1.0, 0.5, mean square error 0.01 / 3; slope: sum (x - 0.5)(y - 0.5) = 0.4 over 0.5.
    assert found.psnr_db == pytest.approx(10 * math.log10(300), abs=1e-4)
    assert found.slope == pytest.approx(0.8)


def test_the_papers_output_mapping_is_seen_as_half_the_contrast(scan):
    halved = (2 * scan - 1 + 2) / 4  # (y + 2) / 4 of y = 2 x - 1
    found = compare(scan, halved)
    assert found.slope == pytest.approx(0.5)
    (contrast, *_) = flags_of(found)
    assert contrast.name == "autoencoder-contrast" and "0.50 times its contrast" in contrast.message


def test_a_transposed_picture_is_seen_as_low_fidelity(scan):
    assert "autoencoder-fidelity" in names(scan, scan.transpose(-2, -1))


def test_a_slightly_blurred_picture_is_accepted(scan):
    smooth = torch.nn.functional.avg_pool2d(scan, 5, 1, 2)
    blurred = 0.95 * smooth + 0.05 * torch.nn.functional.avg_pool2d(smooth, 3, 1, 1)
    assert names(smooth, blurred) == []


def test_a_scan_without_contrast_or_body_is_no_error():
    air = torch.zeros(2, 1, 4, 4)
    assert names(air, air) == []
