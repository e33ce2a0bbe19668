"""The API reference: every room and public name is in it, and what can't be shown is an error."""

import importlib.util
import sys
from pathlib import Path

import pytest

import CTCounterfactualLib

REPOSITORY = Path(__file__).resolve().parents[3]
SAMPLE = "documented_sample"
LIBRARY = REPOSITORY / "CTCounterfactual" / "CTCounterfactualLib"


@pytest.fixture
def make_docs():
    spec = importlib.util.spec_from_file_location("make_docs", REPOSITORY / "Testing/make_docs.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def package(make_docs, tmp_path, monkeypatch):
    """Return a function that lays a one-function package where the library would be."""
    monkeypatch.setattr(make_docs, "ROOT", tmp_path)
    monkeypatch.setattr(make_docs, "PACKAGE", SAMPLE)
    monkeypatch.setattr(sys, "path", list(sys.path))

    def lay(source: str) -> Path:
        folder = tmp_path / "CTCounterfactual" / make_docs.PACKAGE
        folder.mkdir(parents=True)
        (folder / "__init__.py").write_text(source)
        return tmp_path / "site"

    yield lay
    sys.modules.pop(make_docs.PACKAGE, None)


def test_every_room_is_documented(make_docs):
    rooms = {folder.parent.name for folder in LIBRARY.glob("*/__init__.py")}
    if importlib.util.find_spec("slicer") is None:
        rooms.discard("scene")
    assert {f"CTCounterfactualLib.{room}" for room in rooms} < set(make_docs.modules())


def test_the_front_page_has_the_public_names(make_docs, tmp_path, monkeypatch):
    monkeypatch.setattr(make_docs, "modules", lambda: ["CTCounterfactualLib"])
    make_docs.make(tmp_path)
    page = (tmp_path / "CTCounterfactualLib.html").read_text(encoding="utf-8")
    for name in CTCounterfactualLib.__all__:
        assert f'id="{name}"' in page, name


def test_numpy_sections_become_headings(make_docs, package):
    site = package(
        'def f(x):\n    """Do it.\n\n    Parameters\n    ----------\n    x : int\n'
        '        A number.\n    """\n'
    )
    make_docs.make(site)
    page = (site / f"{SAMPLE}.html").read_text(encoding="utf-8")
    assert "Parameters</h6>" in page


def test_an_annotation_that_means_nothing_is_an_error(make_docs, package, monkeypatch):
    # A name of its own: pdoc remembers sources by name.
    monkeypatch.setattr(make_docs, "PACKAGE", "undocumented_sample")
    site = package('class Box:\n    """Hold."""\n\n    side: "Nowhere.at[all"\n')
    with pytest.raises(UserWarning, match="Nowhere"):
        make_docs.make(site)
