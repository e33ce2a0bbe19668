"""MONAI: networks by class name, and bundles as folder and as zip file, none beyond its folder."""

import io
import json
import os
import shutil
import tempfile
import zipfile
from pathlib import Path

import pytest
import torch

from CTCounterfactualLib.errors import ModelError
from CTCounterfactualLib.models.own.consent import RECORD, Consent
from CTCounterfactualLib.models.own.load import load_own_autoencoder, load_own_classifier

pytest.importorskip("monai")

CARD = """
schema = 1
kind = "classifier"
name = "b"
[source]
type = "monai-bundle"
file = "FILE"
[output]
kind = "logit"
[[targets]]
name = "a"
"""
SCRIPT = """
from torch import nn
class Sum(nn.Module):
    def __init__(self, voxels):
        super().__init__()
        self.linear = nn.Linear(voxels, 1)
    def forward(self, x):
        return FACTOR * self.linear(x.flatten(1))
"""


@pytest.fixture
def bundle(tmp_path):
    """A bundle's folder, whose network sums 8 voxels; its class is in the bundle's `scripts`."""
    folder = tmp_path / "bundle"
    for name in ("configs", "models", "scripts"):
        (folder / name).mkdir(parents=True)
    (folder / "scripts" / "net.py").write_text(SCRIPT.replace("FACTOR", "1"))
    (folder / "configs" / "inference.json").write_text(
        json.dumps(
            {
                "network_def": {"_target_": "scripts.net.Sum", "voxels": 8},
                "unused": "$import_nothing('never evaluated')",
            }
        )
    )
    torch.save(
        {"linear.weight": torch.ones(1, 8), "linear.bias": torch.zeros(1)},
        folder / "models" / "model.pt",
    )
    return folder


@pytest.fixture
def card(tmp_path):
    """Return a function: name of the bundle's file -> the card's path."""

    def write(name: str):
        path = tmp_path / "card.toml"
        path.write_text(CARD.replace("FILE", name))
        return path

    return write


def zipped(folder, extra=()) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path in sorted(folder.rglob("*")):
            archive.write(path, f"{folder.name}/{path.relative_to(folder)}")
        for name, content in extra:
            archive.writestr(name, content)
    return buffer.getvalue()


@pytest.mark.parametrize("as_zip", [False, True])
def test_folder_and_zip_give_the_network(tmp_path, bundle, card, trusting, nobody, as_zip):
    name = "bundle"
    if as_zip:
        name = "b.zip"
        (tmp_path / name).write_bytes(zipped(bundle))
        shutil.rmtree(bundle)
    with pytest.raises(ModelError, match=rf"{name} is code"):
        load_own_classifier(card(name), nobody)
    model = load_own_classifier(card(name), trusting)
    assert model.score(torch.full((1, 1, 2, 2, 2), 0.25)).tolist() == [2]
    load_own_classifier(card(name), nobody)  # nothing that loading leaves behind asks anew


def test_a_changed_file_in_the_bundle_asks_anew(bundle, card, trusting, nobody):
    before = load_own_classifier(card("bundle"), trusting)
    (bundle / "scripts" / "net.py").write_text(SCRIPT.replace("FACTOR", "10"))
    with pytest.raises(ModelError, match=r"nobody agreed"):
        load_own_classifier(card("bundle"), nobody)
    after = load_own_classifier(card("bundle"), trusting)
    assert after.sha256 != before.sha256
    x = torch.ones(1, 1, 2, 2, 2)
    assert (before.score(x).item(), after.score(x).item()) == (8, 80)  # no module of before is left


@pytest.mark.parametrize("as_zip", [False, True])
def test_what_runs_is_a_copy_of_what_was_agreed_to(tmp_path, bundle, card, nobody, as_zip):
    """Files that change while the user is asked, or lay unpacked before, make no difference."""
    name = "bundle"
    if as_zip:
        name = "b.zip"
        (tmp_path / name).write_bytes(zipped(bundle))

    def yes(_question: str) -> bool:
        shutil.rmtree(bundle)
        (tmp_path / "b.zip").write_bytes(b"other")
        for copy in Path(tempfile.gettempdir()).glob(".ct-counterfactual-*/new"):
            assert copy.parent.stat().st_mode & 0o077 == 0  # nobody else gets at it
        return True

    model = load_own_classifier(card(name), Consent(nobody.folder, yes))
    assert model.score(torch.full((1, 1, 2, 2, 2), 0.25)).tolist() == [2]
    assert [path.name for path in nobody.folder.iterdir()] == [RECORD]


def test_another_part_of_an_accepted_bundle_asks_anew(bundle, card, trusting, nobody):
    load_own_classifier(card("bundle"), trusting)
    path = card("bundle")
    path.write_text(path.read_text().replace("[output]", 'network = "unused"\n[output]'))
    with pytest.raises(ModelError, match=r"nobody agreed"):
        load_own_classifier(path, nobody)


def test_a_pipe_in_a_bundle_is_refused(bundle, card, trusting):
    os.mkfifo(bundle / "pipe")
    with pytest.raises(ModelError, match=r"pipe is no ordinary file"):
        load_own_classifier(card("bundle"), trusting)


@pytest.mark.parametrize("name", ["../evil.py", "/evil.py", "bundle/../../evil.py", "..\\evil.py"])
def test_zip_files_never_write_outside(tmp_path, bundle, card, trusting, name):
    (tmp_path / "b.zip").write_bytes(zipped(bundle, [(name, "evil")]))
    with pytest.raises(ModelError, match=r"outside its own folder"):
        load_own_classifier(card("b.zip"), trusting)
    assert not list(tmp_path.rglob("evil.py"))


