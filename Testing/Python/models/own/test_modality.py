"""Cards of models that aren't for CT."""

import pytest

from CTCounterfactualLib.errors import ModelError
from CTCounterfactualLib.models.own.load import load_own_classifier

from .conftest import CARD


def card(grid):
    return CARD.replace("[output]", f"[grid]\n{grid}\n[output]")


@pytest.mark.parametrize(
    ("grid", "intensity", "window"),
    [
        ('modality = "MR"\nintensity = "zscore"', "zscore", (-3, 3)),
        ('modality = "mr"\nintensity = "percentile"', "percentile", (1, 99)),
        ('modality = "PT"\nintensity = "raw"\nwindow = [0, 20000]', "raw", (0, 20000)),
        ('modality = "CT"', "hu", (-1000, 1000)),
    ],
)
def test_a_card_says_what_becomes_0_to_1(write, trusting, grid, intensity, window):
    spec = load_own_classifier(write(card(grid)), trusting).grid
    assert spec.intensity == intensity
    assert (spec.window.low_hu, spec.window.high_hu) == window
    assert spec.is_ct == (intensity == "hu")
    assert spec.modality in ("CT", "MR", "PT")


@pytest.mark.parametrize(
    ("grid", "words"),
    [
        ('modality = "MR"', "lacks intensity"),
        ('modality = "MR"\nintensity = "hu"', "one of raw, zscore, percentile for any other"),
        ('intensity = "zscore"', "hu for modality CT"),
        ('modality = "MR"\nintensity = "minmax"', "one of hu, raw, zscore, percentile"),
        ('modality = "MR"\nintensity = "raw"', "the two ends of what becomes 0..1"),
        ('modality = "MR"\nintensity = "percentile"\nwindow = [5, 120]', "between 0 and 100"),
        ('modality = "MR"\nintensity = "zscore"\nwindow = [2, -2]', "the lower zscore before"),
        ('modality = "T1 head"\nintensity = "raw"', "by its code"),
    ],
)
def test_what_it_can_not_say_is_named(write, trusting, grid, words):
    with pytest.raises(ModelError, match=words):
        load_own_classifier(write(card(grid)), trusting)
