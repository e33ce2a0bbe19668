"""`ct-counterfactual check-model`: the table, the exit code, and the question for consent."""

import argparse
import io

import pytest

from CTCounterfactualLib.app import check_command
from CTCounterfactualLib.app.failures import describe
from CTCounterfactualLib.errors import ModelError
from CTCounterfactualLib.models.store.cache import FOLDER_VARIABLE

CARD = """
schema = 1
kind = "classifier"
name = "mine"
description = "For tests"
[grid]
spacing = [6.0, 6.0, 12.0]
[source]
type = "python"
file = "net.py"
[output]
kind = "score"
[[targets]]
name = "brightness"
unit = "HU"
threshold = 0.9
"""
NETWORK = """
from torch import nn
class Net(nn.Module):
    def forward(self, x):
        return x.square().mean(dim=(1, 2, 3, 4))
def build():
    return Net()
"""


class Terminal(io.StringIO):
    """A stdin that is a terminal."""

    def isatty(self):
        return True


@pytest.fixture
def card(tmp_path, monkeypatch):
    """A card, its Python file, and a cache folder of the test's own."""
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "cache"))
    monkeypatch.setattr("sys.stdin", io.StringIO())
    (tmp_path / "net.py").write_text(NETWORK)
    path = tmp_path / "card.toml"
    path.write_text(CARD)
    return path


def run(*arguments) -> None:
    parser = argparse.ArgumentParser()
    check_command.add_check_options(parser)
    check_command.check(parser.parse_args([*map(str, arguments), "--device", "cpu"]))


def test_table_of_a_good_model(card, capsys):
    run(card, "--trust-code", "--target", "Brightness")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "mine: For tests" and lines[-1] == "Fit for use."
    names = [line[:16].strip() for line in lines if line[:1].isalpha()]
    for name in ("score", "deterministic", "gradient", "batch", "slices", "memory"):
        assert name in names
    (score,) = [line for line in lines if line.startswith("score ")]
    assert "ok" in score and "HU (below 0.9)" in score
    assert all(len(line) <= check_command.WIDTH for line in lines)


def test_a_failed_check_is_an_error_that_names_it(card, tmp_path, capsys):
    (tmp_path / "net.py").write_text(NETWORK.replace("x.square()", "x.detach()"))
    with pytest.raises(ModelError, match=r"1 check\(s\) failed: gradient"):
        run(card, "--trust-code")
    assert "FAILED" in capsys.readouterr().out


def test_without_a_terminal_nobody_is_asked_and_nothing_runs(card):
    with pytest.raises(ModelError, match=r"net.py is code.*trust=True"):
        run(card)


def test_on_a_terminal_the_user_is_asked_once(card, monkeypatch, capsys):
    monkeypatch.setattr("sys.stdin", Terminal("n\n"))
    with pytest.raises(ModelError, match=r"nobody agreed"):
        run(card)
    monkeypatch.setattr("sys.stdin", Terminal("y\n"))
    run(card)
    assert "Run it? [y/N]" in capsys.readouterr().err
    monkeypatch.setattr("sys.stdin", io.StringIO())
    run(card)


def test_targets_of_an_autoencoder_and_unknown_models_are_refused(card):
    with pytest.raises(ModelError, match=r"is an autoencoder; it has no targets"):
        run("ct-vqgan-small", "--target", "x")
    with pytest.raises(ModelError, match=r"There is no classifier named 'nothing'"):
        run("nothing")


def test_what_a_file_has_in_it_cannot_rewrite_the_line_of_an_error():
    told = describe(ModelError("no tensor \x1b[2K\x1b[1Aall\n is \u202ewell"))
    assert told.message == "no tensor ?[2K?[1Aall is ?well" and told.exit_code == 2
