"""The block of body and the chest of two domes are known here."""

import pytest

from body_block import hu, lungs, source  # noqa: F401
from domes import two_domes


@pytest.fixture(scope="session")
def chest():
    """Return HU and lung mask of a chest of two domes."""
    return two_domes()