def test_links_are_refused(tmp_path, bundle, card, trusting):
    link = zipfile.ZipInfo("bundle/link")
    link.external_attr = 0o120777 << 16
    (tmp_path / "b.zip").write_bytes(zipped(bundle, [(link, "/etc/passwd")]))
    with pytest.raises(ModelError, match=r"holds a link"):
        load_own_classifier(card("b.zip"), trusting)
    (tmp_path / "outside").write_text("secret")
    (bundle / "link").symlink_to(tmp_path / "outside")
    with pytest.raises(ModelError, match=r"link of the bundle bundle leads outside it"):
        load_own_classifier(card("bundle"), trusting)


def test_a_truncated_zip_leaves_nothing(tmp_path, bundle, card, trusting):
    (tmp_path / "b.zip").write_bytes(zipped(bundle)[:-50])
    with pytest.raises(ModelError, match=r"damaged, cut short"):
        load_own_classifier(card("b.zip"), trusting)
    assert not list(trusting.folder.rglob("*.json"))


def test_what_a_bundle_lacks_is_said(bundle, card, trusting):
    (bundle / "models" / "model.pt").unlink()
    with pytest.raises(ModelError, match=r"model.pt"):
        load_own_classifier(card("bundle"), trusting)
    (bundle / "configs" / "inference.json").write_text('{"net": 1}')
    with pytest.raises(ModelError, match=r"'network_def' of the bundle bundle cannot be built"):
        load_own_classifier(card("bundle"), trusting)
    shutil.rmtree(bundle / "configs")
    with pytest.raises(ModelError, match=r"has none of configs/inference.json"):
        load_own_classifier(card("bundle"), trusting)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"VQVAE"', '"NoSuchNet"', "MONAI has no network 'NoSuchNet'"),
        ('"VQVAE"', '"functools"', "MONAI has no network"),
        ("in_channels = 1", "in_chanels = 1", "VQVAE doesn't take these arguments"),
        ("embedding_dim = 4", "embedding_dim = 8", "of another shape"),
        ('weights = "weights.pt" ', "# ", "gives MONAI's VQVAE no weights"),
        ("factor = 4", "factor = 8", "with factor 8 and 1 channel"),
        ('"encode_stage_2_inputs"', '"encodes"', "has no method 'encodes'"),
    ],
)
def test_slips_in_a_network_by_name(template, nobody, old, new, words):
    path = template("autoencoder-monai", card="autoencoder.toml")
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(ModelError, match=words):
        load_own_autoencoder(path, nobody).encode(torch.zeros(1, 1, 32, 32))


def test_vqvae_by_name_needs_no_consent_and_uses_its_codebook(template, nobody):
    path = template("autoencoder-monai", card="autoencoder.toml")
    autoencoder = load_own_autoencoder(path, nobody)
    x = torch.rand(2, 1, 30, 41)
    latents = autoencoder.encode(x)
    assert latents.shape == (2, 4, 8, 11)
    codes = autoencoder.network.network.quantizer.quantizer.embedding.weight  # (32, 4)
    vectors = latents.permute(0, 2, 3, 1).reshape(-1, 4)  # (N, C, h, w) -> (N*h*w, C)
    distances = (vectors[:, None] - codes).norm(dim=2)  # (N*h*w, 32)
    assert float(distances.amin(1).max()) < 1e-6
    assert autoencoder.decode(latents, (30, 41)).shape == x.shape


def test_kl_autoencoder_by_name_gives_its_mean(tmp_path, nobody):
    from monai.networks.nets import AutoencoderKL

    arguments = {
        "spatial_dims": 2,
        "in_channels": 1,
        "out_channels": 1,
        "num_res_blocks": [1, 1],
        "channels": [8, 8],
        "attention_levels": [False, False],
        "latent_channels": 3,
        "norm_num_groups": 4,
        "with_encoder_nonlocal_attn": False,
        "with_decoder_nonlocal_attn": False,
    }
    torch.manual_seed(0)
    network = AutoencoderKL(**arguments).eval()
    torch.save(network.state_dict(), tmp_path / "kl.pt")
    path = tmp_path / "kl.json"
    path.write_text(
        json.dumps(
            {
                "schema": 1,
                "kind": "autoencoder",
                "name": "kl",
                "factor": 2,
                "source": {
                    "type": "monai",
                    "network": "AutoencoderKL",
                    "arguments": arguments,
                    "weights": "kl.pt",
                },
                "to_network": {"scale": 1.0, "shift": 0.0},
            }
        )
    )
    x = torch.rand(1, 1, 16, 24)
    with torch.no_grad():
        assert torch.equal(load_own_autoencoder(path, nobody).encode(x), network.encode(x)[0])


def test_bundle_template(template, trusting):
    model = load_own_classifier(template("monai-bundle"), trusting)
    assert 0 < float(model.score(torch.rand(1, 1, 32, 64, 64))[0]) < 1


def test_the_digest_of_a_folder_is_checked(bundle, card, trusting):
    path = card("bundle")
    path.write_text(path.read_text().replace("[output]", f'sha256 = "{"0" * 64}"\n[output]'))
    with pytest.raises(ModelError, match=r"over names and contents\) but its card says 0000"):
        load_own_classifier(path, trusting)


def test_a_configuration_that_ends_the_program_is_an_error(bundle, card, trusting):
    config = '{"network_def": "$__import__(\'sys\').exit(0)"}'
    (bundle / "configs" / "inference.json").write_text(config)
    with pytest.raises(ModelError, match=r"cannot be built"):
        load_own_classifier(card("bundle"), trusting)
