"""FLOPs and memory of both sides by running both codes on meta tensors: any size, any machine.

The very code that computes is run, whole: the paper's `LatentShift.attribute`, the engine's `Run`.
Only numbers are made up (see `modes`): scores and changes of 0.5, at which the reference search
makes one evaluation beyond lambda = 0 and finds too great a change. How many evaluations a chunk
takes is given from outside.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import mean

import torch

from .counting import count_flops
from .engine import CHUNK, run_engine
from .memory import LiveBytes
from .modes import MadeUpValues, RememberedShapes
from .tasks import Task

META = torch.device("meta")
GROWTH_SLICES = 300


@dataclass(frozen=True)
class Work:
    """FLOPs of one side.

    Parameters
    ----------
    fixed : float
        Of everything but the evaluations (the paper's: of a chunk; the engine's: of the run).
    evaluation : float
        Of one evaluation (the paper's), or of one in every chunk (the engine's).
    """

    fixed: float
    evaluation: float


def count_paper(task: Task) -> tuple[Work, int]:
    """Count one of the paper's chunks with two and with three evaluations.

    Returns
    -------
    (Work, int)
        And the peak bytes of its gradient and two evaluations, the one at lambda = 0 among them.
    """
    start = task.slices // 2 // CHUNK * CHUNK

    def evaluate(evaluations: int) -> None:
        task.paper.evaluate(start, start + CHUNK, evaluations)

    two, peak = _count(lambda: evaluate(2))
    three, _ = _count(lambda: evaluate(3))
    return Work(two - 2 * (three - two), three - two), peak


def count_engine(task: Task) -> tuple[Work, int]:
    """Count the engine's reference run with one evaluation in each chunk, and those alone.

    Returns
    -------
    (Work, int)
        And the peak bytes of that run: gradients of all slices, one evaluation of each chunk.
    """
    whole, peak = _count(lambda: run_engine(task, "reference", META))
    height, width = task.prepared.volume.shape[1:]
    size = height, width
    x = torch.empty(1, 1, task.slices, *size, device=META)
    rescorers = []

    def prepare() -> None:
        latents.append(task.autoencoder.encode(x[0].transpose(0, 1)[:CHUNK]))
        rescorers.append(task.classifier.rescorer(x, task.target))

    latents = []
    with torch.inference_mode(), RememberedShapes():
        _answered(prepare)

        def evaluate() -> None:
            for start in range(0, task.slices, CHUNK):
                rescorers[0](task.autoencoder.decode(latents[0], size), start)

        evaluation = count_flops(lambda: _answered(evaluate))
    return Work(whole - evaluation, evaluation), peak


def flops(paper: Work, engine: Work, evaluations: list[float]) -> tuple[float, float]:
    """Return both sides' FLOPs for so many evaluations of each chunk, that at lambda = 0 included.

    The paper's code computes the one at 0, too; the engine has it already.
    """
    theirs = sum(paper.fixed + n * paper.evaluation for n in evaluations)
    return theirs, engine.fixed + mean(n - 1 for n in evaluations) * engine.evaluation


def gradient_peaks(task: Task) -> tuple[int, int]:
    """Return the peak bytes of the engine's latent gradient of 10 and of 300 slices."""
    return _gradient_peak(task, CHUNK), _gradient_peak(task, GROWTH_SLICES)


def _gradient_peak(task: Task, slices: int) -> int:
    """Return the peak of pulling a given image gradient of 300 slices back to some latents.

    The gradient in the image is there before, in both cases: it comes from the classifier, whose
    own forward and backward see the whole volume.
    """
    from CTCounterfactualLib.counterfactual.gradient import latent_gradient

    height, width = task.prepared.volume.shape[1:]
    with torch.inference_mode(), MadeUpValues():
        slice_ = torch.empty(1, 1, height, width, device=META)
        shape = task.autoencoder.encode(slice_).shape[1:]
    image_gradient = torch.empty(GROWTH_SLICES, 1, height, width, device=META)
    latents = torch.empty(GROWTH_SLICES, *shape, device=META)
    live = LiveBytes()
    with RememberedShapes(), live:
        _answered(
            lambda: latent_gradient(task.autoencoder, latents[:slices], image_gradient[:slices])
        )
    return live.peak


def _count(function) -> tuple[int, int]:
    """Return FLOPs and peak bytes of a call on meta tensors."""
    live = LiveBytes()

    def watched() -> None:
        with live:
            _answered(function)

    with RememberedShapes():
        return count_flops(watched), live.peak


def _answered(function) -> None:
    with MadeUpValues():
        function()
