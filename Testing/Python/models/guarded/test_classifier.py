"""Classifiers of others: their input is a copy, their scores are checked, their faults named."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from CTCounterfactualLib.errors import ModelError, ScanError, SettingsError
from CTCounterfactualLib.models.catalogue import load_classifier
from CTCounterfactualLib.models.classifier import Classifier, Target, WholeRescorer
from CTCounterfactualLib.models.classifiers.lung_volume import LungVolume
from CTCounterfactualLib.models.guarded.classifier import GuardedClassifier, guarded_classifier
from CTCounterfactualLib.scans.grid import GridSpec, PreparedScan

X = torch.linspace(0, 1, 60).reshape(1, 1, 3, 4, 5)


class Duck:
    """Has the interface and nothing else; no base class of the project's."""

    grid = GridSpec()
    targets = (Target("mean"), Target("chance", "probability"))

    def __init__(self, function=lambda x: x.mean(dim=(1, 2, 3, 4))):
        self.function = function
        self.asked = []

    def score(self, x, target=None):
        self.asked.append(target)
        return self.function(x)


class InPlace(Classifier):
    """Normalises its input in place, in every method that gets one."""

    name, description = "in place", ""
    grid, targets = GridSpec(), (Target("mean"),)

    def score(self, x, target=None):
        x -= 0.5
        x *= 2
        return x.mean(dim=(1, 2, 3, 4))

    def for_scan(self, prepared):
        prepared.volume[:] = 7
        return self


class OwnRescorer(InPlace):
    """Spoils what its rescorer is given, too."""

    def rescorer(self, x, target=None):
        x.zero_()

        def rescore(changed, start):
            changed += 1
            return float(changed.sum())

        return rescore


def guard(function=None) -> GuardedClassifier:
    return guarded_classifier(Duck() if function is None else Duck(function))


def prepared():
    volume = X[0, 0].numpy().copy()
    return PreparedScan(volume, np.ones(volume.shape, bool), GridSpec(), None, (0.0, 0.0, 0.0))


def test_any_object_with_the_interface_will_do():
    duck = Duck()
    assert load_classifier(duck) is duck
    guarded = guarded_classifier(duck)
    assert (guarded.name, guarded.description, guarded.sha256) == ("Duck", "", "")
    assert guarded.differentiable and guarded.warnings() == ()
    assert guarded.for_scan(prepared()) is guarded
    assert float(guarded.score(X, "chance")) == pytest.approx(0.5)
    assert duck.asked == ["chance"]
    assert guarded.find_target("CHANCE") is Duck.targets[1]
    with pytest.raises(SettingsError, match="Classifier Duck has no target 'x'"):
        guarded.find_target("x")


def test_ours_are_called_without_a_copy_but_not_their_subclasses():
    class Mine(LungVolume):
        pass

    ours = LungVolume()
    assert guarded_classifier(ours) is ours
    assert isinstance(guarded_classifier(Mine()), GuardedClassifier)
    guarded = guard()
    assert guarded_classifier(guarded) is guarded


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (42, "A int is no classifier; expected a name of the catalogue"),
        (nn.Linear(2, 1), "A Linear is no classifier.*by a card"),
        (Duck, "The class Duck was given as a classifier; make an object of it: Duck"),
        (SimpleNamespace(score=len, targets=Duck.targets), "`grid` of classifier SimpleNamespace"),
        (
            SimpleNamespace(score=len, grid=GridSpec()),
            "`targets` of classifier SimpleNamespace are",
        ),
        (SimpleNamespace(score=len, grid=GridSpec(), targets=()), "`targets`.*a tuple of 0"),
        (SimpleNamespace(score=len, grid=GridSpec(), targets=["mean"]), "`targets`.*a list of 1"),
    ],
)
def test_what_is_no_classifier_is_told_what_is_missing(model, words):
    with pytest.raises(ModelError, match=words):
        load_classifier(model)
    with pytest.raises(ModelError, match=words):
        guarded_classifier(model)


@pytest.mark.parametrize("mode", [torch.enable_grad, torch.no_grad, torch.inference_mode])
def test_what_a_model_writes_into_its_input_stays_its_own(mode):
    guarded = guarded_classifier(InPlace())
    with mode():
        x = X.clone()
        assert float(guarded.score(x)) == pytest.approx(0.0, abs=1e-6)
        rescore = guarded.rescorer(x)
        assert isinstance(rescore, WholeRescorer)
        changed = torch.ones(1, 1, 4, 5)
        expected = float((torch.cat([X[:, :, :2], torch.ones(1, 1, 1, 4, 5)], 2) - 0.5).mean() * 2)
        for _ in range(2):
            assert rescore(changed, 2) == pytest.approx(expected, abs=1e-6)
    assert torch.equal(x, X) and bool((changed == 1).all())


def test_a_gradient_is_taken_through_a_model_that_works_in_place():
    x = X.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(guarded_classifier(InPlace()).score(x).sum(), x)
    assert torch.allclose(gradient, torch.full_like(X, 2 / 60))


