"""The paper's side: its autoencoder, its classifier, and its search, chunk by chunk."""

from __future__ import annotations

import contextlib
import io
import re
import sys
import tempfile
import types
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import torch

from .devices import synchronize

# Lambda, prediction, sum |x0 - x|, and the sum at which the change is too great.
STEP_LINE = re.compile(r"Shift: (\S+), Pred: (\S+), pixel_diff: (\S+), sum\*diff_pct: (\S+)")


def import_paper() -> None:
    """Make the paper's packages importable without what only training and reading files needs."""
    if "ct_counterfactuals" in sys.modules:
        return
    from make_fixtures import import_vqmodel
    from published_oracles import stand_in

    import_vqmodel()
    try:
        import torchvision  # noqa: F401

        _stand_in_for_libraries()
    except RuntimeError:  # built for CUDA beside a torch that isn't: operators to declare
        for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
            del sys.modules[name]
        stand_in()
    sys.modules["ct_counterfactuals.datasets"] = types.ModuleType("datasets")  # MONAI's readers


def _stand_in_for_libraries() -> None:
    for name in ("latentshift", "torchxrayvision", "skimage"):
        sys.modules[name] = types.ModuleType(name)


def load_search() -> type:
    """Return the paper's `LatentShift`; to be called before `import_paper`."""
    from make_fixtures import _import_latent_shift

    return _import_latent_shift()


def paper_vqgan(config: dict, state: dict[str, torch.Tensor] | None) -> torch.nn.Module:
    """Return the paper's VQ-GAN wrapper from a checkpoint and a yaml, as its users load it.

    Parameters
    ----------
    config : dict
        In the words of taming-transformers, with `embed_dim` and `n_embed`.
    state : dict or None
        Weights; None leaves those of the construction.
    """
    from ct_counterfactuals.ae import VQGAN
    from omegaconf import OmegaConf

    outer = {name: config[name] for name in ("embed_dim", "n_embed")}
    inner = {name: value for name, value in config.items() if name not in outer}
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        checkpoint, yaml = Path(folder) / "x.ckpt", Path(folder) / "x.yaml"
        OmegaConf.save(
            {"model": {"params": {"ddconfig": inner, **outer, "lossconfig": None}}}, yaml
        )
        if state is not None:
            torch.save({"state_dict": state}, checkpoint)
        model = VQGAN(
            ckpt_path=None if state is None else checkpoint, yaml_path=yaml, rotate_flip=False
        )
    return model.eval()


def paper_classifier(
    blocks: tuple[int, ...], targets: int, state: dict[str, torch.Tensor] | None
) -> torch.nn.Module:
    """Return the paper's inflated ResNet; None leaves the weights of the construction."""
    from published_oracles import inflated

    network = inflated(blocks, targets)
    if state is not None:
        network.load_state_dict(state)
    return network.eval()


class EngineAutoencoder:
    """This engine's autoencoder, which the paper's search takes as any other; nothing is cut."""

    def __init__(self, autoencoder):
        self.autoencoder = autoencoder

    def encode(self, x: torch.Tensor) -> torch.Tensor:
        """Return latents (N, C, h, w) of slices (N, 1, H, W), 0..1."""
        self.size = tuple(x.shape[-2:])
        return self.autoencoder.encode(x)

    def decode(self, z: torch.Tensor) -> torch.Tensor:
        """Return slices (N, 1, H, W), beyond 0..1 where the decoder draws so."""
        return self.autoencoder.decode(z, self.size)


@dataclass(frozen=True)
class PaperChunk:
    """What the paper's search did with one chunk.

    Parameters
    ----------
    start, stop : int
        Slices [start, stop).
    path : tuple of (lambda, prediction)
        Every evaluation in order; the last one is kept.
    seconds : float
        Wall time, encoding and gradient included.
    changes : tuple of float
        Fraction of the volume changed at each evaluation.
    """

    start: int
    stop: int
    path: tuple[tuple[float, float], ...]
    seconds: float
    changes: tuple[float, ...] = ()

    @property
    def lowest(self) -> float:
        """The prediction that the paper reports: the lowest seen."""
        return min(score for _, score in self.path)


class PaperSide:
    """The paper's search over chunks of one volume.

    Parameters
    ----------
    search : type
        `LatentShift`.
    autoencoder
        With `encode` and `decode` of slices.
    forward : callable
        (1, 1, H, W, D) -> (1, targets).
    apply_sigmoid : bool
        Whether `forward` gives logits.
    volume : torch.Tensor
        (1, 1, H, W, D), 0..1, on the device.
    target : int
        Which of the outputs.
    """

    def __init__(
        self,
        search: type,
        autoencoder,
        forward: Callable,
        apply_sigmoid: bool,
        volume: torch.Tensor,
        target: int,
    ):
        self.search = search
        self.autoencoder = autoencoder
        self.forward = forward
        self.apply_sigmoid = apply_sigmoid
        self.volume = volume
        self.target = target

    @property
    def slices(self) -> int:
        """Number of slices (D)."""
        return self.volume.shape[-1]

    def run(self, start: int, stop: int, max_change: float) -> PaperChunk:
        """Search one chunk with the paper's settings; a sweep of nothing but its cached ends."""
        printed = io.StringIO()
        started = perf_counter()
        with contextlib.redirect_stdout(printed):
            self._attribute(start, stop, search_max_pixel_diff_pct=max_change, verbose=True)
        synchronize(self.volume.device)
        seconds = perf_counter() - started
        # The search returns only where it ended; what it visited stands in its log.
        steps = [tuple(map(float, step)) for step in STEP_LINE.findall(printed.getvalue())]
        path = tuple((lam, prediction) for lam, prediction, _, _ in steps)
        changes = tuple(max_change * moved / limit for _, _, moved, limit in steps)
        return PaperChunk(start, stop, path, seconds, changes)

    def heatmap(self, start: int, stop: int, lam: float, steps: int):
        """Return the paper's heatmap of a sweep from `lam` to 0: (H, W, D), NumPy."""
        (found,) = self._attribute(
            start, stop, fix_range=(lam, 0), lambda_sweep_steps=steps, verbose=False
        )
        return found["heatmap"][0]

    def evaluate(self, start: int, stop: int, evaluations: int) -> None:
        """Gradient and so many evaluations (2 or more, one at lambda = 0) without the stop rules.

        For counting on meta tensors, which have no predictions to stop at.
        """
        self._attribute(
            start, stop, fix_range=(-1.0, 0), lambda_sweep_steps=evaluations, verbose=False
        )

    def _attribute(self, start: int, stop: int, lambda_sweep_steps: int = 2, **options) -> list:
        from ct_counterfactuals.ae import SliceAEFull

        sliced = SliceAEFull(self.autoencoder, start, stop)
        return self.search(self.forward, sliced).attribute(
            self.volume,
            self.target,
            apply_sigmoid=self.apply_sigmoid,
            return_dicts=True,
            lambda_sweep_steps=lambda_sweep_steps,
            **options,
        )
