"""One rule for all settings: plain values of the declared kind and within limits, or refused."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, fields

import numpy as np
import pytest

from CTCounterfactualLib.checked import built, check_fields, check_known, check_limits, take_types
from CTCounterfactualLib.counterfactual.settings import ExplainSettings
from CTCounterfactualLib.errors import ModelError, SettingsError
from CTCounterfactualLib.jobs.job import FileInput
from CTCounterfactualLib.limits import ABOVE_0, COUNT, FRACTION, POSITIVE, SEED, Limit
from CTCounterfactualLib.models.entry import RESOURCES
from CTCounterfactualLib.models.files.cards import read_card
from CTCounterfactualLib.scans.generated import ChestSettings
from CTCounterfactualLib.training.augment import AugmentSettings
from CTCounterfactualLib.training.effusion.augment_settings import (
    AugmentSettings as VolumeAugmentSettings,
)
from CTCounterfactualLib.training.effusion.effusion_settings import EffusionSettings
from CTCounterfactualLib.training.losses import LossWeights
from CTCounterfactualLib.training.train_settings import TrainSettings

ALL = (
    ExplainSettings,
    ChestSettings,
    TrainSettings,
    LossWeights,
    AugmentSettings,
    EffusionSettings,
    VolumeAugmentSettings,
)


@dataclass(frozen=True)
class Sample:
    count: int = 1
    share: float = 0.5
    name: str = "x"
    sure: bool = False
    edges: tuple[float, ...] = (1.0,)
    size: tuple[int, int] | None = None
    perhaps: bool | None = None
    inner: LossWeights | None = None

    def __post_init__(self) -> None:
        take_types(self)
        check_limits(self, count=POSITIVE, share=FRACTION, edges=ABOVE_0)


@pytest.mark.parametrize(
    ("name", "value", "plain"),
    [
        ("count", np.int64(5), 5),
        ("count", np.uint8(5), 5),
        ("share", np.float32(0.5), 0.5),
        ("share", 1, 1),
        ("share", np.int32(1), 1),
        ("sure", np.bool_(True), True),
        ("edges", [1, np.float64(2.5)], (1, 2.5)),
        ("edges", np.array([1.0, 2.0]), (1.0, 2.0)),
        ("size", [np.int64(3), 4], (3, 4)),
        ("size", None, None),
        ("perhaps", None, None),
        ("name", np.str_("y"), "y"),
    ],
)
def test_what_is_of_the_kind_becomes_a_plain_value(name, value, plain):
    taken = getattr(Sample(**{name: value}), name)
    assert taken == plain and type(taken) is type(plain)
    if isinstance(plain, tuple):
        assert [type(item) for item in taken] == [type(item) for item in plain]
    json.dumps(taken)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("count", True, "a whole number"),
        ("count", 2.0, "a whole number"),
        ("count", np.bool_(True), "a whole number"),
        ("count", "2", "a whole number"),
        ("count", None, "a whole number"),
        ("count", np.float64(2), "a whole number"),
        ("share", True, "a number"),
        ("share", "0.5", "a number"),
        ("share", 1j, "a number"),
        ("share", 10**400, "a number"),
        ("share", math.nan, "0 to 1"),
        ("share", 1.01, "0 to 1"),
        ("count", 0, "1 or more"),
        ("edges", [1, 0], "above 0"),
        ("edges", [math.inf], "finite"),
        ("edges", 5, "a list of numbers"),
        ("edges", "12", "a list of numbers"),
        ("edges", [1, True], "a list of numbers"),
        ("size", [1, 2, 3], "a list of 2 whole numbers or"),
        ("size", [1, 2.0], "a list of 2 whole numbers or null"),
        ("sure", 1, "true or false"),
        ("perhaps", "no", "true or false or null"),
        ("name", 3, "text in quotes"),
    ],
)
def test_anything_else_is_refused_by_name(name, value, words):
    with pytest.raises(SettingsError) as caught:
        Sample(**{name: value})
    assert str(caught.value).startswith(f"Setting {name} is ")
    assert f"it must be {words}" in str(caught.value).replace("a finite", "finite")


def test_limits_read_as_words():
    limits = (POSITIVE, COUNT, ABOVE_0, FRACTION, Limit(0, 1, open=True))
    assert [str(limit) for limit in limits] == [
        "1 or more",
        "0 or more",
        "above 0",
        "0 to 1",
        "above 0, at most 1",
    ]
    assert str(SEED) == "0 to 18446744073709551615"


@pytest.mark.parametrize("settings", ALL)
def test_all_settings_keep_the_rule(settings):
    """Every number of every dataclass of settings: from NumPy yes, as True or NaN no."""
    defaults = settings()
    for field in fields(settings):
        value = getattr(defaults, field.name)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            continue
        kind = np.int64 if isinstance(value, int) else np.float64
        taken = getattr(settings(**{field.name: kind(value)}), field.name)
        assert taken == value and type(taken) in (int, float), field.name
        for wrong in (True, "1", math.nan, math.inf, None, [value]):
            if wrong is None and field.type.endswith("| None"):
                continue
            with pytest.raises(SettingsError, match=field.name):
                settings(**{field.name: wrong})


@pytest.mark.parametrize("settings", ALL)
def test_all_settings_refuse_a_negative_count(settings):
    for field in fields(settings):
        if field.type == "int":
            with pytest.raises(SettingsError, match=field.name):
                settings(**{field.name: -1})


@pytest.mark.parametrize("settings", ALL)
def test_all_defaults_can_be_written_as_json(settings):
    values = settings().to_dict() if hasattr(settings, "to_dict") else asdict(settings())
    json.dumps(values, allow_nan=False)


@pytest.mark.parametrize(
    ("settings", "wrong", "words"),
    [
        (TrainSettings, {"restart_every": 0}, "restart_every is 0; it must be 1 or more"),
        (TrainSettings, {"steps": 0}, "steps is 0; it must be 1 or more"),
        (TrainSettings, {"crop": 100}, "crop is 100; it must be a multiple"),
        (EffusionSettings, {"ml": (5, 1)}, "ml is .*least and greatest"),
        (EffusionSettings, {"ml": (0, 1)}, "ml is .*above 0"),
        (VolumeAugmentSettings, {"contrast": (2, 1)}, "contrast is .*least and greatest"),
        (ExplainSettings, {"seed": 2**64}, "seed is 18446744073709551616; it must be 0 to"),
    ],
)
def test_what_would_fail_later_is_refused_at_once(settings, wrong, words):
    with pytest.raises(SettingsError, match=words):
        settings(**wrong)


def with_defaults(settings, card: dict) -> dict:
    """Return a card's settings and the defaults of those that came later, in two levels."""
    values = settings().to_dict()
    for name, given in card["training"].items():
        values[name] = {**values[name], **given} if isinstance(given, dict) else given
    return values


