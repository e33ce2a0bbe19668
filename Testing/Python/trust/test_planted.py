"""A finding planted into the scan under test: found where it lies, by a classifier that sees it."""

import torch

from block_scan import LUNG, TISSUE_HU, BlockSeer
from CTCounterfactualLib.methods.attribute import attribute
from CTCounterfactualLib.models.targets import Target
from CTCounterfactualLib.scans.generated import ChestSettings, generate_chest
from CTCounterfactualLib.scans.scan import Scan
from CTCounterfactualLib.trust.planted import TEST
from CTCounterfactualLib.trust.verdict import NOT_RUN


class FluidSeer(BlockSeer):
    """Scores how much is as dense as fluid and no denser: its gradient lies there."""

    name = "fluid seer"
    targets = (Target("effusion", "L"),)

    def __init__(self):
        pass

    def score(self, x, target=None):
        hu = 2000 * x - 1000
        return torch.exp(-(((hu - 10) / 25) ** 2)).mean(dim=(1, 2, 3, 4))


def test_a_planted_effusion_is_seen_and_pointed_at(subject_of):
    chest = generate_chest(ChestSettings(spacing=(4.0, 4.0, 6.0), size=(90, 70, 12), seed=5))
    scan = Scan.from_array(chest.hu, chest.spacing, chest.origin, name="slab")
    seer = FluidSeer()
    made = attribute(scan, "input-gradient", seer)
    found = TEST.run(TEST, subject_of(made, seer), False)
    assert found.facts["finding"] == "effusion" and found.facts["ml"] > 50
    before, after = found.facts["scores"]
    assert after > before
    assert found.number == found.facts["mass_in_mask"]
    assert found.number > 2 * found.facts["mass_in_mask_chance"]


def test_without_lungs_nothing_is_planted(subject_of, known):
    seer = FluidSeer()
    hu = known.clean.array.copy()
    hu[LUNG] = TISSUE_HU
    no_lungs = Scan(known.clean.with_array(hu))
    found = TEST.run(TEST, subject_of(attribute(no_lungs, "input-gradient", seer), seer), False)
    assert found.status == NOT_RUN and found.sentence.startswith("Nothing could be planted")
