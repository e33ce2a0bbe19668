"""The extension's packaging: file lists, CMake, the catalogue entry, the icons."""

import importlib.util
import json
import shutil
import subprocess
from collections import defaultdict
from pathlib import Path
from urllib.parse import urlparse

import pytest


def _script(path: Path):
    """Import a script that lies in no package."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


REPOSITORY = Path(__file__).resolve().parents[3]
cmake_lists = _script(REPOSITORY / "Testing" / "update_cmake_lists.py")

NAME = "CTCounterfactual"
ICON_SIDE = 128
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
# The extension catalogue's own categories that a chest CT explanation could be found under.
CATEGORIES = {"Analysis", "Quantification", "Chest Imaging Platform", "Segmentation"}


def png_size(path: Path) -> tuple[int, int]:
    """Return (width, height) from a PNG's header."""
    head = path.read_bytes()[:24]
    assert head.startswith(PNG_SIGNATURE)
    return int.from_bytes(head[16:20], "big"), int.from_bytes(head[20:24], "big")


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """Configure the extension against the stand-in of Slicer; return (macro, keyword) -> values."""
    if not (shutil.which("cmake") and (shutil.which("cc") or shutil.which("c++"))):
        pytest.skip("cmake or a compiler is not on this machine")
    build = tmp_path_factory.mktemp("cmake")
    stub = REPOSITORY / "Testing" / "CMakeStub"
    done = subprocess.run(
        ["cmake", "-S", str(REPOSITORY), "-B", str(build), f"-DSlicer_DIR={stub}"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    calls = defaultdict(list)
    for line in (build / "slicer_calls.txt").read_text().splitlines():
        macro, keyword, value = line.split("|", 2)
        calls[macro, keyword].append(value)
    return calls


def test_every_file_of_the_module_is_listed():
    found = cmake_lists.differences()
    assert not found, "\n".join([*found, "python Testing/update_cmake_lists.py mends it"])


def test_lists_are_sorted():
    text = cmake_lists.LISTS.read_text(encoding="utf-8")
    assert cmake_lists.rewritten(text) == text


def test_cmake_configures_and_installs_the_whole_tree(recorded):
    disk = cmake_lists.files_on_disk()
    assert recorded["module", "NAME"] == [NAME]
    assert recorded["module", "SCRIPTS"] == disk[cmake_lists.SCRIPTS]
    assert recorded["module", "RESOURCES"] == disk[cmake_lists.RESOURCES]
    assert recorded["unittest", "SCRIPT"] == [f"{NAME}.py"]
    assert recorded["extension", "PACKAGED"] == [NAME]


def test_the_extension_needs_the_pytorch_extension(recorded, catalogue_entry):
    assert recorded["extension", "DEPENDS"] == catalogue_entry["build_dependencies"] == ["PyTorch"]


def test_urls_of_cmake_point_to_files_of_this_repository(recorded, catalogue_entry):
    """Each raw URL is <owner>/<repository>/<branch>/<path>: the path must exist here."""
    homepage = recorded["extension", "HOMEPAGE"][0]
    assert catalogue_entry["scm_url"] == f"{homepage}.git"
    urls = recorded["extension", "ICONURL"] + recorded["extension", "SCREENSHOTURLS"][0].split(" ")
    for url in urls:
        owner, repository, branch, path = urlparse(url).path.strip("/").split("/", 3)
        assert homepage.endswith(f"/{owner}/{repository}")
        assert branch == catalogue_entry["scm_revision"]
        assert (REPOSITORY / path).is_file(), f"{url}: no such file in the repository"


@pytest.fixture
def catalogue_entry():
    path = REPOSITORY / "Resources" / f"{NAME}.json"
    return json.loads(path.read_text(encoding="utf-8"))


def test_catalogue_entry_follows_its_schema(catalogue_entry):
    """Fields of slicer-extension-catalog-entry-schema v1.0.2; it admits no others."""
    kinds = {
        "$schema": str,
        "category": str,
        "scm_url": str,
        "scm_revision": str,
        "build_dependencies": list,
        "build_subdirectory": str,
        "enabled": bool,
        "tier": int,
    }
    assert set(catalogue_entry) <= set(kinds)
    assert {"$schema", "category", "scm_url"} <= set(catalogue_entry)
    for key, value in catalogue_entry.items():
        assert isinstance(value, kinds[key]), key
    assert "slicer-extension-catalog-entry-schema-v1.0.2.json" in catalogue_entry["$schema"]
    assert catalogue_entry["category"] in CATEGORIES
    assert catalogue_entry["tier"] in range(1, 6)


@pytest.mark.parametrize(
    "icon",
    [f"Resources/{NAME}.png", f"{NAME}/Resources/Icons/{NAME}.png"],
    ids=["extension", "module"],
)
def test_icons_are_128_pixels_square(icon):
    assert png_size(REPOSITORY / icon) == (ICON_SIDE, ICON_SIDE)


@pytest.mark.parametrize("name", ["forgotten.py", "forgotten.json"])
def test_a_forgotten_file_is_named(monkeypatch, tmp_path, name):
    module = tmp_path / NAME
    (module / "Resources").mkdir(parents=True)
    (module / f"{NAME}.py").write_text("")
    (module / "Resources" / name).write_text("")
    (module / "__pycache__").mkdir()
    (module / "__pycache__" / "litter.py").write_text("")
    lists = module / "CMakeLists.txt"
    text = (
        "set(MODULE_PYTHON_SCRIPTS\n  ${MODULE_NAME}.py\n  gone.py\n  )\n"
        "set(MODULE_PYTHON_RESOURCES\n  )\n"
    )
    lists.write_text(text)
    monkeypatch.setattr(cmake_lists, "MODULE", module)
    monkeypatch.setattr(cmake_lists, "LISTS", lists)
    which = cmake_lists.SCRIPTS if name.endswith(".py") else cmake_lists.RESOURCES
    assert cmake_lists.differences() == sorted(
        [f"add to {which}: Resources/{name}", f"take out of {cmake_lists.SCRIPTS}: gone.py"],
        key=lambda line: (cmake_lists.RESOURCES in line, line),
    )
    lists.write_text(cmake_lists.rewritten(text))
    assert cmake_lists.differences() == []