def test_rescorer_and_for_scan_get_copies_too():
    scan = prepared()
    guarded = guarded_classifier(OwnRescorer())
    assert guarded.for_scan(scan) is guarded
    assert np.array_equal(scan.volume, X[0, 0].numpy())
    with torch.inference_mode():
        x, changed = X.clone(), torch.ones(1, 1, 4, 5)
        assert guarded.rescorer(x)(changed, 1) == 40.0
    assert torch.equal(x, X) and bool((changed == 1).all())


def test_what_it_keeps_while_it_scores_can_be_differentiated_later():
    """Tensors made in inference mode could not."""

    class Lazy(Duck):
        def score(self, x, target=None):
            if not hasattr(self, "weights"):
                self.weights = torch.ones_like(x)
            return (x * self.weights).square().mean(dim=(1, 2, 3, 4))

    guarded = guarded_classifier(Lazy())
    with torch.inference_mode():
        guarded.score(X.clone())
    x = X.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(guarded.score(x).sum(), x)
    assert torch.allclose(gradient, 2 * X / 60)


def volume_mean(x):
    return x.mean(dim=(1, 2, 3, 4))


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda x: 0.5, "returned a float; expected one score a volume"),
        (lambda x: volume_mean(x).numpy(), "returned a ndarray of shape"),
        (lambda x: (volume_mean(x),), "returned a tuple of 1"),
        (lambda x: {"out": x}, "returned a dict with 'out'"),
        (lambda x: x.mean(), r"shape \(\) for 1 volume\(s\); expected \(1,\)"),
        (lambda x: volume_mean(x)[:, None], r"shape \(1, 1\) for 1 volume\(s\)"),
        (lambda x: x.flatten(1).argmax(1), "numbers of type int64.*argmax have no gradient"),
        (lambda x: volume_mean(x) > 0.1, "numbers of type bool"),
        (lambda x: nn.Linear(7, 1)(x), "Duck cannot take an input of.*mat1 and mat2"),
        (lambda x: volume_mean(x).nothing, "Duck fails on an input of.*Mend its code"),
        (lambda x: exit(3), "Classifier Duck ends the program"),
    ],
)
def test_scores_of_another_kind_are_named(function, words):
    with pytest.raises(ModelError, match=words), torch.no_grad():
        guard(function).score(X)


def no_grad(x):
    with torch.no_grad():
        return volume_mean(x)


def inference(x):
    with torch.inference_mode():
        return volume_mean(x)


@pytest.mark.parametrize(
    "function",
    [
        no_grad,
        inference,
        lambda x: volume_mean(x.detach()),
        lambda x: volume_mean(torch.from_numpy(x.detach().numpy())),
        lambda x: volume_mean((255 * x).to(torch.uint8).float()),
        lambda x: x.flatten(1).argmax(1).float(),
        lambda x: (volume_mean(x) > 0.1).float(),
    ],
)
def test_a_missing_gradient_is_said_as_check_model_says_it(function):
    guarded = guard(function)
    with torch.no_grad():
        guarded.score(X)  # scores it has
    with pytest.raises(ModelError, match="Classifier Duck: the score doesn't depend on the"):
        guarded.score(X.clone().requires_grad_())


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_scores_become_float32(dtype):
    score = guard(lambda x: volume_mean(x).to(dtype)).score(X)
    assert score.dtype == torch.float32 and float(score) == pytest.approx(0.5)


@pytest.mark.parametrize(("value", "fits"), [(-0.1, False), (1.2, False), (1.0005, True)])
def test_a_probability_beyond_0_and_1_is_refused(value, fits):
    guarded = guard(lambda x: volume_mean(0 * x) + value)
    x = X.clone().requires_grad_()
    assert float(guarded.score(x, "mean").detach()) == pytest.approx(value)
    if fits:
        guarded.score(x, "chance")
        return
    with pytest.raises(ModelError, match=r"for chance\. That is no probability between 0 and 1"):
        guarded.score(x, "chance")


def test_errors_of_for_scan_are_told_and_scan_errors_pass():
    class Fails(Duck):
        def for_scan(self, prepared):
            raise self.error

    duck = Fails()
    duck.error = ScanError("no liver in sight")
    with pytest.raises(ScanError, match="no liver in sight"):
        guarded_classifier(duck).for_scan(prepared())
    duck.error = KeyError("liver")
    with pytest.raises(ModelError, match="Classifier Fails fails on for_scan"):
        guarded_classifier(duck).for_scan(prepared())


def test_warnings_are_pairs_or_refused():
    class Warns(Duck):
        def warnings(self):
            return self.said

    duck = Warns()
    duck.said = [("blurred", "It was blurred.")]
    assert guarded_classifier(duck).warnings() == (("blurred", "It was blurred."),)
    duck.said = ["blurred"]
    with pytest.raises(ModelError, match=r"must return pairs \(name, message\)"):
        guarded_classifier(duck).warnings()
