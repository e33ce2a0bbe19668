"""Put the oracles' problems on the path; consent that is given beforehand."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "Oracles"))

from CTCounterfactualLib.models.own.consent import Consent


@pytest.fixture
def trusting(tmp_path):
    """Consent given beforehand."""
    return Consent(folder=tmp_path / "cache", trust=True)
