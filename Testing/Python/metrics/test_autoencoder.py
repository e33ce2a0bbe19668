"""Quality of an autoencoder, measured from one explanation of a small generated chest."""

import math
from dataclasses import replace

import pytest

from CTCounterfactualLib.counterfactual.engine import explain
from CTCounterfactualLib.errors import SettingsError
from CTCounterfactualLib.metrics.autoencoder import measure
from CTCounterfactualLib.models.catalogue import load_autoencoder
from CTCounterfactualLib.scans.generated import ChestSettings, generate_chest
from CTCounterfactualLib.scans.scan import Scan


def test_the_embedded_autoencoder_is_measured():
    chest = generate_chest(ChestSettings(spacing=(3.0, 3.0, 6.0), size=(120, 92, 8), seed=5))
    scan = Scan.from_array(chest.hu, chest.spacing, chest.origin, name="slab")
    autoencoder = load_autoencoder("ct-vqgan-small")
    found = explain(scan, autoencoder=autoencoder, mode="whole", frames=0)
    figures = measure(autoencoder, found).to_dict()
    assert all(math.isfinite(value) for value in figures.values())
    assert figures["speckle_share"] < 0.3
    with pytest.raises(SettingsError, match="chunks only"):
        measure(autoencoder, replace(found, whole=None))
    assert figures["component_ml"] > 5
