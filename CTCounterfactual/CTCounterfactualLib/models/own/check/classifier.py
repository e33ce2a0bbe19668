"""Checks of a classifier: what it computes, whether it can be trusted to, and what it costs."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

import torch
from torch import nn

from ....errors import ModelError
from ....scans.grid import PreparedScan
from ...classifier import ClassifierLike
from ...faults import MESSAGE_LENGTH
from ...guarded.borrowed import borrowed
from ...guarded.calling import ordinary_tensors
from ...guarded.classifier import guarded_classifier
from ...targets import Target
from .findings import FAILED, NOTE, OK, WARNING, Finding, Findings
from .gradient import check_gradient

# Scores that ought to be equal: rounding of another order of additions, and more than that.
ROUNDING, SAME = 1e-5, 1e-3
# Targets whose scores are shown.
SHOWN = 20
# Targets that are run one by one, if the model can't give all at once.
RUN_ONE_BY_ONE = 5
# Share of slices without gradient that is more than what lies beside an organ or is left over by
# strides.
MANY_WITHOUT_GRADIENT = 0.5


def check_classifier(
    classifier: ClassifierLike,
    prepared: PreparedScan,
    target: str | None = None,
    device: torch.device | str = "cpu",
    listener: Callable[[Finding], None] | None = None,
) -> list[Finding]:
    """Run all checks; those that make no sense after a failure are left out.

    Parameters
    ----------
    classifier : ClassifierLike
        Any, also a built-in one.
    prepared : PreparedScan
        On its grid.
    target : str, optional
        Default: the first.
    device : torch.device or str
        Where to run.
    listener : callable, optional
        Gets each finding as it comes.

    Raises
    ------
    SettingsError
        If there is no such target.
    """
    with borrowed((classifier,), torch.device(device)), ordinary_tensors(gradient=True):
        return _ClassifierCheck(classifier, prepared, target, device, listener).run()


class _ClassifierCheck:
    def __init__(self, classifier, prepared, target, device, listener):
        self.classifier = classifier = guarded_classifier(classifier)
        self.target: Target = classifier.find_target(target)
        self.ready = classifier.for_scan(prepared)
        # (K, J, I) -> (1, 1, D, H, W)
        self.x = torch.from_numpy(prepared.volume)[None, None].to(device)
        self.findings = Findings(listener)

    def run(self) -> list[Finding]:
        findings = self.findings
        findings.add("input", NOTE, f"generated chest, prepared to {self._size(self.x)} (D, H, W)")
        if not findings.run("score", self._check_score):
            return findings
        findings.run("targets", self._check_targets)
        findings.run("response", self._check_response)
        findings.run("deterministic", self._check_deterministic)
        findings.run("eval mode", self._check_mode)
        findings.run("gradient", self._check_gradient)
        findings.run("batch", self._check_batch)
        findings.run("slices", self._check_slices)
        return findings

    def score(self, x: torch.Tensor) -> torch.Tensor:
        """Return the target's score of one volume, a scalar."""
        return self.ready.score(x, self.target.name)[0]

    def _check_score(self) -> tuple[str, str]:
        started = perf_counter()
        with torch.no_grad():
            scores = self.ready.score(self.x, self.target.name)
            self.first = float(scores[0])
        seconds = perf_counter() - started
        if scores.shape != (1,):
            return FAILED, f"shape {tuple(scores.shape)} for one volume, expected (1,)"
        if not torch.isfinite(scores).all():
            return FAILED, (
                f"{self.target.name} = {self.first}: not finite. Look for NaN in the weights and "
                f"for divisions by 0."
            )
        return OK, f"{self._value(self.target, self.first)}; {seconds:.2g} s on {self.x.device}"

    def _check_targets(self) -> tuple[str, str]:
        targets = self.ready.targets
        with torch.no_grad():
            if hasattr(self.ready, "all_scores"):
                values = self.ready.all_scores(self.x)[:, 0].tolist()
            else:
                targets = targets[:RUN_ONE_BY_ONE]
                values = [float(self.ready.score(self.x, t.name)[0]) for t in targets]
        pairs = list(zip(targets, values, strict=True))
        shown = "; ".join(self._value(*pair) for pair in pairs[:SHOWN])
        more = len(self.ready.targets) - len(pairs[:SHOWN])
        shown += f"; {more} more" if more else ""
        bad = [t.name for t, v in pairs if t.unit == "probability" and not 0 <= v <= 1]
        if bad:
            return FAILED, (
                f"no probability between 0 and 1: {', '.join(bad[:3])}. If the network returns "
                f'logits, say kind = "logit" and an activation. {shown}'
            )
        return NOTE, shown

    def _check_response(self) -> tuple[str, str]:
        with torch.no_grad():
            empty = float(self.score(torch.zeros_like(self.x)))
        if _relative(empty, self.first) < ROUNDING:
            return WARNING, (
                f"a volume of air scores {empty:.4g}, just as the chest. Are intensity and axes in "
                f"the card those of the training?"
            )
        return OK, f"a volume of air scores {empty:.4g}"

    def _check_deterministic(self) -> tuple[str, str]:
        with torch.no_grad():
            again = float(self.score(self.x))
        difference = _relative(again, self.first)
        if difference == 0:
            return OK, "twice the same score"
        if difference <= ROUNDING:
            return WARNING, f"two runs differ by {difference:.1e} (relative), as rounding does"
        return FAILED, (
            f"two runs give {self.first:.6g} and {again:.6g}. Is there dropout outside eval mode "
            f"(F.dropout without training=self.training), or random sampling?"
        )

    def _check_mode(self) -> tuple[str, str]:
        network = getattr(self.ready, "network", None)
        if not isinstance(network, nn.Module):
            return OK, "no network"
        modules = dict(network.named_modules())
        training = [name or "itself" for name, module in modules.items() if module.training]
        if training:
            return FAILED, f"still in training mode after .eval(): {', '.join(training[:3])}"
        free = [
            name
            for name, module in modules.items()
            if isinstance(module, nn.modules.batchnorm._BatchNorm) and module.running_mean is None
        ]
        if free:
            return WARNING, (
                f"batch norm without running statistics ({', '.join(free[:3])}) depends on what "
                f"else is in the batch"
            )
        return OK, f"{len(modules)} modules"

    def _check_gradient(self) -> tuple[str, str]:
        if not self.ready.differentiable:
            return WARNING, (
                "a black box without gradients: for occlusion and responsibility maps, not for "
                "counterfactuals"
            )
        started = perf_counter()
        status, message, gradient = check_gradient(self.score, self.x)
        seconds = perf_counter() - started
        if gradient is None or status == FAILED:
            return status, message
        # (1, 1, D, H, W) -> (D,)
        without = int((gradient.abs().amax(dim=(0, 1, 3, 4)) == 0).sum())
        slices = gradient.shape[2]
        message += (
            f"; {seconds:.2g} s for one backward and the differences; {slices - without} of "
            f"{slices} slices have one"
        )
        if without > MANY_WITHOUT_GRADIENT * slices:
            return WARNING, (
                f"{message}. The others can't change the score: are they cut off by `depth` in the "
                f"card?"
            )
        return status, message

    def _check_batch(self) -> tuple[str, str]:
        mirrored = self.x.flip(-1)
        with torch.no_grad():
            alone = [self.first, float(self.score(mirrored))]
            try:
                both = self.ready.score(torch.cat([self.x, mirrored]), self.target.name).tolist()
            except Exception as error:  # whatever the user's network raises
                return WARNING, (
                    f"takes one volume at a time, which is enough here "
                    f"({' '.join(str(error).split())[:120]})"
                )
        worst = max(_relative(a, b) for a, b in zip(alone, both, strict=True))
        if worst > SAME:
            return FAILED, (
                f"two volumes score {alone[0]:.6g} and {alone[1]:.6g} alone, but {both[0]:.6g} and "
                f"{both[1]:.6g} together. Batch norm in training mode, or a sum over the batch?"
            )
        return OK, "two volumes score the same alone and together"

    def _check_slices(self) -> tuple[str, str]:
        depth = self.x.shape[2]
        odd = depth - 1 if depth % 2 == 0 else max(depth - 2, 1)  # divides by nothing one halves
        self._score_cut(odd)
        try:
            score = self._score_cut(max(depth // 2, 1))
        except ModelError as error:
            return WARNING, f"takes no short scans. {error}"
        return OK, f"{odd} slices fit too; {depth // 2} score {score:.4g}"

    def _score_cut(self, slices: int) -> float:
        """Return the score of the lowest slices; raise `ModelError` that says what to do."""
        cut = self.x[:, :, :slices]
        try:
            with torch.no_grad():
                # Not `ready`: that one is made for the scan as it is.
                return float(self.classifier.score(cut, self.target.name)[0])
        except Exception as error:  # whatever the user's network raises
            words = " ".join(str(error).split())[:MESSAGE_LENGTH]
            raise ModelError(
                f"Cannot take {self._size(cut)}: {words} -- If the network needs a fixed number of "
                f"slices, say `depth` in the card; if sides must divide, `divisible_by`."
            ) from error

    def _value(self, target: Target, value: float) -> str:
        threshold = target.threshold
        side = (
            ""
            if threshold is None
            else (f" ({'above' if value >= threshold else 'below'} {threshold:g})")
        )
        return f"{target.name} = {value:.4g} {target.unit}".rstrip() + side

    @staticmethod
    def _size(x: torch.Tensor) -> str:
        return " x ".join(str(n) for n in x.shape[2:])


def _relative(a: float, b: float) -> float:
    """Return |a - b| relative to the greater of the two, 0 if they are equal."""
    return 0.0 if a == b else abs(a - b) / max(abs(a), abs(b))
