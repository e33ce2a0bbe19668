"""The engine's side: a `Run` on a task, timed and counted."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING

import torch

from .counting import Calls
from .devices import synchronize

if TYPE_CHECKING:
    from .tasks import Task

CHUNK = 10
MAX_CHANGE = 0.05
# As the paper's code: chunk by chunk, from the reconstruction, by the change of the whole volume.
LIKE_PAPER = dict(
    mode="chunks",
    chunk=CHUNK,
    baseline="reconstruction",
    change_scope="volume",
    max_change=MAX_CHANGE,
    frames=0,
)
KINDS = {
    "reference": dict(LIKE_PAPER, search="reference"),
    "adaptive": dict(LIKE_PAPER, search="adaptive"),
    "default": dict(mode="chunks", chunk=CHUNK, frames=0),
}


@dataclass(frozen=True)
class EngineRun:
    """One run over all chunks.

    Parameters
    ----------
    chunks : tuple of Outcome
        With path, kept score, evaluations.
    seconds : float
        Wall time of everything, encoding included.
    calls : Calls
        Of the networks.
    run : Run
        The engine's own, with its workspace.
    """

    chunks: tuple
    seconds: float
    calls: Calls
    run: object = None


def run_engine(task: Task, kind: str, device: torch.device) -> EngineRun:
    """Run the engine on a task: `reference`, `adaptive`, or `default` as a user runs it."""
    from CTCounterfactualLib.counterfactual.encoded import Models
    from CTCounterfactualLib.counterfactual.evidence import collect_evidence
    from CTCounterfactualLib.counterfactual.run import Run
    from CTCounterfactualLib.counterfactual.settings import ExplainSettings
    from CTCounterfactualLib.events import Reporter

    calls = Calls(task.autoencoder, getattr(task.classifier, "network", None))
    with calls:
        synchronize(device)
        started = perf_counter()
        models = Models(task.autoencoder, task.classifier, task.target, device)
        settings, volume = ExplainSettings(**KINDS[kind]), task.prepared.volume
        run = Run.begin(models, settings, volume, Reporter(None, None))
        evidence = collect_evidence(run, task.prepared)
        synchronize(device)
        seconds = perf_counter() - started
    return EngineRun(evidence.chunks, seconds, calls, run)


def seconds_of_parts(task: Task, run: EngineRun, device: torch.device) -> float:
    """Return what the steps of a run must take, each timed alone.

    encode all + decode all + one classifier forward and backward + the decoder's vector-Jacobian
    products of all slices + evaluations * (decode a chunk + score again), in the batches that the
    run chose. The evaluation at lambda = 0 is known from the start and costs nothing.
    """
    x = torch.from_numpy(task.prepared.volume)[:, None].to(device)  # (D, 1, H, W)
    size, usual = tuple(x.shape[-2:]), run.calls.usual_batch
    autoencoder, classifier = task.autoencoder, task.classifier
    encode, decode = usual("encode", False), usual("decode", False)
    with torch.inference_mode():
        seconds, latents = _timed(lambda: _in_batches(autoencoder.encode, x, encode), device)
        taken, decoded = _timed(
            lambda: _in_batches(lambda z: autoencoder.decode(z, size), latents, decode), device
        )
        seconds += taken
    latents, decoded = latents.clone(), decoded.clone()  # out of inference mode
    volume = decoded.transpose(0, 1)[None]  # (D, 1, H, W) -> (1, 1, D, H, W)

    def classify() -> torch.Tensor:
        given = volume.detach().clone().requires_grad_(True)
        return torch.autograd.grad(classifier.score(given, task.target)[0], given)[0]

    taken, gradient = _timed(classify, device)
    seconds += taken
    cotangents = gradient[0].transpose(0, 1)  # (1, D, H, W) -> (D, 1, H, W)
    batch = usual("decode", True)

    def pull_back() -> None:
        for part, cotangent in zip(latents.split(batch), cotangents.split(batch), strict=True):
            if cotangent.any():  # as the engine: what the classifier doesn't see needs no gradient
                z = part.detach().clone().requires_grad_(True)
                torch.autograd.grad(autoencoder.decode(z, size), z, cotangent)

    seconds += _timed(pull_back, device)[0]
    return seconds + _evaluations(task, run, latents, volume, decode, size, device)


def _evaluations(task, run, latents, volume, batch, size, device) -> float:
    """Return the seconds of all evaluations, from one chunk's decoding and scoring."""
    with torch.inference_mode():
        rescore = task.classifier.rescorer(volume, task.target)

        def evaluate(chunk) -> float:
            part = latents[chunk.start : chunk.stop]
            return rescore(
                _in_batches(lambda z: task.autoencoder.decode(z, size), part, batch), chunk.start
            )

        middle = run.chunks[len(run.chunks) // 2]
        each = _timed(lambda: evaluate(middle), device)[0]
    return each * sum(chunk.evaluations - 1 for chunk in run.chunks)


def _in_batches(function, tensor: torch.Tensor, batch: int) -> torch.Tensor:
    return torch.cat([function(part) for part in tensor.split(batch)])


def _timed(function, device: torch.device, repeats: int = 3) -> tuple[float, object]:
    """Return the median seconds of a call, and its last result."""
    taken = []
    for _ in range(repeats):
        synchronize(device)
        started = perf_counter()
        result = function()
        synchronize(device)
        taken.append(perf_counter() - started)
    return sorted(taken)[repeats // 2], result
