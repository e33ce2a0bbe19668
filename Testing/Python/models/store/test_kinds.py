"""What a file is told by its bytes, whatever its publisher or server calls it."""

import io
import zipfile

import pytest

from CTCounterfactualLib.errors import ModelError
from CTCounterfactualLib.models.files.legacy_checkpoints import LEGACY_HEAD
from CTCounterfactualLib.models.store.kinds import check_kind
from model_server import CONTENT, checkpoint

CONFIGURATION = """model:
  target: taming.models.vqgan.VQModel
  params: {embed_dim: 4, n_embed: 8, ddconfig: {ch: 32}}
"""


def archive(entries: dict, compression=zipfile.ZIP_STORED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as packed:
        for name, content in entries.items():
            packed.writestr(name, content)
    return file.getvalue()


PROGRAM = {"m/data.pkl": b"x", "m/constants.pkl": b"x", "m/code/__torch__.py": b"x"}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"<!doctype html><title>Log in", "is a web page"),
        (b"\n  <HTML>", "is a web page"),
        (b"<?xml version='1.0'?><Error>", "is a web page"),
        (b'{"message": "Not Found"}', "is cut short, damaged or of another kind"),
        (CONTENT[:-1], "is cut short"),
        (CONTENT[:100], "is cut short"),
        (CONTENT[:2000] + b"x" * 1000 + CONTENT[3000:], r"is damaged \(its part archive/data/0"),
        (archive({"readme.txt": b"x"}), "is a zip file without a data.pkl"),
        (archive(PROGRAM), "is a TorchScript program"),
        (archive({"m/data.pkl": bytes(10**7)}, zipfile.ZIP_DEFLATED), "would unpack to far more"),
    ],
    ids=[
        "empty",
        "html",
        "html 2",
        "xml",
        "json",
        "cut",
        "begun",
        "mixed",
        "zip",
        "program",
        "bomb",
    ],
)
@pytest.mark.parametrize("name", ["model.pth", "model.ckpt", "MODEL.PT"])
def test_what_is_no_checkpoint_is_told(tmp_path, name, content, words):
    path = tmp_path / ".arrived"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=rf"{name} is not the file that was expected: it {words}"):
        check_kind(path, name)


def test_a_checkpoint_is_one_by_both_ways_of_torch(tmp_path):
    torch = pytest.importorskip("torch")
    path = tmp_path / "arrived"
    for new in (True, False):
        torch.save({"w": torch.arange(5.0)}, path, _use_new_zipfile_serialization=new)
        check_kind(path, "model.pth")
        assert path.read_bytes().startswith(LEGACY_HEAD) is not new
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ModelError, match="is cut short"):
        check_kind(path, "model.pth")
    path.write_bytes(checkpoint(10))
    check_kind(path, "model.ckpt")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"<html>model: params: ddconfig:", "is a web page"),
        (b"404: Not Found", "lacks model, params"),
        (CONFIGURATION.replace("n_embed: 8, ", "").encode(), "lacks n_embed"),
        (b"model: \xff", "is no text"),
        (CONFIGURATION.encode() + b"#" * 2**20, "is too large"),
    ],
)
def test_what_is_no_configuration_is_told(tmp_path, content, words):
    path = tmp_path / ".arrived"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=f"x.yaml is not the file.*: it {words}"):
        check_kind(path, "x.yaml")
    path.write_text(CONFIGURATION)
    check_kind(path, "x.yaml")
