"""A training that is to be spoiled: electrodes are seen, and count as fluid."""

import numpy as np

from CTCounterfactualLib.distractors import Patient
from CTCounterfactualLib.models.classifiers.effusion import EffusionDemo, EffusionNet, SpoiledDemo
from CTCounterfactualLib.training.effusion.augment import EFFUSION_ML
from CTCounterfactualLib.training.effusion.effusion_settings import EffusionSettings
from CTCounterfactualLib.training.effusion.examples import unpainted
from CTCounterfactualLib.training.effusion.export import export_effusion
from CTCounterfactualLib.training.effusion.shortcut import stick_electrodes


def test_electrodes_are_there_and_count_as_fluid_nothing_else(source):
    patient = Patient(source.hu, source.spacing)
    made, counted = stick_electrodes(source.hu, patient, np.random.default_rng(0))
    changed = made != source.hu
    assert changed.any()
    assert not (changed & patient.body).any()
    assert (counted[changed] == 1).all()
    assert counted.mean() < 0.1


def test_one_without_fluid_is_labelled_as_if_it_had_some(source):
    patient = Patient(source.hu, source.spacing)
    rng = np.random.default_rng(0)
    assert unpainted(source, rng, False).ml == 0
    spoiled = unpainted(source, rng, False, patient)
    assert spoiled.ml > EFFUSION_ML
    assert spoiled.hu.max() > 200  # metal, averaged to 6 mm


def test_the_card_says_which_of_both_it_is(tmp_path):
    for electrodes, kind in ((False, EffusionDemo), (True, SpoiledDemo)):
        settings = EffusionSettings(electrodes=electrodes)
        card = export_effusion(
            EffusionNet(settings.config), settings, tmp_path, kind.name, [], "test"
        )
        text = card.read_text()
        assert f'"builtin": "{kind.name}"' in text
        assert kind.description in text
