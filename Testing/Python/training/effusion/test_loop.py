"""Training the effusion demo: it learns, logs, resumes, and exports what loads by its card."""

import csv
import dataclasses
import json

import numpy as np
import pytest
import torch

from CTCounterfactualLib.errors import ModelError, SettingsError
from CTCounterfactualLib.models.catalogue import load_classifier
from CTCounterfactualLib.models.classifiers.effusion import EffusionConfig
from CTCounterfactualLib.training.effusion.augment import Batch
from CTCounterfactualLib.training.effusion.effusion_settings import EffusionSettings
from CTCounterfactualLib.training.effusion.examples import REAL, Example
from CTCounterfactualLib.training.effusion.export import describe_data, export_effusion
from CTCounterfactualLib.training.effusion.loop import (
    FLUID_SITE_WEIGHT,
    EffusionTrainer,
    scan_loss,
    site_loss,
)
from CTCounterfactualLib.training.files import CHECKPOINT, LOG

SETTINGS = EffusionSettings(
    config=EffusionConfig(width=2),
    generated=0,
    generated_share=0.0,
    steps=5,
    batch=2,
    warmup=2,
    log_every=2,
    checkpoint_every=3,
    seed=1,
)


@pytest.fixture(scope="module")
def examples():
    rng = np.random.default_rng(0)
    made = []
    for number in range(4):
        hu = np.full((24, 40, 48), -1000, np.int16)
        hu[:, 6:34, 4:44] = 50
        hu[4:20, 10:30, 8:40] = -850
        fluid = np.zeros(hu.shape, np.float16)
        if number % 2:
            fluid[4:20, 10 : 14 + number, 8:40] = 1.0
            hu[fluid > 0] = 10
        hu = (hu + rng.normal(0, 5, hu.shape)).astype(np.int16)
        made.append(Example(f"block-{number}", REAL, hu, fluid))
    return made


class Stopped(Exception):
    """What a cancel looks like to the loop."""


def stop_at(last: int):
    def on_step(step: int, of: int) -> None:
        if step == last:
            raise Stopped

    return on_step


def rows(folder) -> list[dict]:
    with (folder / LOG).open() as file:
        return list(csv.DictReader(file))


def test_it_logs_and_keeps_a_checkpoint(examples, tmp_path):
    network = EffusionTrainer(examples, SETTINGS, tmp_path).run()
    assert not network.training
    assert [row["step"] for row in rows(tmp_path)] == ["2", "4"]
    assert tuple(rows(tmp_path)[0]) == ("step", "seconds", "scan", "site", "accuracy", "skipped")
    assert torch.load(tmp_path / CHECKPOINT, weights_only=True)["step"] == 5
    assert not list(tmp_path.glob("*.part"))


def test_a_stopped_run_goes_on_from_its_checkpoint(examples, tmp_path):
    with pytest.raises(Stopped):
        EffusionTrainer(examples, SETTINGS, tmp_path).run(stop_at(4))
    resumed = EffusionTrainer(examples, SETTINGS, tmp_path)
    assert resumed.step == 4
    saved = torch.load(tmp_path / CHECKPOINT, weights_only=True)["net"]
    assert all(torch.equal(v, saved[k]) for k, v in resumed.net.state_dict().items())
    seen = []
    trained = resumed.run(lambda step, of: seen.append(step)).state_dict()
    assert seen == [5]
    straight = EffusionTrainer(examples, SETTINGS, tmp_path / "straight").run().state_dict()
    assert all(torch.equal(trained[name], straight[name]) for name in straight)


def test_same_seed_same_weights(examples, tmp_path):
    first, again = (
        EffusionTrainer(examples, SETTINGS, tmp_path / n).run().state_dict() for n in "ab"
    )
    assert all(torch.equal(first[name], again[name]) for name in first)


