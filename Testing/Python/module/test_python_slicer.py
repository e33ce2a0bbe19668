"""Which Python runs the worker, inside Slicer and outside."""
# ruff: noqa: E402 - without slicer-core there is nothing here to test

import os
import sys
import types

import pytest

slicer = pytest.importorskip("slicer")

from CTCounterfactualSlicer import python_slicer
from CTCounterfactualSlicer.python_slicer import WorkerPythonError

NAME = "PythonSlicer.exe" if os.name == "nt" else "PythonSlicer"


@pytest.fixture
def home(tmp_path, monkeypatch):
    """Let this be Slicer, installed in a folder, with nothing on PATH."""
    monkeypatch.setattr(
        slicer, "app", types.SimpleNamespace(slicerHome=str(tmp_path)), raising=False
    )
    monkeypatch.setenv("PATH", "")
    (tmp_path / "bin").mkdir()
    return tmp_path


def put(folder):
    path = folder / NAME
    path.write_text("")
    path.chmod(0o755)
    return path


def test_outside_slicer_it_is_this_python(monkeypatch):
    monkeypatch.delattr(slicer, "app", raising=False)
    assert python_slicer.python_executable() == sys.executable
    assert python_slicer.worker_environment() is None


def test_in_slicer_it_is_pythonslicer_on_the_path(home, monkeypatch):
    elsewhere = home / "elsewhere"
    elsewhere.mkdir()
    put(home / "bin")
    found = put(elsewhere)
    monkeypatch.setenv("PATH", str(elsewhere))
    assert python_slicer.python_executable() == str(found)


def test_or_the_one_beside_slicer(home):
    assert python_slicer.python_executable() == sys.executable  # none there: a developer's Python
    assert python_slicer.python_executable() != str(put(home / "bin"))
    assert python_slicer.python_executable() == str(home / "bin" / NAME)


def test_slicer_without_it_says_where_it_was_looked_for(home, monkeypatch):
    monkeypatch.setattr(sys, "executable", str(home / "bin" / "SlicerApp-real"))
    with pytest.raises(WorkerPythonError, match=r"neither on PATH nor at .*reinstall Slicer"):
        python_slicer.python_executable()


def test_the_worker_gets_the_environment_from_before_the_launcher(home, monkeypatch):
    slicer.app.startupEnvironment = None  # there, as Slicer has it
    monkeypatch.setattr(slicer.util, "startupEnvironment", lambda: {"HOME": "/home/me"})
    assert python_slicer.worker_environment() == {"HOME": "/home/me"}
