"""Networks of MONAI: by the name of its class, or as a bundle (a folder or a zip file)."""

from __future__ import annotations

import hashlib
import importlib
import os
import shutil
import sys
import tempfile
import zipfile
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from torch import nn

from ...errors import MissingExtraError, ModelError
from ..archives import check_zip
from ..read_once import read_file
from .consent import Consent
from .files import combined, fill
from .monai_arguments import check_arguments

# Where unpacked bundles lie within the cache folder.
BUNDLES = "bundles"
CONFIGS = ("configs/inference.json", "configs/inference.yaml", "configs/train.json",
           "configs/train.yaml")
WEIGHTS = "models/model.pt"
NETWORK = "network_def"


def network_from_monai(name: str, arguments: dict[str, Any]) -> nn.Module:
    """Return a network of `monai.networks.nets` by its class name, with random weights.

    Raises
    ------
    MissingExtraError
        Without MONAI.
    ModelError
        If there is no such network or it doesn't take such arguments.
    """
    nets = _import_monai("monai.networks.nets")
    made = getattr(nets, name, None)
    if name.startswith("_") or not isinstance(made, type) or not issubclass(made, nn.Module):
        raise ModelError(f"MONAI has no network {name!r} in monai.networks.nets.")
    checked = check_arguments(made, arguments)
    try:
        return made(**checked)
    except ModelError:
        raise
    except Exception as error:  # MONAI checks its arguments by many kinds of error
        raise ModelError(f"MONAI's {name} doesn't take these arguments: {error}.") from error


def network_from_bundle(
    path: Path, sha256: str, network: str, weights: str, consent: Consent
) -> tuple[nn.Module, str]:
    """Return a bundle's network with its weights, and the SHA-256 of the bundle.

    Parameters
    ----------
    path : Path
        Its folder or zip file.
    sha256 : str
        What the card says a zip file is; empty for nothing.
    network, weights : str
        Name of the network's definition in the configuration; state dict within the bundle.
    consent : Consent
        Asked before the configuration is read: it names functions and holds expressions.

    Raises
    ------
    MissingExtraError
        Without MONAI.
    ModelError
        If it is damaged, leaves its folder, lacks a part, or nobody agreed.
    """
    bundle = _import_monai("monai.bundle")
    root, digest = _folder(path, sha256, consent.folder)
    root = root.resolve()  # imported modules know their absolute place
    consent.require(
        path.name, digest, "a MONAI bundle's configuration names functions that are called."
    )
    config = next((root / name for name in CONFIGS if (root / name).is_file()), None)
    if config is None:
        raise ModelError(
            f"The bundle {path.name} has none of {', '.join(CONFIGS)}; is it a MONAI bundle?"
        )
    parser = bundle.ConfigParser()
    try:
        with _importing_from(root):
            parser.read_config(str(config))
            parser["bundle_root"] = str(root)
            made = parser.get_parsed_content(network)
    except Exception as error:  # a configuration may raise anything
        words = " ".join(str(error).split())
        raise ModelError(
            f"{network!r} of the bundle {path.name} cannot be built: {words}. Its name in "
            f"{config.name} goes into the card as `network`."
        ) from error
    if not isinstance(made, nn.Module):
        raise ModelError(f"{network!r} of {path.name} is a {type(made).__name__}, not a network.")
    fill(made, root / weights, "", "")
    return made, digest


@contextmanager
def _importing_from(root: Path):
    """Let a bundle import its own `scripts`; afterwards another bundle's may have that name."""
    before = list(sys.path), sys.dont_write_bytecode, set(sys.modules)
    sys.path.insert(0, str(root))
    sys.dont_write_bytecode = True  # compiled files would change the bundle's digest
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path[:], sys.dont_write_bytecode, known = before
        for name in set(sys.modules) - known:
            places = getattr(sys.modules[name], "__path__", None) or [
                getattr(sys.modules[name], "__file__", None) or ""
            ]
            if any(Path(place).is_relative_to(root) for place in places):
                del sys.modules[name]


def _folder(path: Path, sha256: str, cache: Path) -> tuple[Path, str]:
    """Return the bundle's folder, unpacked into the cache if it is a zip file, and its digest."""
    if path.is_dir():
        return path, _folder_digest(path)
    data, digest = read_file(path, sha256)
    unpacked = cache / BUNDLES / digest
    if not unpacked.is_dir():
        _unpack(data, path.name, unpacked)
    # Read anew: somebody may have changed what was unpacked earlier.
    return _root(unpacked), combined([digest, _folder_digest(unpacked)])


def _unpack(data: bytes, name: str, folder: Path) -> None:
    """Unpack a zip file, whole or not at all; only files and folders, only into `folder`."""
    archive = check_zip(data, name, "a folder or a zip file with a MONAI bundle")
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=".unpacking-", dir=folder.parent))
    try:
        archive.extractall(temporary)
        os.replace(temporary, folder)
    except (zipfile.BadZipFile, OSError, NotImplementedError, RuntimeError, EOFError) as error:
        raise ModelError(f"{name} cannot be unpacked: {error}.") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _root(folder: Path) -> Path:
    """Return the folder that has `configs`: this one or the only one in it."""
    inside = [path for path in folder.iterdir() if path.is_dir()]
    if not (folder / "configs").is_dir() and len(inside) == 1:
        return inside[0]
    return folder


def _folder_digest(folder: Path) -> str:
    """Return the SHA-256 over names and contents of all files; refuse links that lead out."""
    digest = hashlib.sha256()
    top = folder.resolve()
    for path in sorted(folder.rglob("*")):
        if not path.resolve().is_relative_to(top):
            raise ModelError(
                f"{path.relative_to(folder)} of the bundle {folder.name} leads outside it; replace "
                f"the link by the file."
            )
        if path.is_file():
            digest.update(path.relative_to(folder).as_posix().encode() + b"\0")
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _import_monai(module: str):
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingExtraError("monai", "monai", "build a MONAI network") from error
