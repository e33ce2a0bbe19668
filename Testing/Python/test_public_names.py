"""The package's front door: public names, what type checkers see of them, version, address."""

import ast
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import CTCounterfactualLib

REPOSITORY = Path(__file__).resolve().parents[2]
LIBRARY = REPOSITORY / "CTCounterfactual" / "CTCounterfactualLib"
# Left out of the search for strayed addresses: not ours, or not text.
FOREIGN = {".git", ".ruff_cache", ".mypy_cache", ".pytest_cache", "build", "dist", "site"}


def _script(name: str):
    """Import a script that lies in no package."""
    path = REPOSITORY / "Testing" / name
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


address = _script("address.py")


def test_type_checkers_see_exactly_the_public_names():
    """`if TYPE_CHECKING:` imports each name from the module that the lazy table gives."""
    tree = ast.parse((LIBRARY / "__init__.py").read_text(encoding="utf-8"))
    (block,) = [
        node
        for node in tree.body
        if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING"
    ]
    # `import X as X` is what marks a name as public in a typed package (PEP 484).
    seen = {
        alias.name: node.module
        for node in block.body
        for alias in node.names
        if alias.asname == alias.name and node.level == 1
    }
    assert seen == CTCounterfactualLib._PUBLIC


def test_every_public_name_is_defined_where_the_table_says():
    for name, module in CTCounterfactualLib._PUBLIC.items():
        home = getattr(CTCounterfactualLib, name).__module__
        assert f"{home}.".startswith(f"CTCounterfactualLib.{module}.")


def test_the_readme_imports_only_public_names():
    """A name that the README needs from within the package belongs on the front door."""
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    blocks = readme.split("```python\n")[1:]
    trees = [ast.parse(block.split("```")[0]) for block in blocks]
    imports = [
        node
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module.startswith("CTCounterfactualLib")
    ]
    assert imports
    for node in imports:
        assert node.module == "CTCounterfactualLib"
        assert {alias.name for alias in node.names} <= set(CTCounterfactualLib.__all__)


def test_the_package_says_that_it_is_typed():
    assert (LIBRARY / "py.typed").is_file()


def test_the_version_has_one_home():
    text = (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
    assert 'dynamic = ["version"]' in text
    assert "\nversion =" not in text.split("[project.optional-dependencies]")[0]


def test_all_places_name_one_address():
    assert address.differences() == []


def test_no_other_file_names_the_address():
    """What isn't in the list would be forgotten when the address changes."""
    owner_and_name = address.homepage().removeprefix("https://github.com/")
    places = {REPOSITORY / place for place in address.PLACES}
    for folder, below, files in os.walk(REPOSITORY):
        below[:] = [name for name in below if name not in FOREIGN and not name.startswith(".venv")]
        for path in (Path(folder, name) for name in files):
            if path in places:
                continue
            assert owner_and_name.encode() not in path.read_bytes(), f"{path}: add it to PLACES"


@pytest.fixture
def copied(tmp_path):
    """Return a folder with copies of all places."""
    for place in address.PLACES:
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(REPOSITORY / place, tmp_path / place)
    return tmp_path


def test_a_new_address_is_written_everywhere(copied):
    address.rewrite("https://github.com/someone/Another", copied)
    assert address.homepage(copied) == "https://github.com/someone/Another"
    assert address.differences(copied) == []
    for place in address.PLACES:
        assert "SlicerCTCounterfactual" not in (copied / place).read_text(encoding="utf-8")


@pytest.mark.parametrize("place", address.PLACES[1:])
def test_a_place_that_differs_is_named(copied, place):
    text = (copied / place).read_text(encoding="utf-8")
    owner, name = address.homepage().split("/")[-2:]
    (copied / place).write_text(text.replace(f"{owner}/{name}", f"other/{name}", 1), "utf-8")
    assert address.differences(copied) == [f"{place}: names other/{name}"]


@pytest.mark.parametrize("wrong", ["someone/Another", "https://github.com/a", "http://x.y/a/b"])
def test_what_is_no_address_is_refused(wrong):
    script = REPOSITORY / "Testing" / "address.py"
    done = subprocess.run([sys.executable, script, wrong], capture_output=True, text=True)
    assert done.returncode == 2 and "OWNER/NAME" in done.stderr


def test_people_are_sent_to_the_address():
    """Where a fault of the program is told."""
    from CTCounterfactualLib.app.failures import describe

    assert f"{address.homepage()}/issues" in describe(RuntimeError("a fault")).advice