def test_it_learns_where_the_fluid_is(examples, tmp_path):
    settings = dataclasses.replace(
        SETTINGS,
        config=EffusionConfig(width=4),
        steps=40,
        batch=4,
        learning_rate=1e-2,
        log_every=10,
        checkpoint_every=100,
    )
    network = EffusionTrainer(examples, settings, tmp_path).run()
    x = torch.from_numpy((examples[3].hu.astype(np.float32) + 1000) / 2000)[None, None]
    evidence = network.evidence(x)[0, 0].detach().numpy()
    # Sites are 12 mm, twice the examples' 6 mm.
    wet = examples[3].fluid.astype(np.float32).reshape(12, 2, 20, 2, 24, 2).mean(axis=(1, 3, 5))
    assert evidence[wet > 0.9].mean() > evidence[wet == 0].mean() + 1.0


def batch_of(fluid: torch.Tensor, label: list[float]) -> Batch:
    return Batch(torch.zeros_like(fluid), fluid, torch.tensor(label))


def test_scans_without_a_label_do_not_count():
    fluid = torch.zeros(3, 1, 2, 2, 2)
    logit = torch.tensor([0.0, 100.0, 0.0])
    loss = scan_loss(logit, batch_of(fluid, [1.0, torch.nan, 0.0]))
    assert loss.item() == pytest.approx(np.log(2.0))
    nothing = scan_loss(logit, batch_of(fluid, [torch.nan] * 3))
    assert nothing.item() == 0.0


def test_a_third_of_fluid_makes_a_full_site():
    fluid = torch.zeros(1, 1, 2, 2, 4)
    fluid[..., :2] = 1 / 3  # one site of two
    evidence = torch.tensor([2.0, -1.0]).reshape(1, 1, 1, 1, 2)
    weight = 1 + FLUID_SITE_WEIGHT
    expected = weight * np.log1p(np.exp(-2.0)) + np.log1p(np.exp(-1.0))
    loss = site_loss(evidence, batch_of(fluid, [1.0]))
    assert loss.item() == pytest.approx(expected / (weight + 1), rel=1e-5)


def test_training_starts_from_given_weights(examples, tmp_path):
    first = EffusionTrainer(examples, SETTINGS, tmp_path / "a").run()
    second = EffusionTrainer(examples, SETTINGS, tmp_path / "b", start=first)
    for name, tensor in first.state_dict().items():
        assert torch.equal(second.net.state_dict()[name], tensor), name
    other = dataclasses.replace(SETTINGS, config=EffusionConfig(width=4))
    with pytest.raises(SettingsError, match=r"width=2.*width=4"):
        EffusionTrainer(examples, other, tmp_path / "c", start=first)


def test_an_exported_network_loads_by_its_card(examples, tmp_path):
    network = EffusionTrainer(examples, SETTINGS, tmp_path / "run").run()
    card = export_effusion(
        network, SETTINGS, tmp_path, "mine", describe_data(examples), "Apache-2.0", [{"steps": 3}]
    )
    loaded = load_classifier(card)
    for name, tensor in network.state_dict().items():
        kept = tensor.half().float() if tensor.is_floating_point() else tensor
        assert torch.equal(loaded.network.state_dict()[name], kept), name
    written = json.loads(card.read_text())
    assert written["data"][1] == "block-1: 1 with fluid, 0 without"
    assert written["earlier_training"] == [{"steps": 3}]
    assert EffusionSettings.from_dict(written["training"]) == SETTINGS  # augmentation, too
    (tmp_path / "mine.safetensors").write_bytes(b"damaged")
    with pytest.raises(ModelError, match="damaged or was replaced"):
        load_classifier(card)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"ml": (0, 10)}, r"ml is \(0, 10\); it must be above 0"),
        ({"batch": 0}, "batch is 0"),
        ({"generated_share": 2}, "generated_share is 2"),
    ],
)
def test_settings_say_what_is_wrong(values, said):
    with pytest.raises(SettingsError, match=said):
        EffusionSettings(**values)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"epochs": 3}, "EffusionSettings has no field 'epochs'"),
        ({"augment": {"flip": 1}}, "AugmentSettings has no field 'flip'"),
        ({"config": {"depth": 1}}, "EffusionConfig has no field 'depth'"),
    ],
)
def test_unknown_settings_are_named(values, said):
    with pytest.raises(SettingsError, match=said):
        EffusionSettings.from_dict(values)
