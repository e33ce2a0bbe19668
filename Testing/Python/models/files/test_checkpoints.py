"""Tensors come out of checkpoints; what else is pickled in them never runs."""

import hashlib
import io
import os
import pickle
import struct
import sys
import types
import zipfile

import pytest
import torch

from CTCounterfactualLib.errors import ModelError
from CTCounterfactualLib.models.files.checkpoints import read_content, read_tensors
from CTCounterfactualLib.models.files.weights import read_weights


class Attack:
    """Pickles as a call of any function with any arguments."""

    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


def saved(content) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


WHOLE = saved({"w": torch.arange(6.0)})
# PyTorch 2.2 has no uint16 yet.
ODD_TYPES = [
    getattr(torch, name)
    for name in ("bool", "uint8", "uint16", "float8_e5m2")
    if hasattr(torch, name)
]


@pytest.fixture
def lightning_like(tmp_path):
    """A checkpoint with a callback, an attribute dict and a list class of a module that's gone."""
    module = types.ModuleType("a_module_that_is_gone")
    for name, base in (("Callback", object), ("AttributeDict", dict), ("Records", list)):
        setattr(module, name, type(name, (base,), {"__module__": module.__name__}))
    sys.modules[module.__name__] = module
    callback = module.Callback()
    callback.best = 0.5
    content = {
        "state_dict": {"a.weight": torch.arange(6.0).reshape(2, 3), "loss.b": torch.ones(1)},
        "callbacks": callback,
        "hyper_parameters": module.AttributeDict(ch=128),
        "records": module.Records([1, 2]),
        "seen": {1, 2},
        "epoch": 7,
    }
    path = tmp_path / "lightning.ckpt"
    torch.save(content, path)
    del sys.modules[module.__name__]
    return path


def test_tensors_are_read_and_all_else_is_inert(lightning_like):
    tensors = read_tensors(lightning_like)
    assert list(tensors) == ["a.weight", "loss.b"]
    assert tensors["a.weight"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert "a_module_that_is_gone" not in sys.modules


@pytest.mark.parametrize("key", ["state_dict", "model_state_dict", "model", "net", None])
def test_a_state_dict_is_found_where_people_put_it(tmp_path, key):
    state = {"module.w": torch.ones(2)}
    path = tmp_path / "x.pt"
    torch.save(state if key is None else {key: state, "epoch": 1}, path)
    assert list(read_tensors(path, prefix="module.")) == ["w"]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64, torch.int64])
def test_tensors_keep_type_layout_and_parameters(tmp_path, dtype):
    weight = torch.arange(12).reshape(3, 4).to(dtype).T
    path = tmp_path / "x.pt"
    torch.save({"w": weight, "p": torch.nn.Parameter(torch.ones(2))}, path)
    tensors = read_tensors(path)
    assert torch.equal(tensors["w"], weight) and tensors["w"].dtype == dtype
    assert tensors["p"].tolist() == [1, 1]


@pytest.mark.parametrize(
    "make",
    [
        lambda marker: Attack(os.system, f"touch {marker}"),
        lambda marker: Attack(eval, f"open({str(marker)!r}, 'w')"),
        lambda marker: Attack(open, str(marker), "w"),
        lambda marker: Attack(torch.hub.download_url_to_file, "http://localhost:1/", str(marker)),
        lambda marker: Attack(getattr, "text", "upper"),
        lambda marker: Attack(__import__, "this"),
    ],
    ids=["os.system", "eval", "open", "torch-function", "getattr", "import"],
)
def test_nothing_that_a_checkpoint_pickles_is_run(tmp_path, make):
    marker = tmp_path / "was-run"
    path = tmp_path / "attack.ckpt"
    torch.save({"state_dict": {"w": torch.ones(1)}, "extra": make(marker)}, path)
    assert list(read_tensors(path)) == ["w"]
    assert not marker.exists()


def test_an_attack_in_place_of_the_state_dict_is_no_model(tmp_path):
    marker = tmp_path / "was-run"
    path = tmp_path / "attack.ckpt"
    torch.save(Attack(os.system, f"touch {marker}"), path)
    with pytest.raises(ModelError, match="holds no tensors"):
        read_tensors(path)
    assert not marker.exists()


def test_a_bare_pickle_is_refused_before_it_is_opened(tmp_path):
    marker = tmp_path / "was-run"
    path = tmp_path / "bare.pt"
    path.write_bytes(pickle.dumps(Attack(os.system, f"touch {marker}")))
    with pytest.raises(ModelError, match=r"expected a PyTorch checkpoint"):
        read_tensors(path)
    assert not marker.exists()


def test_a_zip_bomb_is_refused_by_its_stated_size(tmp_path):
    path = tmp_path / "bomb.pt"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", b"\0" * 20_000_000)
    with pytest.raises(ModelError, match=r"would unpack to 0\.0 GB from 0\.0 MB"):
        read_tensors(path)


def test_a_tensor_that_reaches_beyond_its_storage_is_refused(tmp_path):
    path = tmp_path / "reach.pt"
    torch.save(
        {
            "w": Attack(
                torch._utils._rebuild_tensor_v2,
                torch.ones(1).untyped_storage(),
                0,
                (10**9,),
                (1,),
                False,
                None,
            )
        },
        path,
    )
    with pytest.raises(ModelError, match="cannot be read as a checkpoint"):
        read_tensors(path)


