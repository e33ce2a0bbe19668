"""A network from a Python file with a factory function, run from the very bytes that were hashed.

The file becomes a package of its own name, so that `from .blocks import Block` finds the other
files that the card lists (`also`), and nothing is left on the import path.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import sys
from pathlib import Path
from typing import Any

from torch import nn

from ...errors import ModelError
from ..files.cards import canonical_sha256
from ..files.read_once import read_file
from .consent import Consent
from .files import combined

PACKAGE_PREFIX = "ct_counterfactual_own_"
DIGITS = 16
# Called if the card names no other.
FACTORY = "build"


def network_from_python(
    files: list[Path], factory: str, arguments: dict[str, Any], sha256: str, consent: Consent
) -> tuple[nn.Module, str]:
    """Run a factory and return its network, with the SHA-256 of all its files.

    Parameters
    ----------
    files : list of Path
        The file with the factory, then those that it imports (`from .name import ...`).
    factory : str
        Name of a function or class in the first file; called with `arguments` by keyword.
    arguments : dict
        For the factory.
    sha256 : str
        What the card says the first file is; empty for nothing.
    consent : Consent
        Asked before anything runs.

    Raises
    ------
    ModelError
        If a file is missing or another, nobody agreed, or the code fails; says where in it.
    """
    read = [read_file(path, sha256 if n == 0 else "") for n, path in enumerate(files)]
    digest = combined([digest for _, digest in read])
    names = ", ".join(path.name for path in files)
    wanted = digest
    if len(files) > 1 or arguments or factory != FACTORY:
        # Names, and what is called with what, are as much a part of what will run as the bytes.
        wanted = canonical_sha256(
            {
                "files": [[path.name, one] for path, (_, one) in zip(files, read, strict=True)],
                "factory": factory,
                "arguments": arguments,
            }
        )
    consent.require(names, wanted, "a Python file runs when its network is built.")
    package = PACKAGE_PREFIX + digest[:DIGITS]
    sources = {
        package if n == 0 else f"{package}.{path.stem}": (path, data)
        for n, (path, (data, _)) in enumerate(zip(files, read, strict=True))
    }
    module = _import(package, sources)
    if not callable(getattr(module, factory, None)):
        raise ModelError(
            f"{files[0].name} has no function or class {factory!r}; the card's `factory` names the "
            f"one that returns the network."
        )
    try:
        network = getattr(module, factory)(**arguments)
    except (Exception, SystemExit) as error:  # whatever the user's code raises
        raise ModelError(f"{factory}() of {files[0].name} failed: {_where(error)}.") from error
    if not isinstance(network, nn.Module):
        raise ModelError(
            f"{factory}() of {files[0].name} returned a {type(network).__name__}; expected a "
            f"torch.nn.Module."
        )
    return network, digest


def _import(package: str, sources: dict[str, tuple[Path, bytes]]):
    """Import the package from memory; its modules stay known under its unique name."""
    finder = _Finder(sources)
    for name in sources:
        sys.modules.pop(name, None)
    sys.meta_path.insert(0, finder)
    try:
        return importlib.import_module(package)
    except (Exception, SystemExit) as error:  # whatever the user's code raises
        raise ModelError(f"{sources[package][0].name} cannot be run: {_where(error)}.") from error
    finally:
        sys.meta_path.remove(finder)


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
    """Finds and loads the modules of one package from bytes."""

    def __init__(self, sources: dict[str, tuple[Path, bytes]]):
        self.sources = sources

    def find_spec(self, fullname, path=None, target=None):
        """Return the spec of a module of this package, None for others."""
        if fullname not in self.sources:
            return None
        spec = importlib.machinery.ModuleSpec(
            fullname, self, origin=str(self.sources[fullname][0]), is_package="." not in fullname
        )
        spec.has_location = True  # gives the module its __file__
        return spec

    def get_source(self, fullname: str) -> str:
        """Return a module's source, for tracebacks."""
        return importlib.util.decode_source(self.sources[fullname][1])

    def get_code(self, fullname: str):
        """Return a module's code."""
        path, data = self.sources[fullname]
        return compile(data, str(path), "exec", dont_inherit=True)


def _where(error: BaseException) -> str:
    """Return an error in one line with the place it was raised at."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = ""
    if isinstance(error, SyntaxError):
        place = f" (line {error.lineno})"
    elif trace is not None:
        place = f" ({Path(trace.tb_frame.f_code.co_filename).name}, line {trace.tb_lineno})"
    return f"{type(error).__name__}: {' '.join(str(error).split())}{place}"