@pytest.mark.parametrize("settings", [TrainSettings, EffusionSettings])
def test_settings_come_back_from_a_card(settings):
    """Also from those of the embedded models, so that their trainings can be repeated."""
    name = {TrainSettings: "ct-vqgan-small", EffusionSettings: "effusion-demo"}[settings]
    card = read_card(RESOURCES / f"{name}.json")
    assert settings.from_dict(card["training"]).to_dict() == with_defaults(settings, card)
    chosen = settings(steps=5, warmup=0)
    assert settings.from_dict(json.loads(json.dumps(chosen.to_dict()))) == chosen


@pytest.mark.parametrize("values", [5, None, "x", [1], [["steps", 1]]])
@pytest.mark.parametrize("settings", [TrainSettings, EffusionSettings])
def test_what_is_no_object_is_refused(settings, values):
    with pytest.raises(SettingsError, match="an object in braces is expected"):
        settings.from_dict(values)
    with pytest.raises(SettingsError, match="an object in braces is expected"):
        settings.from_dict({"augment": values})


def test_an_unknown_field_is_named_with_the_known_ones():
    words = r"LossWeights has no field 'pixels'\. Did you mean 'pixel'"
    with pytest.raises(SettingsError, match=words):
        built(LossWeights, {"pixels": 1})


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"lowest": 1, "high": 2}, "A card, window has no field 'lowest'. Did you mean 'low'?"),
        ([1, 2], "A card, window is [1, 2]; an object in braces is expected."),
        ("x" * 5000, f"A card, window is '{'x' * 199}...; an object in braces is expected."),
        (
            10**400,
            "A card, window is a number of hundreds of digits; an object in braces is expected.",
        ),
        ({3: 1}, "A card, window has no field 3. Choose one of: low, high."),
    ],
)
def test_one_rule_for_what_is_no_object_or_has_other_fields(values, words):
    with pytest.raises(ModelError) as caught:
        check_known(values, ("low", "high"), "A card, window", ModelError)
    assert str(caught.value) == words


def test_fields_come_back_whatever_order_they_had():
    check_known({"high": 2, "low": 1}, ("low", "high"), "A card")
    given = {"path": "a.nrrd", "assume_hu": True}
    assert check_fields(FileInput, given, "A job") == given
    with pytest.raises(SettingsError, match="A job: assume_hu is 1; it must be true or false"):
        check_fields(FileInput, {"path": "a.nrrd", "assume_hu": 1}, "A job")
    assert check_fields(FileInput, {**given, "assume_hu": 1}, "A job", ("assume_hu",))
