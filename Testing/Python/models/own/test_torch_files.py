"""TorchScript and torch.export: whole files score and differentiate, others are refused."""

import io
import pickle
import zipfile

import pytest
import torch
from torch import nn

from CTCounterfactualLib.errors import ModelError
from CTCounterfactualLib.models.own.load import load_own_classifier

from .conftest import CARD

TORCHSCRIPT = CARD.replace("python", "torchscript").replace("net.py", "m.pt")
EXPORT = CARD.replace("python", "torch.export").replace("net.py", "m.pt2")
# Before it the program refuses .pt2 files, and says so; and it can't make them on every Python.
runs_exports = pytest.mark.skipif(
    tuple(map(int, torch.__version__.split(".")[:2])) < (2, 6), reason=".pt2 needs PyTorch 2.6"
)


class Mean(nn.Module):
    """Three times the mean of each volume."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(3.0))

    def forward(self, x):
        return self.weight * x.mean(dim=(1, 2, 3, 4))


def scripted() -> bytes:
    buffer = io.BytesIO()
    torch.jit.save(torch.jit.script(Mean()), buffer)
    return buffer.getvalue()


def exported() -> bytes:
    buffer = io.BytesIO()
    torch.export.save(torch.export.export(Mean(), (torch.zeros(1, 1, 2, 3, 4),)), buffer)
    return buffer.getvalue()


def pickled(path) -> bytes:
    """A pickle that makes a file when it is read, as `torch.save` would write it."""

    class Attack:
        def __reduce__(self):
            return (open, (str(path), "w"))

    buffer = io.BytesIO()
    torch.save({"model": Attack()}, buffer)
    return buffer.getvalue()


def repacked(data: bytes, change) -> bytes:
    """The archive with every entry's (name, bytes) changed."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(buffer, "w") as new:
        for entry in old.infolist():
            new.writestr(*change(entry.filename, old.read(entry)))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("card", "name", "make"),
    [
        (TORCHSCRIPT, "m.pt", scripted),
        pytest.param(EXPORT, "m.pt2", exported, marks=runs_exports),
    ],
)
def test_scores_gradients_and_consent(write, trusting, nobody, card, name, make):
    path = write(card, **{name: make()})
    with pytest.raises(ModelError, match=rf"{name} is code.*trust=True"):
        load_own_classifier(path, nobody)
    model = load_own_classifier(path, trusting)
    x = torch.full((1, 1, 2, 3, 4), 0.5, requires_grad=True)
    score = model.score(x)
    assert score.tolist() == [1.5]
    (gradient,) = torch.autograd.grad(score.sum(), x)
    assert torch.allclose(gradient, torch.full_like(x, 3 / 24))


@pytest.mark.parametrize(
    ("card", "name", "make"),
    [
        (TORCHSCRIPT, "m.pt", scripted),
        pytest.param(EXPORT, "m.pt2", exported, marks=runs_exports),
    ],
)
@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[: len(data) // 2],
        lambda data: b"not a zip file at all",
        lambda data: repacked(data, lambda name, content: (name, b"")),
        lambda data: repacked(data, lambda name, content: (name, content[: len(content) // 2])),
    ],
)
def test_damaged_files_are_refused(write, trusting, card, name, make, damage):
    with pytest.raises(ModelError, match=r"empty|damaged|no TorchScript code"):
        load_own_classifier(write(card, **{name: damage(make())}), trusting)


def test_a_checkpoint_is_no_torchscript_and_its_pickle_does_not_run(write, tmp_path, trusting):
    path = write(TORCHSCRIPT, **{"m.pt": pickled(tmp_path / "ran")})
    with pytest.raises(ModelError, match=r"no TorchScript code.*type python with `weights`"):
        load_own_classifier(path, trusting)
    assert not (tmp_path / "ran").exists()


@runs_exports
def test_nothing_of_a_pt2_is_unpickled_without_consent(write, tmp_path, nobody):
    """Every entry that PyTorch may unpickle is an attack; refused before any is read."""

    class Attack:
        def __reduce__(self):
            return (open, (str(tmp_path / "ran"), "w"))

    evil = repacked(
        exported(),
        lambda name, content: (
            name,
            pickle.dumps(Attack())
            if name.endswith((".pt", ".pkl")) or "/data/" in name
            else content,
        ),
    )
    with pytest.raises(ModelError, match=r"m.pt2 is code"):
        load_own_classifier(write(EXPORT, **{"m.pt2": evil}), nobody)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("name", ["../evil.py", "/tmp/evil.py", "a/../../evil.py", "C:\\evil.py"])
def test_archives_that_leave_their_folder_are_refused(write, trusting, name):
    evil = repacked(
        scripted(), lambda old, content: (name if old.endswith("version") else old, content)
    )
    with pytest.raises(ModelError, match=r"outside its own folder"):
        load_own_classifier(write(TORCHSCRIPT, **{"m.pt": evil}), trusting)


def test_zip_bombs_are_refused_unread(write, trusting):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr("m/code/x.py", b"\0" * (120 * 1024 * 1024))
    with pytest.raises(ModelError, match=r"would unpack to 0.1 GB from 0.1 MB"):
        load_own_classifier(write(TORCHSCRIPT, **{"m.pt": buffer.getvalue()}), trusting)


@runs_exports
def test_sizes_that_were_fixed_by_the_export_are_named(write, trusting):
    model = load_own_classifier(write(EXPORT, **{"m.pt2": exported()}), trusting)
    with pytest.raises(ModelError, match=r"cannot take an input of \(1, 1, 5, 3, 4\).*depth"):
        model.score(torch.zeros(1, 1, 5, 3, 4))


def test_torchscript_template(template, trusting):
    model = load_own_classifier(template("torchscript"), trusting)
    assert model.targets[0].unit == "logit"
    assert model.score(torch.rand(2, 1, 20, 30, 40)).shape == (2,)


@runs_exports
def test_export_template_measures_litres(template, trusting):
    model = load_own_classifier(template("torch-export"), trusting)
    x = torch.rand(2, 1, 20, 30, 40)
    litres = model.all_scores(x)
    # Probabilities of three classes sum to 1: two of them to less than the whole volume.
    whole = 20 * 30 * 40 * 3.0 * 3.0 * 6.0 * 1e-6
    assert bool(((litres > 0) & (litres < whole)).all()) and bool((litres[0] > litres[1]).all())
    assert model.score(x[:1, :, :7]).shape == (1,)
