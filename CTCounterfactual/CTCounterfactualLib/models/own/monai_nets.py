"""Networks of MONAI: by the name of its class, or as a bundle (a folder or a zip file)."""

from __future__ import annotations

import hashlib
import importlib
import os
import sys
import tempfile
import zipfile
import zlib
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from torch import nn

from ...errors import MissingExtraError, ModelError
from ...storage.atomic import staging
from ...storage.hashing import HASH_BLOCK_BYTES
from ..files.archives import check_zip
from ..files.cards import canonical_sha256
from ..files.read_once import DIGITS_SHOWN, read_file
from .consent import Consent
from .files import fill
from .monai_arguments import check_arguments

# Name of the private copies of bundles, in the system's folder for temporary files.
COPIES = "ct-counterfactual-bundle"
MOST_FILES = 10_000
CONFIGS = (
    "configs/inference.json",
    "configs/inference.yaml",
    "configs/train.json",
    "configs/train.yaml",
)
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
        What the card says it is; empty for nothing.
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
    # What is hashed, agreed to and run are the files of a copy that nobody else can write.
    with staging(Path(tempfile.gettempdir()) / COPIES) as copy:
        digest = _unpacked(path, sha256, copy) if path.is_file() else _copied(path, sha256, copy)
        wanted = digest
        if (network, weights) != (NETWORK, WEIGHTS):  # what of it runs is chosen by the card
            wanted = canonical_sha256({"bundle": digest, "network": network, "weights": weights})
        consent.require(
            path.name, wanted, "a MONAI bundle's configuration names functions that are called."
        )
        root = _root(copy).resolve()  # imported modules know their absolute place
        return _built(bundle, root, path.name, network, weights), digest


def _built(bundle: Any, root: Path, name: str, network: str, weights: str) -> nn.Module:
    """Run a bundle's configuration and return the network that it defines, with its weights."""
    config = next((root / name for name in CONFIGS if (root / name).is_file()), None)
    if config is None:
        raise ModelError(
            f"The bundle {name} has none of {', '.join(CONFIGS)}; is it a MONAI bundle?"
        )
    parser = bundle.ConfigParser()
    try:
        with _importing_from(root):
            parser.read_config(str(config))
            parser["bundle_root"] = str(root)
            made = parser.get_parsed_content(network)
    except (Exception, SystemExit) as error:  # a configuration may raise anything
        words = " ".join(str(error).split())
        raise ModelError(
            f"{network!r} of the bundle {name} cannot be built: {words}. Its name in "
            f"{config.name} goes into the card as `network`."
        ) from error
    if not isinstance(made, nn.Module):
        raise ModelError(f"{network!r} of {name} is a {type(made).__name__}, not a network.")
    try:
        fill(made, root / weights, "", "")
    except ModelError as error:  # in the words of what the user has, not of the copy
        raise ModelError(error.text.replace(f"{root}{os.sep}", f"{name}{os.sep}")) from error
    return made


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


def _unpacked(path: Path, sha256: str, into: Path) -> str:
    """Unpack a zip file, only files and folders, only into `into`; return its SHA-256."""
    data, digest = read_file(path, sha256)
    archive = check_zip(data, path.name, "a folder or a zip file with a MONAI bundle")
    try:
        archive.extractall(into)
    except (
        zipfile.BadZipFile,
        OSError,
        NotImplementedError,
        RuntimeError,
        EOFError,
        zlib.error,
        ValueError,
    ) as error:
        raise ModelError(f"{path.name} cannot be unpacked: {error}.") from error
    return digest


def _copied(folder: Path, sha256: str, into: Path) -> str:
    """Copy a bundle's folder; return the SHA-256 over the names and contents that were copied.

    Links that lead out are refused, as are files that aren't ordinary.
    """
    if not folder.is_dir():
        raise ModelError(f"There is no bundle {folder}; expected its folder or zip file.")
    digest, top = hashlib.sha256(), folder.resolve()
    for number, path in enumerate(sorted(folder.rglob("*"))):
        name = path.relative_to(folder)
        if number >= MOST_FILES:
            raise ModelError(f"{folder} holds over {MOST_FILES} files; is it a MONAI bundle?")
        if not path.resolve().is_relative_to(top) or (path.is_dir() and path.is_symlink()):
            raise ModelError(
                f"{name} of the bundle {folder.name} leads outside it or is a link to a folder; "
                f"replace the link by the file."
            )
        if path.is_dir():
            (into / name).mkdir(parents=True, exist_ok=True)
            continue
        digest.update(name.as_posix().encode() + b"\0")
        digest.update(_copy(path, into / name))
    if sha256 and digest.hexdigest() != sha256.lower():
        raise ModelError(
            f"The bundle {folder} has SHA-256 {digest.hexdigest()[:DIGITS_SHOWN]}... (over names "
            f"and contents) but its card says {sha256[:DIGITS_SHOWN]}...: a file of it changed. If "
            f"you changed it yourself, put the new digest into the card."
        )
    return digest.hexdigest()


def _copy(path: Path, target: Path) -> bytes:
    """Copy an ordinary file; return the digest of the bytes that were copied."""
    if not path.is_file():
        raise ModelError(f"{path} is no ordinary file, which no bundle needs.")
    digest = hashlib.sha256()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with path.open("rb") as file, target.open("xb") as copy:
            while block := file.read(HASH_BLOCK_BYTES):
                digest.update(block)
                copy.write(block)
    except OSError as error:
        raise ModelError(f"Cannot copy {path} of the bundle: {error.strerror}.") from error
    return digest.digest()


def _root(folder: Path) -> Path:
    """Return the folder that has `configs`: this one or the only one in it."""
    inside = [path for path in folder.iterdir() if path.is_dir()]
    if not (folder / "configs").is_dir() and len(inside) == 1:
        return inside[0]
    return folder


def _import_monai(module: str):
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingExtraError("monai", "monai", "build a MONAI network") from error
