"""ONNX: the same scores as PyTorch, no gradient, and the refusals."""

import numpy as np
import pytest
import torch

from CTCounterfactualLib.errors import ModelError
from CTCounterfactualLib.models.own.load import load_own_classifier

from .conftest import CARD

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

ONNX = CARD.replace("python", "onnx").replace("net.py", "m.onnx")


def linear(inputs: int = 1, dtype=np.float32, external: bool = False) -> bytes:
    """A model file: the mean of each volume times 3, for volumes (n, 1, d, 3, w)."""
    kind = onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    given = [
        onnx.helper.make_tensor_value_info(f"x{n}", kind, ["n", 1, "d", 3, "w"])
        for n in range(inputs)
    ]
    factor = onnx.numpy_helper.from_array(np.array([3], dtype), "factor")
    if external:
        onnx.external_data_helper.set_external_data(factor, "../../etc/passwd")
        factor.ClearField("raw_data")
    graph = onnx.helper.make_graph(
        [
            onnx.helper.make_node("ReduceMean", ["x0", "axes"], ["m"], keepdims=0),
            onnx.helper.make_node("Mul", ["m", "factor"], ["y"]),
        ],
        "g",
        given,
        [onnx.helper.make_tensor_value_info("y", kind, ["n"])],
        [factor, onnx.numpy_helper.from_array(np.array([1, 2, 3, 4]), "axes")],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)])
    model.ir_version = 8  # what runtimes of some years ago also read
    return model.SerializeToString()


@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.float64])
def test_scores_without_consent_and_without_gradient(write, nobody, dtype):
    model = load_own_classifier(write(ONNX, **{"m.onnx": linear(dtype=dtype)}), nobody)
    assert model.differentiable is False
    x = torch.rand(2, 1, 4, 3, 5)
    expected = 3 * x.mean(dim=(1, 2, 3, 4))
    assert torch.allclose(model.score(x).float(), expected, rtol=2e-3)
    with pytest.raises(ModelError, match=r"m.onnx is a black box.*TorchScript, torch.export"):
        model.score(x.requires_grad_(True))
    with torch.no_grad():  # nobody asks for a gradient here
        assert model.score(x).shape == (2,)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (linear()[:-30], "cannot be loaded as ONNX"),
        (b"nonsense", "cannot be loaded as ONNX"),
        (linear(inputs=2), "expected one input"),
        (linear(external=True), "cannot be loaded as ONNX.*with its weights inside"),
    ],
)
def test_other_files_are_refused(write, nobody, data, words):
    with pytest.raises(ModelError, match=words):
        load_own_classifier(write(ONNX, **{"m.onnx": data}), nobody)


def external(place: str):
    """A model one of whose tensors lies in another file, at one of the places that hold tensors."""
    make = onnx.helper
    tensor = onnx.numpy_helper.from_array(np.array([3], np.float32), "t")
    onnx.external_data_helper.set_external_data(tensor, "weights.bin")
    tensor.ClearField("raw_data")
    node = make.make_node("Constant", [], ["y"], value=tensor)
    inner = make.make_graph([node], "inner", [], [])
    if place == "branch":
        node = make.make_node("If", ["x"], ["y"], then_branch=inner, else_branch=inner)
    if place == "sparse":
        plain = onnx.numpy_helper.from_array(np.array([0], np.int64), "i")
        node = make.make_node(
            "Constant", [], ["y"], sparse_value=make.make_sparse_tensor(tensor, plain, [4])
        )
    graph = make.make_graph([node], "g", [], [], [tensor] if place == "initializer" else [])
    opsets = [make.make_opsetid("", 18)]
    functions = []
    if place == "function":
        graph = make.make_graph([make.make_node("f", [], ["y"], domain="d")], "g", [], [])
        functions = [make.make_function("d", "f", [], ["y"], [node], opsets)]
    return make.make_model(graph, opset_imports=opsets, functions=functions).SerializeToString()


@pytest.mark.parametrize("place", ["initializer", "attribute", "branch", "sparse", "function"])
def test_a_model_with_data_in_other_files_is_refused_unopened(
    write, tmp_path, nobody, monkeypatch, place
):
    """Such files aren't in its digest; onnxruntime would look for them where the process stands."""
    import onnxruntime

    monkeypatch.chdir(tmp_path)
    (tmp_path / "weights.bin").write_bytes(b"\0" * 4)
    monkeypatch.setattr(onnxruntime, "InferenceSession", lambda *_, **__: pytest.fail("opened"))
    with pytest.raises(ModelError, match=r"m.onnx cannot be loaded as ONNX: it names other files"):
        load_own_classifier(write(ONNX, **{"m.onnx": external(place)}), nobody)


def test_a_model_nested_without_end_is_refused(write, nobody):
    data = b""
    for _ in range(200):  # graph > node > attribute > graph ...
        for key in (b"\x32", b"\x2a", b"\x0a"):
            size, length = len(data), b""
            while size > 127:
                length, size = length + bytes([size & 127 | 128]), size >> 7
            data = key + length + bytes([size]) + data
    data = b"\x3a" + bytes([len(data) & 127 | 128, len(data) >> 7]) + data
    with pytest.raises(ModelError, match=r"nested too deep"):
        load_own_classifier(write(ONNX, **{"m.onnx": data}), nobody)


def test_a_wrong_size_is_named(write, nobody):
    model = load_own_classifier(write(ONNX, **{"m.onnx": linear()}), nobody)
    with pytest.raises(ModelError, match=r"cannot take an input of \(1, 1, 2, 4, 5\); it was made"):
        model.score(torch.zeros(1, 1, 2, 4, 5))


def test_template_card(template, nobody):
    """The card with a file of our own: its script needs an exporter that only users install."""
    path = template("onnx", script=None)
    with pytest.raises(ModelError, match=r"Cannot read the model file .*model.onnx"):
        load_own_classifier(path, nobody)
    (path.parent / "model.onnx").write_bytes(linear())
    model = load_own_classifier(path, nobody)
    with pytest.raises(ModelError, match=r"output 1, but the network has 1 outputs"):
        model.score(torch.zeros(1, 1, 2, 3, 2))


def test_a_gpu_is_used_for_tensors_on_one_only(write, nobody):
    network = load_own_classifier(write(ONNX, **{"m.onnx": linear()}), nobody).network
    assert network.session.get_providers() == ["CPUExecutionProvider"]
    asked = []
    network.start = lambda providers: asked.append(providers) or "on the GPU"
    assert network._session(torch.device("cpu")) is network.session and asked == []
    for _ in range(2):
        assert network._session(torch.device("cuda")) == "on the GPU"
    assert asked == [["CUDAExecutionProvider", "CPUExecutionProvider"]]
