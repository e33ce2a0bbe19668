"""Scenes and explanations for the tests of the scene room."""

import importlib.util
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # scene_factory, whatever pytest's import mode

from scene_factory import make_explanation

# Without slicer-core (an extra) there is nothing here to test: importing the room says so.
collect_ignore_glob = [] if importlib.util.find_spec("slicer") else ["test_*.py"]


@pytest.fixture
def explanation():
    return make_explanation()


@pytest.fixture
def headless(tmp_path):
    from CTCounterfactualLib.scene.bundle.headless import headless_scene

    with headless_scene(tmp_path) as made:
        yield made


@pytest.fixture
def scene(headless):
    return headless.scene


@pytest.fixture
def nodes(scene, explanation):
    from CTCounterfactualLib.scene.make.build import build_nodes

    return build_nodes(scene, explanation)
