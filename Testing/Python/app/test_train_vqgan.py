"""The verb `train-vqgan`: what it refuses, and a tiny run whose model loads and goes on."""

import csv
import json
import socket
import subprocess
import sys

import numpy as np
import pytest
import SimpleITK as sitk
import torch

from CTCounterfactualLib.app.cli import main
from CTCounterfactualLib.models.catalogue import load_autoencoder
from CTCounterfactualLib.scans.scan import Scan
from CTCounterfactualLib.training.files import CHECKPOINT, LOG

TINY = {
    "config": {
        "ch": 16,
        "ch_mult": [1, 1],
        "num_res_blocks": 1,
        "attn_resolutions": [],
        "z_channels": 8,
        "embed_dim": 8,
        "n_embed": 16,
        "mid_attention": False,
        "patch": 2,
        "cosine_codebook": True,
        "code_groups": 2,
    },
    "batch": 2,
    "crop": 32,
    "warmup": 1,
    "bfloat16": False,
    "log_every": 1,
    "checkpoint_every": 1,
}


@pytest.fixture
def scan_file(tmp_path):
    """A block of body with two lungs as a file, (K, J, I) in LPS order."""
    hu = np.full((12, 80, 120), -1000, np.int16)
    hu[:, 10:-10, 4:-4] = 50
    hu[2:10, 20:60, 10:50] = hu[2:10, 20:60, 70:110] = -850
    path = tmp_path / "block.nrrd"
    sitk.WriteImage(Scan.from_array(hu, (1.5, 1.5, 3.0)).image, str(path))
    return path


@pytest.fixture
def train(scan_file, tmp_path):
    """Return a function that trains on the block; returns the exit code."""
    settings = tmp_path / "settings.json"
    settings.write_text(json.dumps(TINY))

    def run(*more):
        return main(
            [
                "train-vqgan",
                str(scan_file),
                "--settings",
                str(settings),
                "--generated",
                "0",
                "-o",
                str(tmp_path / "out"),
                "--name",
                "tiny",
                "--licence",
                "CC0",
                *more,
            ]
        )

    return run


def test_nothing_to_train_on(tmp_path, capsys):
    assert main(["train-vqgan", "-o", str(tmp_path), "--generated", "0"]) == 2
    assert "Nothing to train on" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "words"),
    [("{", "Cannot read"), ('{"stepps": 3}', "stepps"), (None, "Cannot read"), ("[3]", "object")],
)
def test_unfit_settings_are_refused(text, words, tmp_path, capsys):
    path = tmp_path / "settings.json"
    if text is not None:
        path.write_text(text)
    assert main(["train-vqgan", "-o", str(tmp_path / "out"), "--settings", str(path)]) == 2
    error = capsys.readouterr().err
    assert words in error and "Traceback" not in error
    assert not (tmp_path / "out").exists()


def test_a_scan_that_is_none_is_refused(train, scan_file, capsys):
    scan_file.write_bytes(b"no image")
    assert train("--steps", "1") == 2
    assert "block.nrrd" in capsys.readouterr().err


def test_two_steps_give_a_model_that_loads_and_a_third_goes_on(train, tmp_path, capsys):
    out = tmp_path / "out"
    assert train("--steps", "2") == 0
    error = capsys.readouterr().err
    assert "step 2 of 2" in error and "Model written" in error
    card = json.loads((out / "tiny.json").read_text())
    assert (card["name"], card["licence"], card["training"]["steps"]) == ("tiny", "CC0", 2)
    assert card["training"]["crop"] == 32  # of the file, not the default
    model = load_autoencoder(out / "tiny.json")
    x = torch.rand(1, 1, 24, 32, generator=torch.Generator().manual_seed(1))
    assert model.decode(model.encode(x), x.shape[2:]).shape == x.shape
    assert train("--steps", "3") == 2  # the model is there
    assert "--force" in capsys.readouterr().err
    assert train("--steps", "3", "--force") == 0  # goes on after the second
    assert "step 1 of 3" not in capsys.readouterr().err
    with (out / LOG).open() as file:
        assert [row["step"] for row in csv.DictReader(file)] == ["1", "2", "3"]
    assert json.loads((out / "tiny.json").read_text())["sha256"] != card["sha256"]


