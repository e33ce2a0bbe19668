"""Which Python packages the module needs besides those that Slicer brings, and which are missing.

Nothing is imported to find out: some take seconds, and a broken one would raise.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import re
from dataclasses import dataclass
from pathlib import Path

from CTCounterfactualLib.errors import CTCounterfactualError

REQUIREMENTS = Path(__file__).resolve().parents[1] / "Resources" / "requirements.txt"
TORCH = "torch"
_ABOUT = re.compile(r"#:\s*(?P<optional>optional,\s*)?(?P<size>[\d.-]+) MB, (?P<purpose>.+)")
# Where the name to import isn't that of the package.
IMPORT_NAMES = {"PyYAML": "yaml"}


class MissingPackagesError(CTCounterfactualError):
    """Python packages have to be installed before anything can be computed."""


@dataclass(frozen=True)
class Package:
    """A package that is needed.

    Parameters
    ----------
    requirement : str
        As pip takes it: `torch>=2.2`.
    size_mb : str
        Size of the download: "20", or a range "200-3000".
    purpose : str
        As it completes "it ...".
    optional : bool
        Needed only to download published models.
    """

    requirement: str
    size_mb: str
    purpose: str
    optional: bool = False

    @property
    def name(self) -> str:
        """The package's name, without a version."""
        return self._parsed().name

    @property
    def installed(self) -> bool:
        """Whether it is there in a version that will do; nothing is imported to find out."""
        try:
            version = importlib.metadata.version(self.name)
        except importlib.metadata.PackageNotFoundError:
            return False
        imported = IMPORT_NAMES.get(self.name, self.name)
        fits = self._parsed().specifier.contains(version, prereleases=True)
        return fits and importlib.util.find_spec(imported) is not None

    def _parsed(self):
        from packaging.requirements import Requirement  # Slicer brings it

        return Requirement(self.requirement)


# What saliency maps are made by: asked for where one is chosen, not before the first run.
CAPTUM = Package("captum>=0.8", "2", "makes saliency maps", optional=True)


def required_packages(path: Path = REQUIREMENTS) -> tuple[Package, ...]:
    """Return what a requirements file says is needed to compute."""
    return tuple(package for package in listed_packages(path) if not package.optional)


def fetching_packages(path: Path = REQUIREMENTS) -> tuple[Package, ...]:
    """Return what a requirements file says is needed to download published models."""
    return tuple(package for package in listed_packages(path) if package.optional)


def listed_packages(path: Path = REQUIREMENTS) -> tuple[Package, ...]:
    """Return the packages of a requirements file, with what its comments say of them."""
    packages, about = [], None
    for line in path.read_text(encoding="utf-8").splitlines():
        if found := _ABOUT.match(line):
            about = found
        elif line.strip() and not line.startswith("#"):
            size, purpose = about.group("size", "purpose") if about else ("?", "is needed")
            optional = bool(about and about.group("optional"))
            packages.append(Package(line.strip(), size, purpose, optional))
            about = None
    return tuple(packages)


def missing_packages(fetching: bool = False) -> tuple[Package, ...]:
    """Return what has to be installed before the module can compute, or can download models."""
    needed = fetching_packages() if fetching else required_packages()
    return tuple(package for package in needed if not package.installed)


def check_packages(fetching: bool = False) -> None:
    """Raise `MissingPackagesError` if something has to be installed; says what and how."""
    missing = missing_packages(fetching)
    if missing:
        button = "Fetch" if fetching else "Apply"
        argument = "fetching=True" if fetching else ""
        raise MissingPackagesError(
            f"Python packages are missing: {', '.join(one.requirement for one in missing)}. Press "
            f"{button} in the module CT Counterfactual, which offers to install them, or in the "
            f"Python console: from CTCounterfactualSlicer.installation import ensure_installed; "
            f"ensure_installed({argument})"
        )


def has_torch_extension() -> bool:
    """Tell whether Slicer's PyTorch extension is installed."""
    return importlib.util.find_spec("PyTorchUtils") is not None


def describe(missing: tuple[Package, ...], why: str = "") -> str:
    """Return what will be installed, how large it is and where it comes from, as a question."""
    lines = [f"- {one.name} ({one.size_mb} MB): {one.purpose}" for one in missing]
    optional = all(one.optional for one in missing)
    before = "the first model is fetched" if optional else "the first run"
    what = "these Python packages have to be downloaded and installed into Slicer:"
    text = "\n".join(
        [
            f"{why} For that {what}" if why else f"Before {before} {what}",
            "",
            *lines,
            "",
            "Packages that Slicer brings (NumPy, SciPy, SimpleITK, pydicom) stay as they are. "
            "Afterwards no network is needed.",
        ]
    )
    if TORCH in (one.name for one in missing):
        if has_torch_extension():
            text += "\nPyTorch is installed by the PyTorch extension, in the build that fits this "
            text += "computer."
        else:
            text += (
                "\n\nThe PyTorch extension, which finds the build of PyTorch that fits the "
                "graphics card, is not installed. Recommended: install it first (View > "
                "Extensions Manager > PyTorch), restart Slicer and come back. OK takes pip's "
                "standard build now, which on Windows computes on the CPU only."
            )
    return text
