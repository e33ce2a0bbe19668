"""Slices that call themselves projections, and volumes whose slices were made differently."""

from __future__ import annotations

import pytest

from CTCounterfactualLib.scans.read import read_scan


@pytest.mark.parametrize("kind", ["MIP", "MINIP", "VOLUME RENDERED"])
def test_projections_are_told(series, names, kind):
    def edit(k, dataset):
        dataset.ImageType = ["DERIVED", "SECONDARY", "AXIAL", kind]

    assert names(read_scan(series(edit))) == ["projections"]


def test_reformatted_slices_are_none(series, names):
    def edit(k, dataset):
        dataset.ImageType = ["DERIVED", "SECONDARY", "REFORMATTED", "AVERAGE"]

    assert names(read_scan(series(edit))) == []


@pytest.mark.parametrize(
    ("keyword", "low", "high", "told"),
    [("ConvolutionKernel", "B30f", "B70f", "kernel (B30f, B70f)"), ("KVP", 80, 140, "kVp (")],
)
def test_halves_made_differently_are_told(series, keyword, low, high, told):
    def edit(k, dataset):
        setattr(dataset, keyword, low if k < 6 else high)

    ((name, message),) = read_scan(series(edit)).warnings
    assert name == "mixed-acquisition"
    assert told in message
