"""Cards and model files made on the spot, and consent that is remembered in the test's folder."""

import runpy
import shutil
from pathlib import Path

import pytest

from CTCounterfactualLib.models.own.consent import Consent

TEMPLATES = Path(__file__).resolve().parents[4] / "CTCounterfactual" / "Resources" / "Templates"
CARD = """
schema = 1
kind = "classifier"
name = "mine"
[source]
type = "python"
file = "net.py"
[output]
kind = "score"
[[targets]]
name = "mean"
"""
NETWORK = """
from torch import nn
class Net(nn.Module):
    def forward(self, x):
        return x.mean(dim=(1, 2, 3, 4))
def build():
    return Net()
"""


@pytest.fixture
def nobody(tmp_path):
    """Consent that nobody can give."""
    return Consent(folder=tmp_path / "cache")


@pytest.fixture
def write(tmp_path):
    """Return a function that writes a card and files beside it and returns the card's path."""

    def do(card: str = CARD, suffix: str = ".toml", **files: str | bytes) -> Path:
        for name, content in {"net.py": NETWORK, **files}.items():
            data = content.encode() if isinstance(content, str) else content
            (tmp_path / name).write_bytes(data)
        path = tmp_path / f"card{suffix}"
        path.write_text(card, encoding="utf-8")
        return path

    return do


@pytest.fixture
def template(tmp_path):
    """Return a function: name of a template -> its card, its example files made by its script."""

    def make(name: str, script: str | None = "export.py", card: str = "classifier.toml") -> Path:
        folder = tmp_path / name
        shutil.copytree(TEMPLATES / name, folder)
        if script is not None:
            runpy.run_path(str(folder / script), run_name="__main__")
        return folder / card

    return make
