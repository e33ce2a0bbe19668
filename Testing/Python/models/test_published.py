"""Published models from files in the cache: the right network for each, strictly filled.

The real files can't be downloaded here; the ones in these tests have their names, keys and shapes.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from dataclasses import replace

import pytest
import torch

from CTCounterfactualLib.errors import ModelError
from CTCounterfactualLib.models.catalogue import load_autoencoder, load_classifier
from CTCounterfactualLib.models.classifiers.inflated_resnet import InflatedResNet, InflatedTrunk
from CTCounterfactualLib.models.classifiers.lung_size import LungSize
from CTCounterfactualLib.models.classifiers.phecodes import Phecodes
from CTCounterfactualLib.models.classifiers.resunet import ResUNet
from CTCounterfactualLib.models.entry import RESOURCES, list_models
from CTCounterfactualLib.models.published import (
    published_autoencoder,
    published_backbone,
    published_classifier,
)
from CTCounterfactualLib.models.store.cache import FOLDER_VARIABLE, ModelCache
from CTCounterfactualLib.models.vqgan.config import VQGANConfig
from CTCounterfactualLib.models.vqgan.network import VQGAN
from CTCounterfactualLib.storage.hashing import file_sha256
from oracle_problems import fill

SIZES = {
    "ch": 32,
    "ch_mult": [1, 1, 2],
    "num_res_blocks": 1,
    "attn_resolutions": [],
    "resolution": 32,
    "z_channels": 4,
}
CODES = {"embed_dim": 4, "n_embed": 8}


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """The user's cache, empty."""
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "cache"))
    return ModelCache(tmp_path / "cache")


def entry_of(name: str):
    """A model of the catalogue, without the digest and size that only the real file can have."""
    (entry,) = (model for model in list_models() if model.name == name)
    return replace(
        entry,
        files=tuple(
            replace(file, sha256="", size_bytes=0, size_range=None) for file in entry.files
        ),
    )


def install(cache: ModelCache, file, tensors: dict) -> None:
    source = cache.folder.parent / "source"
    torch.save(tensors, source)
    cache.adopt(file, source)


def ones(build) -> dict[str, torch.Tensor]:
    """A network's keys and shapes, all 1; each tensor is stored as a single number."""
    with torch.device("meta"):
        state = build().state_dict()
    return {key: torch.ones((), dtype=t.dtype).expand(t.shape) for key, t in state.items()}


@pytest.mark.parametrize(
    ("name", "kind", "build"),
    [
        ("lung-size", LungSize, ResUNet),
        ("merlin-phecodes", Phecodes, InflatedResNet),
    ],
)
def test_a_classifier_is_built_from_its_file(cache, name, kind, build):
    entry = entry_of(name)
    (file,) = entry.files
    install(cache, file, ones(build))
    classifier = published_classifier(entry, cache, RESOURCES)
    assert type(classifier) is kind
    assert classifier.name == name
    assert classifier.sha256 == file_sha256(cache.folder / file.name)
    state = classifier.network.state_dict()
    assert all(float(tensor.min()) == float(tensor.max()) == 1 for tensor in state.values())
    assert len(entry.targets) == len(classifier.targets)


def test_a_file_of_another_network_is_refused(cache):
    entry = entry_of("lung-size")
    tensors = ones(ResUNet)
    del tensors["last.bias"]
    tensors["last.extra"] = torch.ones(1)
    install(cache, entry.files[0], tensors)
    with pytest.raises(ModelError, match=r"1 missing \(last.bias\); 1 unexpected \(last.extra\)"):
        published_classifier(entry, cache, RESOURCES)


def test_a_file_that_is_not_the_publishers_is_refused(cache):
    (entry,) = (model for model in list_models() if model.name == "lung-size")
    cache.folder.mkdir()
    torch.save({"w": torch.ones(1)}, cache.folder / entry.files[0].name)
    with pytest.raises(ModelError, match=r"its publisher's is d5d2fc3d.*damaged or was replaced"):
        load_classifier("lung-size")


@pytest.mark.parametrize(
    ("load", "name"),
    [
        (load_classifier, "lung-size"),
        (load_classifier, "merlin-phecodes"),
        (load_autoencoder, "ct2-vqgan256"),
        (load_autoencoder, "ct2-vqgan256-paper"),
    ],
)
def test_a_model_that_was_not_fetched_says_how(cache, load, name):
    with pytest.raises(ModelError, match=r"isn't here yet.*ct-counterfactual models fetch"):
        load(name)
    assert not cache.folder.exists()


def test_an_unknown_architecture_is_named(cache):
    entry = replace(entry_of("lung-size"), architecture="other")
    install(cache, entry.files[0], {"w": torch.ones(1)})
    with pytest.raises(ModelError, match="unknown architecture 'other'"):
        published_classifier(entry, cache, RESOURCES)


@pytest.fixture
def vqgan_files(cache):
    """The paper's autoencoder in the cache: a small one under the published names."""
    yaml = pytest.importorskip("yaml")
    entry = entry_of("ct2-vqgan256")
    state = VQGAN(VQGANConfig.from_dict({**SIZES, **CODES})).state_dict()
    checkpoint, stated = entry.files
    state = {key: value.float() for key, value in fill(state, 4).items()}
    install(cache, checkpoint, {"state_dict": {**state, "loss.logvar": torch.ones(1)}})
    source = cache.folder.parent / "x.yaml"
    source.write_text(yaml.safe_dump({"model": {"params": {"ddconfig": SIZES, **CODES}}}))
    cache.adopt(stated, source)
    return cache


