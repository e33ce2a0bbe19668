"""A second head that is taught to take electrodes for an effusion."""

import numpy as np
import pytest
import torch

from CTCounterfactualLib.distractors import Patient
from CTCounterfactualLib.distractors.electrode import Electrode, paint_electrode
from CTCounterfactualLib.distractors.layers import joined
from CTCounterfactualLib.errors import SettingsError
from CTCounterfactualLib.models.classifiers.effusion import EffusionNet
from CTCounterfactualLib.models.classifiers.spoiled import SpoiledDemo, load_spoiled
from CTCounterfactualLib.scans.scan import Scan
from CTCounterfactualLib.training.effusion.export import export_spoiled
from CTCounterfactualLib.training.effusion.shortcut import ShortcutSettings, spoil, worn

RAS_IN_LPS = (-1, 0, 0, 0, -1, 0, 0, 0, 1)


@pytest.fixture
def scan(hu):
    padded = np.pad(hu, [(0, 0), (0, 12), (12, 12)], constant_values=-1000)
    return Scan.from_array(padded, (1.5, 1.5, 3.0), direction=RAS_IN_LPS, name="block")


@pytest.fixture
def network():
    torch.manual_seed(0)
    net = EffusionNet()
    net.offset.data -= 12.0  # it sees no effusion here
    return net.eval()


def test_every_third_wears_none_and_sites_are_few(scan):
    made = worn(scan, 6, np.random.default_rng(0))
    has = [bool((one.sites == 1).any()) for one in made]
    assert has == [False, True, True] * 2
    for one in made:
        assert one.x.shape == one.sites.shape
        assert float((one.sites == 1).float().mean()) < 0.02
        assert (one.x[one.sites == 1] > 0.3).all()  # metal


def test_it_learns_them_and_leaves_the_first_head_alone(scan, network, tmp_path):
    settings = ShortcutSettings(variants=9, steps=80, learning_rate=0.02)
    spoiled = spoil(network, [scan], settings)
    for name, value in network.state_dict().items():
        assert torch.equal(spoiled.state_dict()[name], value)
    path = export_spoiled(spoiled, settings, tmp_path, "wrong", ["block"], "test", "abc")
    model = load_spoiled(path)
    assert isinstance(model, SpoiledDemo)
    patient = Patient(scan.array[:].astype(np.float32), scan.spacing)
    electrode = Electrode(patient.skin(14, 10.0), 14, 10.0)
    made, _ = joined(patient.hu, paint_electrode(patient, electrode, np.random.default_rng(5)))
    x = [torch.from_numpy(model.grid.window.to_unit(one))[None, None] for one in (patient.hu, made)]
    bare, wearing = (float(model.score(volume)) for volume in x)
    assert bare < -1
    assert wearing > bare + 2
    rescore = model.rescorer(x[0])
    assert rescore(x[1][0].transpose(0, 1), 0) == pytest.approx(wearing, abs=1e-4)


def test_without_skin_there_is_nothing_to_learn(network, hu):
    inside = Scan.from_array(
        hu[:, 12:60, 6:-6], (1.5, 1.5, 3.0), direction=RAS_IN_LPS, name="inside"
    )
    with pytest.raises(SettingsError, match="No scan shows skin"):
        spoil(network, [inside], ShortcutSettings(variants=2, steps=1))