def test_two_processes_train_as_one_does(train, tmp_path, scan_file):
    """Started by torchrun: the same losses and gradients, of the same batch in two halves."""
    assert train("--steps", "3") == 0
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"]
    command += ["--master-addr", "127.0.0.1", "--master-port", str(free_port())]
    command += ["-m", "CTCounterfactualLib", "train-vqgan", str(scan_file)]
    command += ["--settings", str(tmp_path / "settings.json"), "--generated", "0"]
    command += ["--steps", "3", "--name", "tiny", "-o", str(tmp_path / "two")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("Model written") == 1
    logs = []
    for folder in ("out", "two"):
        with (tmp_path / folder / LOG).open() as file:
            logs.append(list(csv.DictReader(file)))
    for one, two in zip(*logs, strict=True):
        assert one["codes_used"] == two["codes_used"]
        for name in ("pixel", "edge", "commitment", "codebook"):
            assert float(two[name]) == pytest.approx(float(one[name]), abs=2e-4), name
    # First moments are means of gradients: unlike Adam's steps they don't blow up what is tiny.
    moments = [
        torch.load(tmp_path / folder / CHECKPOINT, weights_only=True)["net_optimiser"]["state"]
        for folder in ("out", "two")
    ]
    for number, of_one in moments[0].items():
        mean, other = of_one["exp_avg"], moments[1][number]["exp_avg"]
        assert (other - mean).norm() <= 0.02 * mean.norm() + 1e-6, number


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@pytest.fixture
def slice_file(tmp_path):
    """Four slices of patients 0, 1, 1 and 2, rows from anterior to posterior."""
    hu = np.full((4, 80, 120), -1000, np.int16)
    hu[:, 10:-10, 4:-4] = 50
    hu[:, 20:60, 10:50] = hu[:, 20:60, 70:110] = -850
    path = tmp_path / "few.npz"
    np.savez(path, hu=hu, spacing_mm=np.full((4, 2), 1.5), patient=np.array([0, 1, 1, 2]))
    return path


def test_slices_of_patients_are_trained_on_but_for_those_left_out(train, slice_file, tmp_path):
    assert train("--steps", "1", "--slices", str(slice_file), "--leave-out", "2") == 0
    card = json.loads((tmp_path / "out" / "tiny.json").read_text())
    assert card["data"] == [
        "block: 12 slices",
        "few without patients whose number is a multiple of 2 (1 patients): 2 slices",
    ]
    assert "started_from" not in card


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--leave-out", "5"], "leave_out is of patients in slices"),
        (["--slices", "block.nrrd"], "Cannot read"),
        (["--slices", "FEW", "--leave-out", "1"], "2 or more"),
        (["--start-from", "none.json"], "none.json"),
        (["--planted", "-1"], "planted is -1"),
        (["--planted-share", "1.5"], "planted_share is 1.5; it must be 0 to 1"),
        (["--generated-share", "nan"], "0 to 1"),
        pytest.param(
            ["--device", "cuda"],
            "no CUDA GPU",
            marks=pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU"),
        ),
    ],
)
def test_slices_and_starts_that_are_none_are_refused(more, words, train, slice_file, capsys):
    more = [str(slice_file) if word == "FEW" else word for word in more]
    assert train("--steps", "1", *more) == 2
    error = capsys.readouterr().err
    assert words in error and "Traceback" not in error


def test_a_training_goes_on_from_another_models_weights(train, tmp_path, capsys):
    assert train("--steps", "2") == 0
    first = json.loads((tmp_path / "out" / "tiny.json").read_text())
    more = ("--steps", "1", "--start-from", str(tmp_path / "out" / "tiny.json"))
    assert train(*more, "-o", str(tmp_path / "again")) == 0
    card = json.loads((tmp_path / "again" / "tiny.json").read_text())
    assert card["started_from"] == {
        name: first[name] for name in ("name", "sha256", "data", "training")
    }
    with (tmp_path / "out" / LOG).open() as file, (tmp_path / "again" / LOG).open() as other:
        before, after = (float(next(csv.DictReader(f))["pixel"]) for f in (file, other))
    assert after < before  # it begins where the first has come to
    # A folder's training isn't taken for one that began from other weights.
    assert train("--steps", "2", "--force", "-o", str(tmp_path / "again")) == 2
    assert "began from other weights" in capsys.readouterr().err
