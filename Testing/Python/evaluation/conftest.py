"""One small explanation, and results of it whose truth is known."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from block_scan import BlockSeer, known_scan
from CTCounterfactualLib.counterfactual.engine import explain
from CTCounterfactualLib.methods.attribute import attribute
from CTCounterfactualLib.methods.method import Found, Method, Needs
from CTCounterfactualLib.outputs.folder import write_result


@pytest.fixture(scope="session")
def known():
    """Return a small body with a block in it."""
    return known_scan()


@pytest.fixture(scope="session")
def explanation(known):
    """Explain it in two chunks."""
    return explain(known.scan, BlockSeer(), chunk=5)


@pytest.fixture(scope="session")
def results(explanation, known, tmp_path_factory):
    """Write the true counterfactual and an even map as results once; return the folder of both."""
    folder = tmp_path_factory.mktemp("results")
    clean = known.clean.array.copy()
    difference = (clean.astype(np.int32) - known.scan.array).astype(np.int16)
    true = replace(explanation, counterfactual=clean, difference=difference)
    write_result(true, folder / "perfect", scene=False, with_scan=True)
    even = Method(
        "even",
        "marks all alike",
        "none",
        Needs(),
        lambda request: Found(np.ones(request.prepared.volume.shape, np.float32)),
    )
    made = attribute(known.scan, even, BlockSeer())
    write_result(made, folder / "map", with_scan=True)
    return folder


@pytest.fixture
def perfect(results, tmp_path):
    """Return the folder of the true counterfactual, to be written into."""
    return Path(shutil.copytree(results / "perfect", tmp_path / "perfect"))


@pytest.fixture
def map_only(results, tmp_path):
    """Return the folder of a method's map that marks every voxel alike."""
    return Path(shutil.copytree(results / "map", tmp_path / "map"))
