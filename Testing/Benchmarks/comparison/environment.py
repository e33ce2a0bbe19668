"""The benchmark's own environment: the paper's packages need older ones than the engine does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]
DEFAULT_FOLDER = REPOSITORY / ".venv-benchmark"
# What to give for --env to stay in the interpreter that runs already (a machine without network).
THIS_ONE = "this"
# torch as in Testing/constraints.txt; the paper's code breaks on NumPy 2.4 and on pandas 3.
PACKAGES = (
    "torch==2.13.0",
    "numpy<2.3",
    "pandas<3",
    "scipy",
    "SimpleITK",
    "safetensors",
    "matplotlib",
    "omegaconf",
    "einops",
    "tqdm",
    "pillow",
)
# Without what they depend on: Lightning, MONAI, video and image libraries, which only training,
# reading and plotting need.
BARE_PACKAGES = (
    "ct_counterfactuals==0.0.4",
    "latentshift==0.0.6",
    "taming-transformers-rom1504==0.0.6",
    "torchvision==0.28.0",
)
MARKER = "benchmark-packages.txt"
PYTHON = Path("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def enter(script: Path, arguments: list[str], folder: str | None) -> int | None:
    """Run a script in the benchmark's environment, made first where it isn't there yet.

    Parameters
    ----------
    script, arguments
        What to run again inside.
    folder : str or None
        Of the environment; None is `.venv-benchmark` at the repository's root, `this` none at all.

    Returns
    -------
    int or None
        Exit code of the run inside; None if this *is* inside, so that the caller goes on.
    """
    if folder == THIS_ONE:
        return None
    place = Path(folder).absolute() if folder else DEFAULT_FOLDER
    if Path(sys.prefix).resolve() == place.resolve():
        return None
    make(place)
    return subprocess.call([str(place / PYTHON), "-W", "ignore", str(script), *arguments])


def make(folder: Path) -> None:
    """Make the environment, unless it holds these very packages already."""
    wanted = "\n".join((*PACKAGES, *BARE_PACKAGES)) + "\n"
    marker = folder / MARKER
    if marker.is_file() and marker.read_text(encoding="utf-8") == wanted:
        return
    sys.stderr.write(f"Making the benchmark's environment in {folder} (once) ...\n")
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    (folder / ".gitignore").write_text("*\n", encoding="utf-8")
    install = [str(folder / PYTHON), "-m", "pip", "install", "--quiet"]
    subprocess.run([*install, *PACKAGES], check=True)
    subprocess.run([*install, "--no-deps", *BARE_PACKAGES], check=True)
    marker.write_text(wanted, encoding="utf-8")
