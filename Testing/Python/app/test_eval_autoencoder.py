"""The verb `eval-autoencoder`: its report and card, and what it refuses."""

from __future__ import annotations

import json

import numpy as np
import pytest
import SimpleITK as sitk
import torch

from CTCounterfactualLib.app.cli import main
from CTCounterfactualLib.models.catalogue import load_autoencoder
from CTCounterfactualLib.models.vqgan.config import VQGANConfig
from CTCounterfactualLib.models.vqgan.network import VQGAN
from CTCounterfactualLib.scans.scan import Scan
from CTCounterfactualLib.training.export import export_model
from CTCounterfactualLib.training.train_settings import TrainSettings

CONFIG = VQGANConfig(
    ch=16, ch_mult=(1, 1), num_res_blocks=1, attn_resolutions=(), z_channels=8, embed_dim=8,
    n_embed=16, mid_attention=False, patch=2, cosine_codebook=True, code_groups=2,
)  # fmt: skip


@pytest.fixture
def files(tmp_path):
    """Return the card of an untrained network, a scan, and a file of slices."""
    torch.manual_seed(1)
    settings = TrainSettings(config=CONFIG, steps=1)
    card = export_model(VQGAN(CONFIG), settings, tmp_path, "tiny", ["nothing"], "CC0")
    hu = np.full((10, 60, 80), -1000, np.int16)
    hu[:, 6:-6, 4:-4] = 50
    hu[2:8, 15:45, 10:34] = hu[2:8, 15:45, 46:70] = -850
    sitk.WriteImage(Scan.from_array(hu, (1.5, 1.5, 3.0)).image, str(tmp_path / "block.nrrd"))
    np.savez(
        tmp_path / "few.npz",
        hu=hu[3:7],
        spacing_mm=np.full((4, 2), 1.5),
        patient=np.array([0, 1, 1, 2]),
    )
    return card, tmp_path / "block.nrrd", tmp_path / "few.npz"


def test_figures_report_panels_and_card(files, tmp_path, capsys):
    card, scan, slices = files
    out = tmp_path / "out"
    arguments = ["eval-autoencoder", str(card), str(scan), "--slices", str(slices)]
    arguments += ["--leave-out", "2", "--classifier", "effusion-demo", "-o", str(out)]
    assert main([*arguments, "--write-card"]) == 0
    printed = capsys.readouterr().out
    told = json.loads((out / "figures.json").read_text())
    assert told["sha256"] == json.loads(card.read_text())["sha256"]
    block = told["scans"]["block.nrrd"]
    assert 0 < block["figures"]["psnr_body_db"] < 30
    (gap,) = [g for g in block["gaps"] if g["target"] == "pleural effusion logit"]
    assert gap["gap"] == pytest.approx(gap["reconstruction"] - gap["original"], abs=1e-3)
    (few,) = [one for name, one in told["scans"].items() if name.startswith("few")]
    assert few["figures"]["patients"] == 2  # 0 and 2
    assert 1 <= told["codebook"]["codes_used"] <= 16
    report = (out / "report.md").read_text()
    assert report == printed and "block.nrrd" in report and "panels.png" in report
    assert sitk.GetArrayFromImage(sitk.ReadImage(str(out / "panels.png"))).std() > 5

    quality = json.loads(card.read_text())["quality"]
    assert quality["block.nrrd"]["psnr_body_db"] == block["figures"]["psnr_body_db"]
    assert quality["block.nrrd"]["gaps"]["effusion-demo, pleural effusion logit"] == gap["gap"]
    load_autoencoder(card)  # still loads
    assert main(arguments) == 2
    assert "--force" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["ct-vqgan-small"], "Nothing to measure on"),
        (["ct-vqgan-small", "a.nrrd", "--write-card"], "writes into a JSON card"),
        (["no-such", "a.nrrd"], "no-such"),
        (["ct-vqgan-small", "a.nrrd"], "a.nrrd"),
    ],
)
def test_what_cannot_be_is_refused(arguments, words, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["eval-autoencoder", *arguments, "-o", str(out)]) == 2
    assert words in capsys.readouterr().err
    assert not out.exists()
