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
    """Return the room of a file (its path within the library); "" for those at the top."""
    return path.parts[0] if len(path.parts) > 1 else ""


def imported(text: str) -> list[tuple[int, str]]:
    """Return (dots, module) of every import in a source, those inside functions too."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom):
            found.append((node.level, node.module or ""))
        elif isinstance(node, ast.Import):
            found += [(0, alias.name) for alias in node.names]
    return found


def from_rooms_above(path: Path, text: str) -> list[str]:
    """Return the imports from the file's own height or above it, but those of its own room."""
    depth = len(path.parts)
    targets = [
        module.split(".")[0] for dots, module in imported(text) if dots == depth and depth > 1
    ]
    own = ROOMS.index(room(path))
    return [name for name in targets if name in ROOMS and ROOMS.index(name) >= own]


def of_slicer(path: Path, text: str) -> list[str]:
    """Return the imports of Slicer's packages that the file's room may not know."""
    forbidden = {"qt", "ctk"} if room(path) == "scene" else {"slicer", "vtk", "qt", "ctk"}
    names = {module.split(".")[0] for dots, module in imported(text) if dots == 0}
    return sorted(names & forbidden)


def too_long(path: Path, text: str) -> list[str]:
    """Return the number of lines if there are too many."""
    lines = len(text.splitlines())
    return [f"{lines} lines"] if lines > LONGEST_FILE else []


RULES = [from_rooms_above, of_slicer, too_long]


@pytest.mark.parametrize("rule", RULES)
def test_every_file_keeps_the_rule(rule):
    offences = {}
    for path in FILES:
        inside = path.relative_to(LIBRARY)
        found = rule(inside, path.read_text(encoding="utf-8"))
        if found:
            offences[inside.as_posix()] = found
    assert offences == {}


@pytest.mark.parametrize(
    ("rule", "path", "text", "found"),
    [
        (from_rooms_above, "scans/a.py", "from ..models.b import c", ["models"]),
        (from_rooms_above, "models/own/a.py", "def f():\n    from ...app.b import c", ["app"]),
        (from_rooms_above, "models/own/a.py", "from ...scans import b\nfrom ..store import c", []),
        (from_rooms_above, "errors.py", "from .app import b", []),  # the top is all rooms' front
        (of_slicer, "scene/a.py", "import slicer, qt", ["qt"]),
        (of_slicer, "outputs/a.py", "def f():\n    import vtk.util", ["vtk"]),
        (of_slicer, "outputs/a.py", "from ..scene.slicer import x", []),
        (too_long, "scans/a.py", "x = 1\n" * (LONGEST_FILE + 1), ["301 lines"]),
        (too_long, "scans/a.py", "x = 1\n" * LONGEST_FILE, []),
    ],
)
def test_the_rules_bite(rule, path, text, found):
    assert rule(Path(path), text) == found


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
