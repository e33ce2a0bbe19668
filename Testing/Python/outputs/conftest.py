"""One small explanation for all tests of this room."""

import pytest

from CTCounterfactualLib.counterfactual.engine import explain
from CTCounterfactualLib.scans.generated import ChestSettings, generate_chest
from CTCounterfactualLib.scans.scan import Scan


@pytest.fixture(scope="session")
def explanation():
    """Explain an 8-slice slab of a generated chest with the embedded models, in two chunks."""
    chest = generate_chest(ChestSettings(spacing=(3.0, 3.0, 6.0), size=(120, 92, 8), seed=5))
    scan = Scan.from_array(chest.hu, chest.spacing, chest.origin, name="slab")
    return explain(scan, chunk=8)