def test_damaged_and_foreign_files_are_refused_in_words(tmp_path, lightning_like):
    whole = lightning_like.read_bytes()
    for name, content, words in (
        ("empty.pt", b"", "damaged, cut short or of another kind"),
        ("cut.pt", whole[: len(whole) // 2], "damaged, cut short or of another kind"),
        ("text.pt", b"<html>404 Not Found</html>", "damaged, cut short or of another kind"),
        ("flipped.pt", whole.replace(b"_rebuild_tensor_v2", b"_rebuild_tensor_v9"), "ModelError"),
    ):
        path = tmp_path / name
        path.write_bytes(content)
        if words == "ModelError":
            with pytest.raises(ModelError):
                read_tensors(path)
        else:
            with pytest.raises(ModelError, match=words):
                read_tensors(path)
    with pytest.raises(ModelError, match="does not exist"):
        read_tensors(tmp_path / "nothing.pt")


def test_a_zip_of_another_kind_is_refused(tmp_path):
    path = tmp_path / "document.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("word/document.xml", struct.pack("<I", 1))
    with pytest.raises(ModelError, match=r"without a data\.pkl"):
        read_tensors(path)


def test_tensors_that_repeat_numbers_cannot_fill_the_memory(tmp_path):
    path = tmp_path / "x.pt"
    torch.save({"w": torch.zeros(1).expand(30_000, 40_000)}, path)
    with pytest.raises(ModelError, match=r"unfold to 4\.8 GB from 0\.0 MB"):
        read_tensors(path)
    one = torch.zeros(250_000)  # 1 MB, under 100 names
    torch.save({f"w{n}": one for n in range(100)}, path)
    with pytest.raises(ModelError, match=r"unfold to 0\.1 GB from 1\.0 MB"):
        read_tensors(path)
    torch.save({"ids": torch.zeros(1).expand(1, 512), "tied": one, "too": one}, path)
    assert read_tensors(path)["ids"].shape == (1, 512)


def test_tensors_with_attributes_and_of_subclasses_are_read(tmp_path):
    class Tagged(torch.Tensor):
        """As MONAI's MetaTensor."""

    weight = torch.nn.Parameter(torch.arange(3.0))
    weight.tag = "frozen"
    plain = torch.arange(2.0)
    plain.note = {"unit": "HU"}
    module = sys.modules[__name__]
    module.Tagged = Tagged
    Tagged.__qualname__ = "Tagged"
    path = tmp_path / "x.pt"
    torch.save({"w": weight, "p": plain, "t": torch.ones(2).as_subclass(Tagged)}, path)
    del module.Tagged
    tensors = read_tensors(path)
    assert {name: tensor.tolist() for name, tensor in tensors.items()} == {
        "w": [0, 1, 2],
        "p": [0, 1],
        "t": [1, 1],
    }
    assert {type(tensor) for tensor in tensors.values()} == {torch.Tensor}


@pytest.mark.parametrize("dtype", ODD_TYPES)
def test_every_type_of_numbers(tmp_path, dtype):
    path = tmp_path / "x.pt"
    weight = torch.tensor([0, 1, 1, 0]).to(dtype)
    torch.save({"w": weight, "none": torch.empty(0, 3, dtype=dtype), "one": weight[1]}, path)
    tensors = read_tensors(path)
    assert tensors["w"].dtype == dtype and tensors["w"].float().tolist() == [0, 1, 1, 0]
    assert tensors["none"].shape == (0, 3) and tensors["one"].item() == 1


def test_the_bytes_that_were_hashed_are_those_that_are_read(tmp_path):
    path = tmp_path / "x.pt"
    path.write_bytes(WHOLE)
    digest = hashlib.sha256(WHOLE).hexdigest()
    assert read_tensors(path, sha256=digest)["w"].tolist() == list(range(6))
    path.write_bytes(saved({"w": torch.zeros(6)}))
    with pytest.raises(ModelError, match="is damaged or was replaced"):
        read_tensors(path, sha256=digest)


def test_a_pipe_or_a_device_is_no_checkpoint(tmp_path):
    path = tmp_path / "x.pt"
    path.symlink_to("/dev/zero")
    with pytest.raises(ModelError, match=r"does not exist|no ordinary file"):
        read_tensors(path)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(ModelError, match="no ordinary file"):
        read_weights(pipe)


def test_all_that_a_training_saves_comes_back(tmp_path):
    path = tmp_path / "x.pt"
    network = torch.nn.Linear(2, 1)
    optimiser = torch.optim.Adam(network.parameters())
    network(torch.ones(1, 2)).sum().backward()
    optimiser.step()
    torch.save({"step": 3, "net": network.state_dict(), "opt": optimiser.state_dict()}, path)
    content = read_content(path)
    assert content["step"] == 3
    assert torch.equal(content["net"]["weight"], network.weight)
    again = torch.optim.Adam(network.parameters())
    again.load_state_dict(content["opt"])
    assert again.state_dict()["state"][0]["step"] == 1
    torch.save({"step": 3, "net": Attack(os.system, "true")}, path)
    with pytest.raises(ModelError, match="more than tensors and numbers"):
        read_content(path)


def test_lists_of_the_same_lists_do_not_unfold(tmp_path):
    content = inner = []
    for _ in range(30):
        inner = [inner] * 100  # 100 to the power of 30 in all
    path = tmp_path / "x.pt"
    torch.save({"step": inner}, path)
    found = read_content(path)["step"]
    assert found[0] is found[99]
    content.append(content)
    torch.save({"step": content}, path)
    with pytest.raises(ModelError, match="nested without end"):
        read_content(path)
