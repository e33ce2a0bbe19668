"""Networks from Python files: several files, arguments, weights, and errors with their place."""

import sys

import pytest
import torch
from safetensors.torch import save_file

from CTCounterfactualLib.errors import ModelError
from CTCounterfactualLib.models.own.load import load_own_classifier

from .conftest import CARD

LINEAR = """
import torch
from torch import nn
from .blocks import scaled
class Net(nn.Module):
    def __init__(self, factor):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))
        self.norm = nn.BatchNorm1d(1, affine=False)
        self.factor = factor
    def forward(self, x):
        return scaled(x.mean(dim=(2, 3, 4)) * self.weight, self.factor)
build = Net
"""
BLOCKS = "def scaled(x, factor):\n    return factor * x\n"
SOURCE = 'file = "net.py"\nalso = ["blocks.py"]\narguments = { factor = 10.0 }\nweights = "w.WHICH"'
WEIGHTS = {
    "weight": torch.tensor([3.0]),
    "norm.running_mean": torch.zeros(1),
    "norm.running_var": torch.ones(1),
}


@pytest.mark.parametrize("kind", ["safetensors", "pt"])
def test_files_arguments_and_weights(write, tmp_path, trusting, kind):
    card = CARD.replace('file = "net.py"', SOURCE.replace("WHICH", kind))
    path = write(card, **{"net.py": LINEAR, "blocks.py": BLOCKS})
    if kind == "pt":
        torch.save({"state_dict": WEIGHTS, "epoch": 3}, tmp_path / "w.pt")
    else:
        save_file(WEIGHTS, tmp_path / "w.safetensors")
    model = load_own_classifier(path, trusting)
    assert model.score(torch.full((1, 1, 2, 2, 2), 0.5)).item() == pytest.approx(15.0)
    assert not model.network.training
    assert not any(parameter.requires_grad for parameter in model.network.parameters())
    assert str(tmp_path) not in sys.path and "blocks" not in sys.modules


def test_a_changed_second_file_needs_consent_anew(write, tmp_path, trusting, nobody):
    card = CARD.replace('file = "net.py"', SOURCE.replace("WHICH", "safetensors"))
    files = {"net.py": LINEAR, "blocks.py": BLOCKS}
    path = write(card, **files)
    save_file(WEIGHTS, tmp_path / "w.safetensors")
    before = load_own_classifier(path, trusting).sha256
    with pytest.raises(ModelError, match=r"net.py, blocks.py is code"):
        load_own_classifier(write(card, **{**files, "blocks.py": BLOCKS + "#"}), nobody)
    save_file({**WEIGHTS, "weight": torch.ones(1)}, tmp_path / "w.safetensors")
    assert load_own_classifier(write(card, **files), nobody).sha256 != before


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import nothing_like_this", r"ModuleNotFoundError.*net.py, line 1"),
        ("\ndef build(:", r"SyntaxError.*line 2"),
        ("def build():\n    return 1 / 0", r"build\(\) of net.py failed: ZeroDivision.*line 2"),
        ("def build():\n    raise OSError('weights\\nmissing')", "OSError: weights missing "),
        ("def build():\n    return 3", "returned a int; expected a torch.nn.Module"),
        ("build = 3", "no function or class 'build'"),
        ("from .blocks import x", "ModuleNotFoundError"),
        ("def build(width):\n    pass", "missing 1 required positional argument"),
    ],
)
def test_errors_say_where(write, trusting, code, words):
    with pytest.raises(ModelError, match=words):
        load_own_classifier(write(**{"net.py": code}), trusting)


@pytest.mark.parametrize(
    ("tensors", "words"),
    [
        ({"weight": torch.zeros(2)}, "of another shape"),
        ({"w": torch.zeros(1)}, "missing.*unexpected"),
    ],
)
def test_weights_that_do_not_fit(write, tmp_path, trusting, tensors, words):
    card = CARD.replace('file = "net.py"', SOURCE.replace("WHICH", "safetensors"))
    save_file(tensors, tmp_path / "w.safetensors")
    path = write(card, **{"net.py": LINEAR, "blocks.py": BLOCKS})
    with pytest.raises(ModelError, match=words):
        load_own_classifier(path, trusting)
    whole = (tmp_path / "w.safetensors").read_bytes()
    (tmp_path / "w.safetensors").write_bytes(whole[:-2])
    with pytest.raises(ModelError, match=r"no readable safetensors"):
        load_own_classifier(path, trusting)


def test_a_pickle_in_the_weights_does_not_run(write, tmp_path, trusting):
    class Attack:
        def __reduce__(self):
            return (open, (str(tmp_path / "ran"), "w"))

    card = CARD.replace('file = "net.py"', SOURCE.replace("WHICH", "pt"))
    path = write(card, **{"net.py": LINEAR, "blocks.py": BLOCKS})
    torch.save({"state_dict": WEIGHTS, "callback": Attack()}, tmp_path / "w.pt")
    (tmp_path / "ran").unlink(missing_ok=True)
    assert load_own_classifier(path, trusting).score(torch.ones(1, 1, 1, 1, 1)).item() == 30
    assert not (tmp_path / "ran").exists()


def test_template(template, trusting):
    model = load_own_classifier(template("python", "my_model.py"), trusting)
    x = torch.rand(1, 1, 13, 40, 37, requires_grad=True)
    scores = model.all_scores(x)
    assert scores.shape == (2, 1) and bool(((scores > 0) & (scores < 1)).all())
    assert torch.equal(scores[1], model.score(x, "consolidation"))
    (gradient,) = torch.autograd.grad(scores[0, 0], x)
    assert bool(torch.isfinite(gradient).all()) and float(gradient.norm()) > 0


@pytest.mark.parametrize(
    ("before", "stated", "advised"),
    [
        ("module.", "", "module."),
        ("_orig_mod.", "", "_orig_mod."),
        ("model.module.", "model.", "model.module."),
    ],
)
def test_the_prefix_that_makes_all_names_fit_is_suggested(
    write, tmp_path, trusting, before, stated, advised
):
    torch.save({before + name: tensor for name, tensor in WEIGHTS.items()}, tmp_path / "w.pt")
    source = SOURCE.replace("WHICH", "pt")
    card = CARD.replace('file = "net.py"', f'{source}\nprefix = "{stated}"')
    with pytest.raises(ModelError, match=f'prefix = "{advised}" into the table `source`'):
        load_own_classifier(write(card, **{"net.py": LINEAR, "blocks.py": BLOCKS}), trusting)
    card = card.replace(f'prefix = "{stated}"', f'prefix = "{advised}"')
    load_own_classifier(write(card, **{"net.py": LINEAR, "blocks.py": BLOCKS}), trusting)


def test_weights_of_a_network_with_tagged_parameters_are_read(write, tmp_path, trusting):
    weights = {name: tensor.clone() for name, tensor in WEIGHTS.items()}
    for tensor in weights.values():
        tensor.tag = "frozen"
    torch.save(weights, tmp_path / "w.pt")
    card = CARD.replace('file = "net.py"', SOURCE.replace("WHICH", "pt"))
    load_own_classifier(write(card, **{"net.py": LINEAR, "blocks.py": BLOCKS}), trusting)


@pytest.mark.parametrize(
    "code",
    [
        "raise SystemExit(0)",
        "import sys\ndef build():\n    sys.exit(0)\n",
    ],
)
def test_a_file_that_ends_the_program_is_an_error(write, trusting, code):
    with pytest.raises(ModelError, match=r"SystemExit"):
        load_own_classifier(write(**{"net.py": code}), trusting)
