"""Installing the Python packages that are missing, only after the user agreed.

PyTorch comes from the PyTorch extension where that is installed (it picks the build that fits the
graphics card), all else from pip. Packages that Slicer brings are pinned to what is installed.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import subprocess
import tempfile
import traceback
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from CTCounterfactualLib.errors import CTCounterfactualError

from .packages import TORCH, Package, describe, has_torch_extension, missing_packages

# Slicer is built against these, and other extensions rely on them: never to be replaced.
PINNED = ("numpy", "scipy", "SimpleITK", "pydicom")
REQUESTER = "CT Counterfactual"
EXTENSION, PIP = "extension", "pip"
# Where pip looks; asked only after an installation has failed, to tell why.
INDEX = "https://pypi.org/simple/pip/"
INDEX_TIMEOUT_S = 5.0


class InstallationError(CTCounterfactualError):
    """Packages couldn't be installed: the message says why, `advice` what to do."""

    def __init__(self, message: str, advice: str = "", details: str = ""):
        super().__init__(message)
        self.advice = advice
        self.details = details


class Declined(CTCounterfactualError):
    """The user didn't want packages to be installed; nothing was changed."""

    def __init__(self):
        super().__init__("Nothing was installed. The module can't compute without these packages.")


Install = Callable[[list[str], Path], None]
Ask = Callable[[str], bool]


def ask_user(question: str) -> bool:
    """Ask by a dialog of Slicer's; True if the user agrees."""
    import slicer

    return slicer.util.confirmOkCancelDisplay(
        question, windowTitle=f"{REQUESTER} - Install Python Packages"
    )


def ensure_installed(ask: Ask = ask_user, fetching: bool = False, **how) -> None:
    """Install what is missing if the user agrees; with nothing missing, nobody is asked.

    Parameters
    ----------
    ask : callable
        Gets the question, returns whether to go on.
    fetching : bool
        What downloading models needs, in place of what computing needs.
    how
        Passed on to `install`.

    Raises
    ------
    Declined
        If the user says no; nothing was changed.
    InstallationError
        If it fails.
    """
    missing = missing_packages(fetching) if fetching else missing_packages()
    if not missing:
        return
    if not ask(describe(missing)):
        raise Declined()
    install(missing, **how)


def install_by_pip(requirements: list[str], constraints: Path) -> None:
    """Install by Slicer's own functions: `slicer.packaging` (5.12 and later), or `pip_install`."""
    import slicer

    if importlib.util.find_spec("slicer.packaging") is None:  # Slicer 5.10
        slicer.util.pip_install([*requirements, "--constraint", str(constraints)])
        return
    from slicer.packaging import pip_ensure

    pip_ensure(requirements, constraints=constraints, prompt_install=False, requester=REQUESTER)


def install_by_extension(requirements: list[str], constraints: Path) -> None:
    """Install PyTorch by the PyTorch extension, which knows the graphics card.

    It takes no constraints; pip, which it runs, finds them in its environment.
    """
    import PyTorchUtils

    (requirement,) = requirements
    with _pip_constraint(constraints):
        torch = PyTorchUtils.PyTorchUtilsLogic().installTorch(
            askConfirmation=False, torchVersionRequirement=requirement.removeprefix(TORCH)
        )
    if torch is None:
        raise Declined()


def install(
    missing: tuple[Package, ...],
    torch_by: str | None = None,
    by_pip: Install = install_by_pip,
    by_extension: Install = install_by_extension,
) -> None:
    """Install packages; the caller has asked the user. Slicer's own packages stay as they are.

    Parameters
    ----------
    missing : tuple of Package
        From `missing_packages`.
    torch_by : str, optional
        `extension` or `pip`; None takes the extension if it is there.
    by_pip, by_extension : callable
        Take requirements and a constraints file.

    Raises
    ------
    InstallationError
        If it fails; the message says why as far as that can be told.
    """
    torch_by = torch_by or (EXTENSION if has_torch_extension() else PIP)
    by_extension_names = {TORCH} if torch_by == EXTENSION else set()
    special = [one.requirement for one in missing if one.name in by_extension_names]
    others = [one.requirement for one in missing if one.name not in by_extension_names]
    with _constraints() as constraints:
        for requirements, installer in ((others, by_pip), (special, by_extension)):
            if requirements:
                _install(requirements, constraints, installer)
    importlib.invalidate_caches()
    absent = [one.requirement for one in missing if not one.installed]
    if absent:
        raise InstallationError(
            f"The installation ended, but {', '.join(absent)} can't be found.",
            "Restart Slicer and try again.",
        )


def _install(requirements: list[str], constraints: Path, installer: Install) -> None:
    try:
        installer(requirements, constraints)
    except CTCounterfactualError:
        raise
    except Exception as error:  # pip's failures come as whatever Slicer's version raises
        raise _explained(requirements, error) from error


def _explained(requirements: list[str], error: Exception) -> InstallationError:
    what = ", ".join(requirements)
    details = traceback.format_exc()
    output = getattr(error, "output", None)
    if isinstance(error, subprocess.CalledProcessError) and isinstance(output, str):
        details = f"{output}\n{details}"
    reason = _why_unreachable()
    if reason:
        return InstallationError(
            f"{what} could not be installed: the package index can't be reached ({reason}).",
            "Check the network. Behind a proxy, set the environment variable HTTPS_PROXY to its "
            "address before starting Slicer. Without network, install the packages from files: "
            "PythonSlicer -m pip install --no-index --find-links FOLDER "
            + " ".join(f'"{one}"' for one in requirements),
            details,
        )
    return InstallationError(
        f"{what} could not be installed.",
        "The details and Slicer's Python console (View > Python Console) show what pip said. "
        "Often a restart of Slicer helps, or free space on the disk.",
        details,
    )


def _why_unreachable() -> str:
    """Return why the package index can't be reached; empty if it can be."""
    try:
        with urllib.request.urlopen(INDEX, timeout=INDEX_TIMEOUT_S):
            return ""
    except urllib.error.HTTPError as error:
        return f"HTTP {error.code} {error.reason}"
    except (OSError, ValueError) as error:
        return str(getattr(error, "reason", error))


@contextmanager
def _constraints() -> Iterator[Path]:
    """Yield a constraints file that pins what Slicer brings to the versions installed now."""
    lines = []
    for name in PINNED:
        try:
            lines.append(f"{name}=={importlib.metadata.version(name)}\n")
        except importlib.metadata.PackageNotFoundError:
            continue  # this Slicer doesn't bring it
    with tempfile.TemporaryDirectory(prefix="ct-counterfactual-") as folder:
        path = Path(folder) / "constraints.txt"
        path.write_text("".join(lines), encoding="utf-8")
        yield path


@contextmanager
def _pip_constraint(path: Path) -> Iterator[None]:
    """Let every pip that is started meanwhile respect a constraints file.

    As an address, because pip splits this variable at spaces.
    """
    name, before = "PIP_CONSTRAINT", os.environ.get("PIP_CONSTRAINT")
    os.environ[name] = path.as_uri() if not before else f"{before} {path.as_uri()}"
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before
