"""Model files that would write a file if anybody ran what is in them: for tests, on this computer.

Each maker returns bytes that do nothing but make the file `canary` when they are run.
"""

from __future__ import annotations

import io
import os
import pickle
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn


class Calls:
    """Pickles as a call of any function with any arguments."""

    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


def saved(content, **options) -> bytes:
    """What torch.save writes."""
    buffer = io.BytesIO()
    torch.save(content, buffer, **options)
    return buffer.getvalue()


def repacked(data: bytes, change: Callable[[str, bytes], tuple[str, bytes]]) -> bytes:
    """An archive with its entries renamed or replaced."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(buffer, "w") as new:
        for entry in old.infolist():
            new.writestr(*change(entry.filename, old.read(entry)))
    return buffer.getvalue()


def torchscript(canary: Path) -> bytes:
    """A TorchScript program that saves a tensor to the canary as soon as it is loaded."""
    # A file of its own: TorchScript compiles sources, which `exec` alone wouldn't leave.
    source = f"""
import torch
from torch import nn
class Loaded(nn.Module):
    @torch.jit.export
    def __getstate__(self) -> torch.Tensor:
        return torch.zeros(1)
    @torch.jit.export
    def __setstate__(self, state: torch.Tensor):
        self.training = False
        torch.save(state, {str(canary)!r})
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.mean(dim=[1, 2, 3, 4])
"""
    path = canary.with_name("loaded_source.py")
    path.write_text(source)
    names: dict = {"__name__": "loaded_source"}
    exec(compile(source, str(path), "exec"), names)
    buffer = io.BytesIO()
    torch.jit.save(torch.jit.script(names["Loaded"]()), buffer)
    path.unlink()
    return buffer.getvalue()


def nested_torchscript(canary: Path) -> bytes:
    """The same under a name with folders, which other readers of archives wouldn't expect."""
    return repacked(torchscript(canary), lambda name, data: (f"deep/er/{name}", data))


def reduced(canary: Path) -> bytes:
    """A state dict with a pickle that calls a function (REDUCE)."""
    return saved({"state_dict": {"w": torch.ones(1)}, "x": Calls(open, str(canary), "w")})


def pickled_by(code: str) -> Callable[[Path], bytes]:
    """A checkpoint whose pickle is written by hand; CANARY and LENGTH are put in."""

    def make(canary: Path) -> bytes:
        text = code.replace("CANARY", str(canary))
        return repacked(
            saved({"w": torch.ones(1)}),
            lambda name, data: (
                name,
                text.encode("latin-1") if name.endswith("data.pkl") else data,
            ),
        )

    return make


def bare(canary: Path) -> bytes:
    """A pickle alone."""
    return pickle.dumps(Calls(os.system, f"touch {canary}"))


def legacy(canary: Path) -> bytes:
    """A checkpoint of PyTorch before 1.6: pickles one after the other."""
    return saved({"x": Calls(open, str(canary), "w")}, _use_new_zipfile_serialization=False)


def old_tar(canary: Path) -> bytes:
    """A checkpoint of PyTorch before 0.1.10: a tar file of pickles."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name in ("sys_info", "pickle", "storages", "tensors"):
            content = bare(canary)
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def exported(canary: Path) -> bytes:
    """A torch.export program all of whose pickled parts are calls."""

    class Mean(nn.Module):
        def forward(self, x):
            return x.mean(dim=(1, 2, 3, 4))

    buffer = io.BytesIO()
    torch.export.save(torch.export.export(Mean(), (torch.zeros(1, 1, 2, 2, 2),)), buffer)
    return repacked(
        buffer.getvalue(),
        lambda name, data: (
            name,
            bare(canary) if name.endswith((".pt", ".pkl")) or "/data/" in name else data,
        ),
    )


# A function's defaults or code are no file; the watcher looks at them.
BUILD = "\x80\x02ctorch._utils\n_rebuild_tensor_v2\n}X\x0c\x00\x00\x00__defaults__(K\x07K\x07tsb."
PAYLOADS: dict[str, Callable[[Path], bytes]] = {
    "torchscript": torchscript,
    "nested": nested_torchscript,
    "reduce": reduced,
    "bare": bare,
    "legacy": legacy,
    "tar": old_tar,
    "exported": exported,
    "global": pickled_by("cos\nsystem\n(S'touch CANARY'\ntR."),
    "inst": pickled_by("(S'touch CANARY'\nios\nsystem\n."),
    "obj": pickled_by("(cos\nsystem\nS'touch CANARY'\no."),
    "newobj": pickled_by("\x80\x02cio\nFileIO\n(S'CANARY'\nS'w'\nt\x81."),
    "stack-global": pickled_by("\x80\x04\x8c\x02os\x8c\x06system\x93(S'touch CANARY'\ntR."),
    "build": pickled_by(BUILD),
}
SUFFIXES = (".ckpt", ".pt", ".pth", ".pt2", ".bin", ".safetensors", ".onnx", ".zip", ".ts", "")
