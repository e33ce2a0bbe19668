"""One small explanation, and results of it whose truth is known."""

from dataclasses import replace

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


@pytest.fixture
def perfect(explanation, known, tmp_path):
    """Write the true counterfactual as a result; return its folder."""
    clean = known.clean.array.copy()
    difference = (clean.astype(np.int32) - known.scan.array).astype(np.int16)
    true = replace(explanation, counterfactual=clean, difference=difference)
    return write_result(true, tmp_path / "perfect", scene=False, with_scan=True)


@pytest.fixture
def map_only(known, tmp_path):
    """Write the result of a method that marks every voxel alike."""
    even = Method(
        "even",
        "marks all alike",
        "none",
        Needs(),
        lambda request: Found(np.ones(request.prepared.volume.shape, np.float32)),
    )
    made = attribute(known.scan, even, BlockSeer())
    return write_result(made, tmp_path / "map", with_scan=True)
