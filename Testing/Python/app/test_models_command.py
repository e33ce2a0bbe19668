"""`ct-counterfactual models`: events for programs, words for people, licences, own cards."""

import json
from dataclasses import replace

import pytest
import torch

from CTCounterfactualLib.app import models_command
from CTCounterfactualLib.app.cli import main
from CTCounterfactualLib.models.catalogue import load_autoencoder
from CTCounterfactualLib.models.entry import list_models
from CTCounterfactualLib.models.vqgan.config import VQGANConfig
from CTCounterfactualLib.models.vqgan.network import VQGAN
from model_server import checkpoint

NAME, FILE = "merlin-phecodes", "i3_resnet_best_clip_04-02-2024_23-21-36_epoch_99.pt"
CONTENT = checkpoint(7000)
PAPER, ITS_OUTPUT = "ct2-vqgan256", "ct2-vqgan256-paper"


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """The catalogue, but for the sizes of its files: the real ones have half a gigabyte."""

    def small_models(**options):
        return tuple(
            replace(
                entry,
                files=tuple(replace(file, size_bytes=0, size_range=None) for file in entry.files),
            )
            for entry in list_models(**options)
        )

    monkeypatch.setattr(models_command, "list_models", small_models)


@pytest.fixture
def run(tmp_path, capsys):
    """Return a function that runs a verb on a folder of its own: exit code, stdout, stderr."""

    def do(*arguments):
        code = main(["models", "--cache", str(tmp_path / "models"), *map(str, arguments)])
        said = capsys.readouterr()
        return code, said.out, said.err

    return do


@pytest.fixture
def local(tmp_path):
    path = tmp_path / FILE
    path.write_bytes(CONTENT)
    return path


def fetched(run, local, *more):
    return run("fetch", NAME, "--file", local, "--offline", *more)


def test_a_local_file_is_taken_and_told_as_json_lines(run, local, tmp_path):
    code, out, err = fetched(run, local, "--accept-licence", "--progress", "json")
    assert (code, err) == (0, "")
    events = [json.loads(line) for line in out.splitlines()]
    assert [(event["step"], event["fraction"]) for event in events] == [
        ("fetch", 0.0),
        ("fetched", 1.0),
    ]
    assert events[0]["file"] == FILE and events[1]["files"] == [FILE]
    assert (tmp_path / "models" / FILE).read_bytes() == CONTENT


def test_text_goes_to_stderr(run, local):
    code, out, err = fetched(run, local, "--accept-licence")
    assert (code, out) == (0, "") and err.endswith("\nAll files are here.\n")


def test_a_licence_that_asks_for_it_has_to_be_accepted(run, local, tmp_path):
    code, out, err = fetched(run, local, "--progress", "json")
    error = json.loads(out)
    assert code == 2 and error["step"] == "error" and error["kind"] == "ModelError"
    assert "was not accepted; nothing was fetched" in error["message"]
    assert "not stated for the weights" in err and not (tmp_path / "models").exists()


def test_an_unknown_name_names_the_nearest(run):
    code, _, err = run("fetch", "merlin-phecode", "--offline")
    assert code == 2 and "There is no model named 'merlin-phecode'. Did you mean" in err


def test_a_file_that_can_not_be_it_is_refused_by_its_size(run, local, tmp_path, monkeypatch):
    monkeypatch.setattr(models_command, "list_models", list_models)  # the real sizes
    code, out, err = fetched(run, local, "--accept-licence")
    assert (code, out) == (2, "") and err.count("\nError: ") == 1
    assert f"has 7.2 kB for {FILE}, which has 439 MB to 537 MB" in err
    assert list((tmp_path / "models").iterdir()) == []


def test_every_file_to_be_fetched_states_a_size():
    files = [file for entry in list_models() for file in entry.files]
    assert len(files) >= 5
    for file in files:
        least, most = file.plausible_sizes
        assert 100 < least < most < 5e9, file.name


@pytest.mark.parametrize(
    "verb",
    [
        ("fetch", NAME, "--accept-licence"),
        ("verify",),
        ("remove", NAME),
        ("remove", "--all"),
    ],
)
def test_a_cache_that_is_a_file_is_said(run, tmp_path, verb):
    (tmp_path / "models").write_text("notes")
    code, out, err = run(*verb)
    assert (code, out) == (2, "") and err.splitlines()[-1].startswith("Error: The folder of model")
    assert "CT_COUNTERFACTUAL_MODELS" in err and (tmp_path / "models").read_text() == "notes"


