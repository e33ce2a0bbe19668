"""Configurations of `train-vqgan`: paths, what an option overrides, and what is refused."""

from __future__ import annotations

import pytest
import yaml

from CTCounterfactualLib.app.cli import build_parser
from CTCounterfactualLib.app.training_config import plan_from
from CTCounterfactualLib.errors import SettingsError
from CTCounterfactualLib.models.entry import RESOURCES
from CTCounterfactualLib.training.start import read_start


def plan(*arguments: str):
    return plan_from(build_parser().parse_args(["train-vqgan", *arguments]))


@pytest.fixture
def config(tmp_path):
    def write(text: str) -> str:
        path = tmp_path / "train.yaml"
        path.write_text(text)
        return str(path)

    return write


def test_a_configuration_says_all_that_options_do(config, tmp_path):
    path = config(
        "output: here\nname: mine\nlicence: CC0\nstart_from: a.json\ndevice: cpu\n"
        "data: {scans: [x.nrrd], folders: [sets], hold_out: 0.2, generated: 0}\n"
        "training: {steps: 7, crop: 64}\n"
    )
    found = plan(path)
    assert (found.output, found.name, found.licence, found.device) == ("here", "mine", "CC0", "cpu")
    assert found.start_from == str(tmp_path / "a.json")
    assert found.data.scans == (str(tmp_path / "x.nrrd"),)
    assert found.data.folders == (str(tmp_path / "sets"),)
    assert (found.data.hold_out, found.data.generated) == (0.2, 0)
    assert found.training == {"steps": 7, "crop": 64}

    other = plan(path, "--data", "/scans", "-o", "there", "--steps", "3", "--generated", "5")
    assert other.data.scans == ("/scans/x.nrrd",)
    assert (other.output, other.data.generated, other.name) == ("there", 5, "mine")
    assert other.training == {"steps": 3, "crop": 64}


def test_options_alone_have_the_settings_defaults():
    found = plan("a.nrrd", "-o", "out")
    assert found.data.scans == ("a.nrrd",)
    assert (found.data.generated, found.data.generated_share) == (30, 0.4)
    assert (found.name, found.device, found.licence) == ("my-vqgan", "auto", "")


def test_the_help_tells_the_settings_defaults(capsys):
    with pytest.raises(SystemExit):
        build_parser().parse_args(["train-vqgan", "--help"])
    told = " ".join(capsys.readouterr().out.split())
    data = plan("a.nrrd", "-o", "out").data
    for value, words in (
        (data.generated, "generated chests to add"),
        (data.generated_share, "share of examples drawn from them"),
        (data.planted_share, "slices that show them"),
        (data.hold_out, "hash of their names"),
    ):
        assert f"(default: {value})" in told.split(words, 1)[1][:30]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("output: o\nsteps: 3\n", "has no field 'steps'"),
        ("output: o\ntraining: {stepps: 3}\n", "stepps"),
        ("output: o\ndata: {scan: [a]}\n", "has no field 'scan'"),
        ("output: o\ndata: {hold_out: 1.5}\n", "hold_out is 1.5"),
        ("output: o\ndata: [a]\n", "data must be a group of fields"),
        ("output: 3\n", "output is 3; it must be text"),
        ("- a\n", "an object in braces is expected"),
        ("a: &x [1]\nb: *x\n", "aliases"),
        ("a: [\n", "Cannot read"),
        ("name: n\n", "Where to"),
    ],
)
def test_what_is_wrong_is_named(config, text, words):
    with pytest.raises(SettingsError, match=words):
        plan(config(text))


def test_a_missing_configuration(tmp_path):
    with pytest.raises(SettingsError, match="Cannot read"):
        plan(str(tmp_path / "none.yaml"), "-o", "x")
    with pytest.raises(SettingsError, match="--data is what paths"):
        plan("a.nrrd", "--data", "x", "-o", "y")


def test_the_shipped_configuration_goes_on_from_the_shipped_weights():
    path = RESOURCES / "ct-vqgan-small.yaml"
    found = plan(str(path), "--data", "/scans", "-o", "out")
    start = read_start(found.start_from)
    settings = found.settings(start)
    assert settings.config == start.network.config
    assert found.name == "ct-vqgan-small"
    assert "/scans/chest_lidc0314.nii.gz" in found.data.scans
    named = " ".join(yaml.safe_load(path.read_text())["data"]["scans"])
    assert not any(held in named for held in ("acrinflt013", "cip64", "ibsi1"))
