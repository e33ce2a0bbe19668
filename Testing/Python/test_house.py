"""Rules of the house that a reader relies on: rooms, imports, file sizes."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

LIBRARY = Path(__file__).resolve().parents[2] / "CTCounterfactual" / "CTCounterfactualLib"
FILES = sorted(LIBRARY.rglob("*.py"))
# Each room stands above those before it; it may import them, never the other way.
ROOMS = (
    "",
    "storage",
    "scans",
    "archives",
    "planting",
    "distractors",
    "models",
    "counterfactual",
    "session",
    "methods",
    "scene",
    "outputs",
    "training",
    "metrics",
    "statistics",
    "probe",
    "bench",
    "evaluation",
    "stress",
    "trust",
    "jobs",
    "cohort",
    "readers",
    "remote",
    "app",
)
# The same within two rooms that have rooms of their own; single files stand in the row like rooms.
INNER_ROOMS = {
    "models": (
        "targets",
        "reconstruction",
        "autoencoder",
        "classifier",
        "faults",
        "building",
        "files",
        "store",
        "rescore",
        "vqgan",
        "classifiers",
        "guarded",
        "own",
        "backbones",
        "entry",
        "published",
        "catalogue",
        "describe",
    ),
    "scene": ("mrml", "make", "look", "bundle"),
}
LONGEST_FILE = 300
# Folders of tests that are not the library's: the module's in Slicer, and the documents'.
OTHER_TESTS = {"module", "docs"}


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


def from_inner_rooms_above(path: Path, text: str) -> list[str]:
    """Return the imports within a room of several that go up its row, or aren't in it."""
    row = INNER_ROOMS.get(room(path))
    if row is None or path.name == "__init__.py":
        return []
    inside = ("", *row).index(path.parts[1].removesuffix(".py"))
    targets = [
        module.split(".")[0] for dots, module in imported(text) if dots == len(path.parts) - 1
    ]
    return [name for name in targets if name not in row or row.index(name) + 1 > inside]


def more_than_numbers(path: Path, text: str) -> list[str]:
    """Return what a search imports beside searches and directions: it knows numbers only."""
    if path.parts[:2] != ("counterfactual", "search"):
        return []
    modules = [(dots, module) for dots, module in imported(text) if dots > 1 or module == "torch"]
    return [module for dots, module in modules if (dots, module) != (2, "direction")]


def circles(imports: dict[str, set[str]]) -> list[list[str]]:
    """Return the groups of modules that import each other, directly or around corners."""
    order, low, stack, found = {}, {}, [], []

    def visit(name: str) -> None:  # Tarjan's strongly connected components
        order[name] = low[name] = len(order)
        stack.append(name)
        for other in sorted(imports[name]):
            if other not in order:
                visit(other)
            if other in stack:
                low[name] = min(low[name], low[other])
        if low[name] == order[name]:
            group = [stack.pop()]
            while group[-1] != name:
                group.append(stack.pop())
            if len(group) > 1:
                found.append(sorted(group))

    for name in sorted(imports):
        if name not in order:
            visit(name)
    return found


def imports_of_all() -> dict[str, set[str]]:
    """Return module -> the library's modules that it imports, lazily or for types only too."""
    modules = {path.relative_to(LIBRARY).with_suffix("").parts: path for path in FILES}
    names = {".".join(parts) for parts in modules}
    found = {}
    for parts, path in modules.items():
        targets = set()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.level:
                base = [*parts[: len(parts) - node.level], *(node.module or "").split(".")]
                base = [part for part in base if part]
                targets.add(".".join(base))
                targets.update(".".join([*base, alias.name]) for alias in node.names)
        found[".".join(parts)] = targets & names
    # The front lists public names of all rooms for editors.
    found["__init__"] = set()
    return found


def of_slicer(path: Path, text: str) -> list[str]:
    """Return the imports of Slicer's packages that the file's room may not know."""
    forbidden = {"qt", "ctk"} if room(path) == "scene" else {"slicer", "vtk", "qt", "ctk"}
    names = {module.split(".")[0] for dots, module in imported(text) if dots == 0}
    return sorted(names & forbidden)


def too_long(path: Path, text: str) -> list[str]:
    """Return the number of lines if there are too many."""
    lines = len(text.splitlines())
    return [f"{lines} lines"] if lines > LONGEST_FILE else []


RULES = [from_rooms_above, from_inner_rooms_above, more_than_numbers, of_slicer, too_long]


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
        (from_inner_rooms_above, "models/vqgan/a.py", "from ..own.b import c", ["own"]),
        (from_inner_rooms_above, "models/vqgan/a.py", "from ..nowhere import c", ["nowhere"]),
        (from_inner_rooms_above, "models/entry.py", "from .catalogue import c", ["catalogue"]),
        (from_inner_rooms_above, "models/own/a.py", "from ..vqgan import c\nfrom .d import e", []),
        (more_than_numbers, "counterfactual/search/a.py", "from ..result import b", ["result"]),
        (more_than_numbers, "counterfactual/search/a.py", "def f():\n    import torch", ["torch"]),
        (more_than_numbers, "counterfactual/search/a.py", "from ..direction import b", []),
        (more_than_numbers, "counterfactual/a.py", "from .result import b\nimport torch", []),
        (of_slicer, "scene/a.py", "import slicer, qt", ["qt"]),
        (of_slicer, "outputs/a.py", "def f():\n    import vtk.util", ["vtk"]),
        (of_slicer, "outputs/a.py", "from ..scene.slicer import x", []),
        (too_long, "scans/a.py", "x = 1\n" * (LONGEST_FILE + 1), ["301 lines"]),
        (too_long, "scans/a.py", "x = 1\n" * LONGEST_FILE, []),
    ],
)
def test_the_rules_bite(rule, path, text, found):
    assert rule(Path(path), text) == found


def folders(root: Path) -> set[str]:
    """Return the folders below `root` that hold Python files, as paths within it."""
    return {path.parent.relative_to(root).as_posix() for path in root.rglob("*.py")}


def test_tests_lie_in_folders_of_the_rooms_names():
    found = folders(Path(__file__).parent) - OTHER_TESTS
    assert found == folders(LIBRARY)


def rooms_of_readme() -> dict[str, list[str]]:
    """Return the rooms in the README's list, in order, each with the rooms within it."""
    readme = (LIBRARY.parents[1] / "README.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"\n((?: {4}.*\n)* {4}storage/.*\n(?: {4}.*\n)*)", readme)
    listed: dict[str, list[str]] = {}
    for line in block.splitlines():
        names = re.match(r" +((?:\w+/ ?)+)", line)[1].replace("/", "").split()
        if line.startswith("      "):
            listed[list(listed)[-1]] += names
        else:
            listed |= {name: [] for name in names}
    return listed


def test_the_readme_lists_all_rooms_in_the_order_of_imports():
    listed = rooms_of_readme()
    assert tuple(listed) == ROOMS[1:]
    for name, inner in listed.items():
        assert set(inner) == {path.parent.name for path in (LIBRARY / name).glob("*/__init__.py")}
        if name in INNER_ROOMS:
            assert inner == [one for one in INNER_ROOMS[name] if one in inner]


def test_no_modules_import_each_other():
    assert circles(imports_of_all()) == []


def test_a_circle_is_found_around_corners():
    imports = {"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": set(), "e": {"a"}}
    assert circles(imports) == [["a", "b", "c"]]


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
