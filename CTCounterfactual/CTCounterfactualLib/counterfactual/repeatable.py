"""Does a model give the same answer twice? Asked at the end of a run, of what its start said.

Dropout that is always on, random sampling, batch norm in training mode or a state that grows from
call to call make every number of an explanation depend on chance. Two answers to the same scan
show it: the first, and another after all the calls of the search.
"""

from __future__ import annotations

import torch

from ..models.classifier import Classifier
from ..models.guarded.autoencoder import GuardedAutoencoder
from ..models.guarded.borrowed import training_modules
from ..models.guarded.classifier import GuardedClassifier
from .gradient import score_volume
from .result import Flag

NAME = "not-reproducible"
# Greatest relative difference of two scores of one scan. GPUs add in another order each time, which
# moves a float32 score by 1e-6 or so, a deep network's by 1e-5; dropout by 1e-2 and more.
SAME_SCORE = 1e-4
# Scorings again, until one differs: a coin tossed in the model shows the same side twice in half of
# all cases, four times in one of eight.
REPEATS = 3
# A smaller difference counts too if it is so much of what the counterfactual does.
SHARE_OF_CHANGE = 0.1
# Greatest difference of two redrawn slices, 0..1: 1 HU of 2000 in the usual window.
SAME_SLICES = 5e-4
# Slices that are redrawn.
SLICES = 4
_ADVICE = (
    "Is there dropout or batch norm in training mode, random sampling, or a state that it keeps "
    "between calls?"
)


def classifier_flags(
    classifier: Classifier, target: str, x: torch.Tensor, first: float, changed: float
) -> tuple[Flag, ...]:
    """Score the scan (D, 1, H, W) again; say if the score or the mode isn't what it was.

    Parameters
    ----------
    first : float
        Score of the scan at the start.
    changed : float
        By how much the counterfactual moves the score.
    """
    if not isinstance(classifier, GuardedClassifier):
        return ()  # one of this project: without chance or state
    for _ in range(REPEATS):
        again = score_volume(classifier, target, x)
        if differs(first, again, changed):
            return (
                Flag(
                    NAME,
                    f"Classifier {classifier.name} scores the same scan {first:.6g} and "
                    f"{again:.6g}: a difference of {abs(again - first):.3g}, while the "
                    f"counterfactual moves the score by {abs(changed):.3g}. {_ADVICE}",
                ),
            )
    return _mode(f"Classifier {classifier.name}", classifier.inner)


def autoencoder_flags(
    autoencoder: GuardedAutoencoder, x: torch.Tensor, decoded: torch.Tensor
) -> tuple[Flag, ...]:
    """Redraw some slices (D, 1, H, W) again; say if they aren't what they were (`decoded`)."""
    if autoencoder.ours:
        return ()
    every = slice(None, None, max(1, round(len(x) / SLICES)))
    with torch.no_grad():
        height, width = x.shape[-2:]
        slices = autoencoder.decode(autoencoder.encode(x[every]), (height, width))
    worst = float((slices.clamp(0, 1) - decoded[every].clamp(0, 1)).abs().max())
    if worst > SAME_SLICES:
        return (
            Flag(
                NAME,
                f"Autoencoder {autoencoder.name} redraws the same slices differently, by up to "
                f"{worst:.3g} of the intensity range. {_ADVICE} Does a slice depend on others in "
                f"the batch?",
            ),
        )
    return _mode(f"Autoencoder {autoencoder.name}", autoencoder.inner)


def differs(first: float, again: float, changed: float) -> bool:
    """Return whether two scores of one scan differ by more than rounding, or too much to tell."""
    difference = abs(first - again)
    if difference > SAME_SCORE * max(abs(first), abs(again)):
        return True
    return changed != 0 and difference > SHARE_OF_CHANGE * abs(changed)


def _mode(who: str, model: object) -> tuple[Flag, ...]:
    """Return a flag if a model puts itself in training mode, though its answers are the same."""
    training = training_modules(model)
    if not training:
        return ()
    return (
        Flag(
            NAME,
            f"{who} is in training mode after it was called ({', '.join(training[:3])}), though it "
            f"was put in eval mode before: its answers depend on chance or on what it saw before. "
            f"Remove train() from its code.",
        ),
    )
