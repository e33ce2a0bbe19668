"""Tensors come out of checkpoints; what else is pickled in them never runs."""

import os
import pickle
import struct
import sys
import types
import zipfile

import pytest
import torch

from CTCounterfactualLib.errors import ModelError
from CTCounterfactualLib.models.checkpoints import read_tensors


class Attack:
    """Pickles as a call of any function with any arguments."""

    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


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


@pytest.mark.parametrize("make", [
    lambda marker: Attack(os.system, f"touch {marker}"),
    lambda marker: Attack(eval, f"open({str(marker)!r}, 'w')"),
    lambda marker: Attack(open, str(marker), "w"),
    lambda marker: Attack(torch.hub.download_url_to_file, "http://localhost:1/", str(marker)),
    lambda marker: Attack(getattr, "text", "upper"),
    lambda marker: Attack(__import__, "this"),
], ids=["os.system", "eval", "open", "torch-function", "getattr", "import"])
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
    with pytest.raises(ModelError, match=r"expected a PyTorch checkpoint \(a zip file"):
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
    torch.save({"w": Attack(torch._utils._rebuild_tensor_v2, torch.ones(1).untyped_storage(),
                            0, (10**9,), (1,), False, None)}, path)
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
