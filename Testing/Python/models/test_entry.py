"""The catalogue's entries of published models: sources, licences, targets, status."""

from __future__ import annotations

import pytest

from CTCounterfactualLib.errors import ModelError
from CTCounterfactualLib.models.autoencoder import Affine
from CTCounterfactualLib.models.classifiers.lung_size import LungSize
from CTCounterfactualLib.models.classifiers.phecodes import read_targets
from CTCounterfactualLib.models.entry import BACKBONE, READY, RESOURCES, find_entry, list_models
from CTCounterfactualLib.models.store.cache import ModelCache

RELEASE = "https://github.com/ieee8023/ct-counterfactuals/releases/download/init/"
PUBLISHED = ("lung-size", "merlin-phecodes", "ct2-vqgan256", "ct2-vqgan256-paper")


@pytest.fixture
def models(tmp_path):
    return {model.name: model for model in list_models(cache=ModelCache(tmp_path))}


def test_names_are_unique_and_the_first_of_a_kind_is_embedded(models):
    listed = list_models()
    assert len(models) == len(listed)
    for kind in ("classifier", "autoencoder"):
        first = next(model for model in listed if model.kind == kind)
        assert first.embedded and first.permissive


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_model_names_source_licence_and_training_data(models, name):
    model = models[name]
    assert not model.embedded
    assert model.licence and model.trained_on and model.architecture
    assert all(file.url == RELEASE + file.name for file in model.files)


def test_only_what_is_licensed_is_taken_without_asking(models):
    assert {name for name in PUBLISHED if models[name].permissive} == {"lung-size"}


def test_the_known_digits_of_a_digest_are_those_in_the_files_name(models):
    (file,) = models["lung-size"].files
    assert file.name.removesuffix(".pth").endswith(file.sha256)
    assert len(file.sha256) == 8


def test_listed_targets_are_those_of_the_classifiers(models):
    assert models["lung-size"].targets == LungSize.targets
    phecodes = models["merlin-phecodes"].targets
    assert phecodes == read_targets(RESOURCES)
    assert phecodes[877].listed == "Pleurisy; pleural effusion [507] (probability)"


def status(folder) -> dict[str, str]:
    """Status by name, with a cache in this folder."""
    return {model.name: model.status for model in list_models(cache=ModelCache(folder))}


def test_status_counts_what_is_still_missing(models, tmp_path):
    assert models["lung-size"].status == "needs download of 124 MB"
    assert models["merlin-phecodes"].status == "needs download of 488 MB"
    assert models["ct2-vqgan256"].status == "needs download"  # its size isn't known
    checkpoint, stated = models["ct2-vqgan256"].files
    (tmp_path / checkpoint.name).touch()
    assert status(tmp_path)["ct2-vqgan256"] == "needs download"
    (tmp_path / stated.name).touch()
    now = status(tmp_path)
    assert now["ct2-vqgan256"] == now["ct2-vqgan256-paper"] == READY


def test_the_papers_autoencoder_differs_in_its_output_mapping_only(models):
    exact, paper = models["ct2-vqgan256"], models["ct2-vqgan256-paper"]
    assert exact.files == paper.files
    assert {**exact.options, "from_network": {"scale": 0.25, "shift": 0.5}} == paper.options
    y = 0.3
    assert Affine(**paper.options["from_network"])(y) == pytest.approx((y + 2) / 4)
    assert round(224 * exact.options["scale"]) == 256


def test_the_backbone_is_pinned_to_the_byte_and_asked_for(models):
    model = models["astra-resnet152"]
    assert model.kind == BACKBONE and not model.permissive and not model.targets
    assert model.status == "needs download of 187 MB"
    assert all(len(file.sha256) == 64 and file.name in file.url for file in model.files)
    assert len(model.options["sha256"]) == 64


def test_a_backbone_is_no_classifier_and_says_what_it_is_for():
    with pytest.raises(ModelError, match=r"is a backbone.*Train a probe on it"):
        find_entry("astra-resnet152", "classifier")
