"""Put the engine on the path, as Slicer does for a module's folder, and what tests share."""

import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(REPOSITORY / "CTCounterfactual"), str(REPOSITORY / "Testing")]

from CTCounterfactualLib.counterfactual.threads import settle_threads  # noqa: E402

# Before anything loads PyTorch: tests, too, are to go on where the machine is busy.
settle_threads()


@pytest.fixture(scope="session")
def shared_ct():
    """Return a function: name of a shared CT scan -> its path, or skip where it isn't there.

    The scans lie outside the repository, in `shared/data/ct` beside it.
    """

    def find(name: str) -> Path:
        path = REPOSITORY.parent / "shared" / "data" / "ct" / name
        if not path.exists():
            pytest.skip(f"the shared scan {name} is not on this machine")
        return path

    return find
