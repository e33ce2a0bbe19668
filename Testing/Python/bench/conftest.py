"""A small bench: a slab of a generated chest with and without fluid, a matched pair."""

import numpy as np
import pytest
import SimpleITK as sitk

from CTCounterfactualLib.scans.generated import ChestSettings, generate_chest
from CTCounterfactualLib.scans.scan import Scan
from small_bench import write_bench

# 6 slices of 6 mm through the lungs, on a coarse grid.
SETTINGS = {"spacing": (2.5, 2.5, 6.0), "size": (144, 112, 6), "seed": 3}
FLUID_ML = 400.0


@pytest.fixture(scope="session")
def pair():
    """Return the scan with fluid, the clean one, and the masks of fluid and lungs, as images."""
    wet = generate_chest(ChestSettings(effusion_ml=FLUID_ML, **SETTINGS))
    dry = generate_chest(ChestSettings(**SETTINGS))

    def image(values):
        return Scan.from_array(values, wet.spacing, wet.origin).image

    fluid = wet.masks["effusion"].astype(np.uint8)
    return image(wet.hu), image(dry.hu), image(fluid), image(dry.masks["lungs"].astype(np.uint8))


@pytest.fixture
def make_bench(tmp_path, pair):
    """Return a function that writes a bench of the pair: (names, **cells) -> folder."""

    def make(names=("one",), **changed):
        return write_bench(tmp_path / "bench", pair, names, **changed)

    return make


@pytest.fixture
def rival(tmp_path):
    """Return a function that puts images into a case's result folder: rival(case, **images)."""

    def put(case="one", suffix=".nrrd", **images):
        folder = tmp_path / "results" / case
        folder.mkdir(parents=True, exist_ok=True)
        for name, image in images.items():
            sitk.WriteImage(image, str(folder / f"{name}{suffix}"))
        return tmp_path / "results"

    return put