def test_removing_keeps_what_another_model_needs_and_says_so(run, tmp_path):
    folder = tmp_path / "models"
    folder.mkdir()
    (entry,) = (entry for entry in list_models() if entry.name == PAPER)
    for file in entry.files:
        (folder / file.name).write_bytes(CONTENT)
    code, out, err = run("remove", PAPER)
    assert (code, out) == (0, f"0 bytes freed in {folder}\n")
    assert f"Kept, as {ITS_OUTPUT} has the same files" in err
    assert f"models remove {PAPER} {ITS_OUTPUT}" in err
    assert all((folder / file.name).is_file() for file in entry.files)
    code, out, err = run("remove", PAPER, ITS_OUTPUT)
    assert (code, err) == (0, "") and list(folder.iterdir()) == []


def test_remove_all_leaves_what_is_no_models_file(run, local, tmp_path):
    fetched(run, local, "--accept-licence")
    (tmp_path / "models" / "notes.txt").write_text("mine")
    code, out, err = run("remove", "--all")
    assert (code, out) == (0, f"7.2 kB freed in {tmp_path / 'models'}\n")
    assert err.endswith("as no model's files: notes.txt\n")
    assert [path.name for path in (tmp_path / "models").iterdir()] == ["notes.txt"]


def test_verify_finds_a_changed_file_and_remove_forgets_it(run, local, tmp_path):
    fetched(run, local, "--accept-licence")
    assert run("verify") == (0, f"{FILE}: as it was\n", "")
    (tmp_path / "models" / FILE).write_bytes(CONTENT[:-1])
    code, out, err = run("verify")
    assert (code, out) == (2, f"{FILE}: CHANGED\n") and "that of its first use is" in err
    code, out, _ = run("remove", NAME)
    assert code == 0 and out.startswith("7.2 kB freed")
    assert run("verify") == (0, "", "")
    (tmp_path / "models" / FILE).mkdir()
    code, out, err = run("verify")
    assert (code, out) == (2, f"{FILE}: CAN'T BE READ\n") and "is no file" in err


@pytest.fixture
def card(tmp_path):
    (tmp_path / "net.py").write_text(
        "from torch import nn\n"
        "class Net(nn.Module):\n"
        "    def forward(self, x):\n"
        "        return x.mean(dim=(1, 2, 3, 4))\n"
    )
    path = tmp_path / "card.json"
    path.write_text(
        json.dumps(
            {
                "schema": 1,
                "kind": "classifier",
                "name": "mine",
                "licence": "MIT",
                "source": {"type": "python", "file": "net.py", "factory": "Net"},
                "output": {"kind": "score"},
                "targets": [{"name": "mean (all)", "threshold": 0.5, "negatives": 0.25}],
            }
        )
    )
    return path


def test_open_wants_consent_for_code_and_tells_whose(run, card):
    code, out, _ = run("open", card, "--progress", "json")
    error = json.loads(out.splitlines()[-1])
    assert (code, error["kind"], error["data"]["name"]) == (2, "ConsentNeeded", "net.py")
    assert len(error["data"]["sha256"]) == 64


def test_open_says_what_the_model_is_and_remembers_the_consent(run, card):
    code, out, _ = run("open", card, "--trust-code", "--progress", "json")
    about = json.loads(out.splitlines()[-1])
    assert (code, about["step"], about["kind"], about["name"]) == (
        0,
        "opened",
        "classifier",
        "mine",
    )
    assert about["targets"] == [
        {"name": "mean (all)", "unit": "", "code": "", "threshold": 0.5, "negatives": 0.25}
    ]
    assert about["message"] == "mine: mean (all) (score); present from 0.5, without it 0.25"
    assert about["licence"] == "MIT"
    assert about["differentiable"] is True and len(about["sha256"]) == 64
    assert run("open", card)[0] == 0


def test_open_of_no_card_is_said(run, tmp_path):
    code, _, err = run("open", tmp_path / "nothing.toml")
    assert code == 2 and "Cannot read the model card" in err


def test_a_vqgan_checkpoint_becomes_a_model_that_loads(tmp_path, capsys):
    config = VQGANConfig(
        ch=32,
        ch_mult=(1, 2),
        num_res_blocks=1,
        attn_resolutions=(),
        resolution=32,
        z_channels=8,
        embed_dim=8,
        n_embed=16,
    )
    checkpoint = tmp_path / "trained.ckpt"
    torch.save({"state_dict": VQGAN(config).state_dict(), "epoch": 3}, checkpoint)
    assert main(["models", "convert", str(checkpoint), "-o", str(tmp_path / "out")]) == 0
    assert "check-model" in capsys.readouterr().err
    assert load_autoencoder(tmp_path / "out" / "my-vqgan.json").factor == 2
    assert main(["models", "convert", str(tmp_path / "no.ckpt"), "-o", str(tmp_path / "o")]) == 2
    assert "does not exist" in capsys.readouterr().err