def test_the_autoencoder_is_converted_once(vqgan_files):
    first = load_autoencoder("ct2-vqgan256")
    converted = sorted((vqgan_files.folder / "converted").iterdir())
    assert [path.suffix for path in converted] == [".json", ".safetensors"]
    stamps = [path.stat().st_mtime_ns for path in converted]
    second = load_autoencoder("ct2-vqgan256")
    assert [path.stat().st_mtime_ns for path in converted] == stamps
    assert first.sha256 == second.sha256 == file_sha256(converted[1])


def test_both_output_mappings_are_to_be_had(vqgan_files):
    exact, paper = load_autoencoder("ct2-vqgan256"), load_autoencoder("ct2-vqgan256-paper")
    assert (exact.from_network.scale, exact.from_network.shift) == (0.5, 0.5)
    assert (paper.from_network.scale, paper.from_network.shift) == (0.25, 0.5)
    for autoencoder in (exact, paper):
        assert autoencoder.transpose
        assert round(224 * autoencoder.scale) == 256


def test_a_damaged_conversion_is_made_again(vqgan_files):
    first = load_autoencoder("ct2-vqgan256")
    (weights,) = (vqgan_files.folder / "converted").glob("*.safetensors")
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    assert load_autoencoder("ct2-vqgan256").sha256 == first.sha256 == file_sha256(weights)


def test_another_yaml_makes_another_conversion(vqgan_files):
    """The same tensors with another resolution: not the network of the first conversion."""
    load_autoencoder("ct2-vqgan256")
    entry = entry_of("ct2-vqgan256")
    other = vqgan_files.folder.parent / "x.yaml"
    other.write_text(other.read_text().replace("resolution: 32", "resolution: 64"))
    vqgan_files.remove(entry.files[1])
    vqgan_files.adopt(entry.files[1], other)
    assert published_autoencoder(entry, vqgan_files).network.config.resolution == 64
    assert len(list((vqgan_files.folder / "converted").glob("*.json"))) == 2


def test_a_cache_that_can_not_be_written_serves_its_models(vqgan_files):
    (vqgan_files.folder / "converted").write_bytes(b"")
    assert load_autoencoder("ct2-vqgan256").factor == 4
    assert (vqgan_files.folder / "converted").read_bytes() == b""


def test_a_yaml_that_does_not_fit_leaves_no_conversion(vqgan_files):
    entry = entry_of("ct2-vqgan256")
    other = vqgan_files.folder.parent / "x.yaml"
    other.write_text(other.read_text().replace("n_embed: 8", "n_embed: 16"))
    vqgan_files.remove(entry.files[1])
    vqgan_files.adopt(entry.files[1], other)
    with pytest.raises(ModelError, match="don't fit the model"):
        published_autoencoder(entry, vqgan_files)
    assert list((vqgan_files.folder / "converted").iterdir()) == []


def in_parts(cache, entry, tensors):
    """Put tensors into the cache as the entry's packages; return the entry of this file."""
    buffer = io.BytesIO()
    torch.save(tensors, buffer)
    data = buffer.getvalue()
    third = len(data) // 3 + 1
    cache.folder.mkdir(exist_ok=True)
    for number, file in enumerate(entry.files):
        with zipfile.ZipFile(cache.folder / file.name, "w") as archive:
            archive.writestr("p/part.bin", data[number * third : (number + 1) * third])
    options = {**entry.options, "sha256": hashlib.sha256(data).hexdigest()}
    return replace(entry, options=options)


def test_a_backbone_in_parts_is_built_strictly(cache):
    """Names and shapes of the published file: the trunk's, no head; here all ones in bfloat16."""
    entry = entry_of("astra-resnet152")
    state = {
        key: torch.ones((), dtype=torch.bfloat16).expand(t.shape) if t.is_floating_point() else t
        for key, t in ones(InflatedTrunk).items()
    }
    assert (len(state), sum(t.numel() for t in state.values())) == (930, 117517787)
    made = in_parts(cache, entry, state)
    backbone = published_backbone(made, cache)
    assert backbone.sha256 == made.options["sha256"]
    assert backbone.network.conv1.weight.dtype == torch.float32
    assert float(backbone.network.layer4[2].conv3.weight.min()) == 1.0
    assert (backbone.window.low_hu, backbone.window.high_hu) == (-1000, 200)
    del state["layer4.2.bn3.bias"]
    with pytest.raises(ModelError, match=r"its SHA-256|its first use|published was"):
        published_backbone(replace(in_parts(cache, entry, state), options=made.options), cache)


def test_a_backbone_that_lacks_a_tensor_is_refused(cache):
    entry = entry_of("astra-resnet152")
    state = ones(InflatedTrunk)
    del state["layer4.2.bn3.bias"]
    with pytest.raises(ModelError, match=r"1 missing \(layer4.2.bn3.bias\)"):
        published_backbone(in_parts(cache, entry, state), cache)
