"""A real black box: an ONNX network by its card, explained by what needs scores only."""

import numpy as np
import pytest
from scans import BLOCK, BRIGHT, SIZE, scan_block, scan_with_block

from CTCounterfactualLib.errors import ModelError
from CTCounterfactualLib.methods.attribute import attribute

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

CARD = """
schema = 1
kind = "classifier"
name = "onnx box"
[source]
type = "onnx"
file = "box.onnx"
[grid]
spacing = [2.0, 2.0, 4.0]
[output]
kind = "score"
[[targets]]
name = "block"
"""


@pytest.fixture
def card(tmp_path):
    """The share of the block that is bright, (n, 1, d, h, w) -> (n,)."""
    make, number = onnx.helper, onnx.numpy_helper.from_array
    starts, ends = zip(*[(part.start, part.stop) for part in BLOCK], strict=True)
    constants = {
        "starts": np.array(starts),
        "ends": np.array(ends),
        "axes": np.array([2, 3, 4]),
        "all": np.array([1, 2, 3, 4]),
        "bright": np.array(BRIGHT, np.float32),
    }
    float32 = onnx.TensorProto.FLOAT
    graph = make.make_graph(
        [
            make.make_node("Slice", ["x", "starts", "ends", "axes"], ["cut"]),
            make.make_node("Greater", ["cut", "bright"], ["lit"]),
            make.make_node("Cast", ["lit"], ["share"], to=float32),
            make.make_node("ReduceMean", ["share", "all"], ["y"], keepdims=0),
        ],
        "g",
        [make.make_tensor_value_info("x", float32, ["n", 1, "d", "h", "w"])],
        [make.make_tensor_value_info("y", float32, ["n"])],
        [number(value, name) for name, value in constants.items()],
    )
    model = make.make_model(graph, opset_imports=[make.make_opsetid("", 18)])
    model.ir_version = 8  # what runtimes of some years ago also read
    (tmp_path / "box.onnx").write_bytes(model.SerializeToString())
    path = tmp_path / "box.toml"
    path.write_text(CARD)
    return path


@pytest.mark.parametrize(
    ("method", "options"),
    [
        ("responsibility", {"iterations": 6, "least_ml": 0.01}),
        ("occlusion", {"window_mm": 8.0, "stride_mm": 4.0}),
    ],
)
def test_scores_alone_find_the_block(card, method, options):
    found = attribute(scan_with_block(), method, card, options=options)
    inside = np.zeros(SIZE, bool)
    inside[scan_block()] = True
    assert found.score == 1 and found.values[inside].mean() > 2.5 * found.values[~inside].mean()
    assert inside[np.unravel_index(found.values.argmax(), SIZE)]


def test_a_gradient_method_is_refused_before_the_scan_is_read(card, tmp_path):
    with pytest.raises(ModelError, match="hirescam needs the classifier's gradient, and onnx box"):
        attribute(tmp_path / "there is no scan.nrrd", "hirescam", card)
