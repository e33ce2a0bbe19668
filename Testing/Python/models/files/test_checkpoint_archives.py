"""What PyTorch would run, or what it would not write, is refused before anybody opens it."""

import io
import struct
import zipfile

import pytest
import torch

from CTCounterfactualLib.errors import ModelError
from CTCounterfactualLib.models.files.checkpoints import read_tensors


class Writes(torch.nn.Module):
    """A TorchScript program writes files when it is asked to."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x


def scripted() -> bytes:
    buffer = io.BytesIO()
    torch.jit.save(torch.jit.script(Writes()), buffer)
    return buffer.getvalue()


def repacked(data: bytes, change=lambda name, content: (name, content), extra=(), how=0) -> bytes:
    """The archive with entries renamed, changed, added or compressed."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(buffer, "w", how) as new:
        for entry in old.infolist():
            new.writestr(*change(entry.filename, old.read(entry)))
        for name, content in extra:
            new.writestr(name, content)
    return buffer.getvalue()


def saved(content) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


WHOLE = saved({"w": torch.arange(6.0)})


@pytest.mark.parametrize("suffix", [".ckpt", ".pt", ".pth", ".pt2", ".bin", ".zip", ""])
@pytest.mark.parametrize(
    "extra",
    [
        ("archive/constants.pkl", b""),
        ("archive/code/__torch__.py", b""),
        ("constants.pkl", b""),
        ("code/x.py", b""),
        ("a/b/CODE/x.py", b""),
        None,
    ],
)
def test_torchscript_is_refused_before_anybody_loads_it(tmp_path, monkeypatch, suffix, extra):
    for loader in (torch, torch.jit):
        monkeypatch.setattr(loader, "load", lambda *_, **__: pytest.fail("PyTorch was asked"))
    path = tmp_path / f"program{suffix}"
    path.write_bytes(scripted() if extra is None else repacked(WHOLE, extra=[extra]))
    with pytest.raises(ModelError, match="is a TorchScript program, not a checkpoint"):
        read_tensors(path)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (repacked(WHOLE, extra=[("other/data.pkl", b"N.")]), "several data.pkl"),
        (repacked(WHOLE, how=zipfile.ZIP_DEFLATED), "is compressed"),
        (
            repacked(WHOLE, lambda n, c: (n, c[:-4] if "/data/" in n else c)),
            "numbers of a tensor are",
        ),
        (
            repacked(WHOLE, lambda n, c: (n.replace("/data/0", "/data/1"), c)),
            "numbers of a tensor are",
        ),
        (repacked(WHOLE, lambda n, c: (n, b"big" if "byteorder" in n else c)), "big-endian"),
        (WHOLE.replace(struct.pack("<f", 5.0), struct.pack("<f", 6.0)), "checksum of its entry"),
        (b"#!/bin/sh\n" + WHOLE, "another kind"),
        (saved(torch.nn.Linear(1, 1)), r"a whole object \('torch.nn.modules.linear.Linear'\)"),
        (saved({"w": torch.ones(2).to_sparse()}), "only dense tensors are read"),
        (saved({"w": torch.ones(2, dtype=torch.complex64)}), "cannot be read as a checkpoint"),
    ],
)
def test_what_isnt_as_torch_saves_it_is_refused(tmp_path, data, words):
    path = tmp_path / "x.pt"
    path.write_bytes(data)
    with pytest.raises(ModelError, match=words):
        read_tensors(path)


def test_entries_that_overlap_are_refused(tmp_path):
    """Two names for the same bytes: a small file that would unpack to a large one."""
    data = bytearray(repacked(WHOLE, extra=[("archive/data/1", b"1234")]))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        first = archive.infolist()[0].header_offset
        directory = archive.start_dir
    at = data.rindex(b"PK\x01\x02", directory)
    data[at + 42 : at + 46] = struct.pack("<I", first)
    path = tmp_path / "x.pt"
    path.write_bytes(data)
    with pytest.raises(ModelError, match="overlaps another"):
        read_tensors(path)
