"""Rules of the house that a reader relies on: rooms, imports, file sizes."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

LIBRARY = Path(__file__).resolve().parents[2] / "CTCounterfactual" / "CTCounterfactualLib"
FILES = sorted(LIBRARY.rglob("*.py"))
# Each room stands above those before it; it may import them, never the other way.
ROOMS = (
    "", "storage", "scans", "models", "counterfactual", "scene", "outputs", "training", "jobs",
    "app",
)
LONGEST_FILE = 300


def room(path: Path) -> str:
    """Return the room of a file; "" for those at the top of the library."""
    parts = path.relative_to(LIBRARY).parts
    return parts[0] if len(parts) > 1 else ""


def imported(path: Path) -> list[tuple[int, str]]:
    """Return (dots, module) of every import in a file, those inside functions too."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            found.append((node.level, node.module or ""))
        elif isinstance(node, ast.Import):
            found += [(0, alias.name) for alias in node.names]
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(LIBRARY)))
def test_a_room_imports_only_rooms_below_it(path):
    depth = len(path.relative_to(LIBRARY).parts)
    for dots, module in imported(path):
        if dots != depth or depth == 1:  # not an import that leaves its room
            continue
        target = module.split(".")[0]
        if target in ROOMS:
            assert ROOMS.index(target) < ROOMS.index(room(path)), f"imports {module}"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(LIBRARY)))
def test_only_the_scene_room_knows_slicer(path):
    names = {module.split(".")[0] for dots, module in imported(path) if dots == 0}
    forbidden = {"qt", "ctk"} if room(path) == "scene" else {"slicer", "vtk", "qt", "ctk"}
    assert not names & forbidden


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(LIBRARY)))
def test_files_are_short(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST_FILE


def test_importing_the_library_loads_nothing_heavy():
    code = (
        "import sys; import CTCounterfactualLib, CTCounterfactualLib.counterfactual.settings, "
        "CTCounterfactualLib.models.catalogue, CTCounterfactualLib.events; "
        "print([m for m in ('torch', 'matplotlib', 'slicer', 'safetensors') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=LIBRARY.parent, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_every_public_name_can_be_imported():
    import CTCounterfactualLib

    for name in CTCounterfactualLib.__all__:
        assert callable(getattr(CTCounterfactualLib, name))
    with pytest.raises(AttributeError, match="nothing_like_this"):
        _ = CTCounterfactualLib.nothing_like_this
