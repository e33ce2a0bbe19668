"""Merlin's phecodes: the list of targets, and probabilities and gradient from the scan on."""

from __future__ import annotations

import hashlib
import json

import pytest
import torch

from CTCounterfactualLib.errors import ModelError, SettingsError
from CTCounterfactualLib.models.classifiers.inflated_resnet import InflatedResNet
from CTCounterfactualLib.models.classifiers.phecodes import NAMES_FILE, Phecodes, read_targets
from CTCounterfactualLib.models.entry import RESOURCES
from on_grid import as_batch, paper_axes, prepare_for
from parity import PRECISIONS, fixture, gradient_error, relative_error
from published_problems import PHECODE_BLOCKS, PHECODES, WEIGHT_SEED, fill_batch_normed

CASE = "phecodes"
EFFUSION = 877


@pytest.fixture(scope="module")
def classifier():
    network = InflatedResNet(PHECODE_BLOCKS).double()
    network.load_state_dict(fill_batch_normed(network.state_dict(), WEIGHT_SEED))
    return Phecodes(network, read_targets(RESOURCES))


def test_targets_are_those_of_the_paper_in_its_order(classifier):
    rows = "\n".join(f"{target.code}\t{target.name}" for target in classifier.targets)
    assert hashlib.sha256(rows.encode()).hexdigest() == str(fixture(CASE)["targets"])
    assert len(classifier.targets) == 1692
    effusion = classifier.targets[EFFUSION]
    assert (effusion.name, effusion.code) == ("Pleurisy; pleural effusion", "507")


def test_every_target_is_found_by_its_code(classifier):
    codes = [target.code for target in classifier.targets]
    assert len(set(codes)) == len(codes)
    assert all(classifier.find_target(t.code).code == t.code for t in classifier.targets)
    assert classifier.find_target("pleurisy; PLEURAL effusion") is classifier.targets[EFFUSION]
    with pytest.raises(SettingsError, match="Pleurisy; pleural effusion"):
        classifier.find_target("pleural effusion")


def test_a_damaged_list_says_so(tmp_path):
    for text in (None, "{", "{}"):
        if text is not None:
            (tmp_path / NAMES_FILE).write_text(text)
        with pytest.raises(ModelError, match=r"phecodes\.json cannot be read .* reinstall"):
            read_targets(tmp_path)


def test_prepared_volume_is_the_papers_turned_back():
    found = paper_axes(CASE, torch.from_numpy(prepare_for(Phecodes, CASE).volume))
    assert found.numpy() == pytest.approx(fixture(CASE)["volume"], abs=1e-6)


@pytest.mark.parametrize(("dtype", "tolerance"), PRECISIONS)
def test_probabilities_and_gradient_equal_the_paper_from_the_scan_on(classifier, dtype, tolerance):
    expected = fixture(CASE)
    classifier.network.to(dtype)
    x = as_batch(prepare_for(Phecodes, CASE), dtype)
    with torch.no_grad():
        scores = [classifier.score(x, classifier.targets[i].code) for i in PHECODES]
    assert relative_error(torch.cat(scores), expected["scores"]) < tolerance
    effusion = classifier.score(x, classifier.targets[EFFUSION].code)
    (gradient,) = torch.autograd.grad(effusion.sum(), x)
    assert gradient_error(paper_axes(CASE, gradient[0, 0]), expected["gradient"]) < tolerance


def test_the_names_file_states_its_source():
    assert "1.2" in json.loads((RESOURCES / NAMES_FILE).read_text())["source"]
