"""Write `fixtures/` by running the published implementations; see README.md for the environment.

Run from any folder: ``python make_fixtures.py``. The engine isn't imported here.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import importlib.util
import io
import json
import re
import sys
import types
from pathlib import Path

import numpy as np
import torch

from oracle_problems import (
    FIXTURES,
    HEATMAP_STRIDE,
    SHIFT_CASES,
    SLICES,
    VQGAN_CASES,
    fill,
    shift_problem,
    vqgan_inputs,
)
from published_oracles import write_published

PACKAGES = (
    "taming-transformers-rom1504",
    "latentshift",
    "lungmask",
    "ct_counterfactuals",
    "monai",
    "torchvision",
    "nibabel",
    "SimpleITK",
    "torch",
    "numpy",
)
WEIGHT_SEED, INPUT_SEED = 1, 2


def main() -> None:
    """Write all fixtures, and the versions of the packages that made them."""
    torch.set_num_threads(1)  # sums in one order
    FIXTURES.mkdir(exist_ok=True)
    vqmodel = import_vqmodel()
    for name, (config, size) in VQGAN_CASES.items():
        arrays = run_vqmodel(vqmodel, config, size)
        np.savez_compressed(FIXTURES / f"vqgan_{name}.npz", **arrays)
    cases = {name: run_latent_shift(name) for name in SHIFT_CASES}
    _write("latent_shift.json", cases)
    write_published(FIXTURES)  # last: it puts a stand-in where `latentshift` was
    _write("versions.json", {name: importlib.metadata.version(name) for name in PACKAGES})


def run_vqmodel(vqmodel, config: dict, size: tuple[int, int]) -> dict[str, np.ndarray]:
    """Return state-dict keys and all outputs of taming-transformers' VQModel, in float64."""
    full = {"in_channels": 1, "out_ch": 1, "double_z": False, "dropout": 0.0, **config}
    ddconfig = {k: v for k, v in full.items() if k not in ("embed_dim", "n_embed")}
    with contextlib.redirect_stdout(io.StringIO()):
        model = vqmodel(ddconfig, None, full["n_embed"], full["embed_dim"]).double().eval()
    state = model.state_dict()
    model.load_state_dict(fill(state, WEIGHT_SEED))
    inputs = vqgan_inputs(config, size, INPUT_SEED)
    with torch.no_grad():
        continuous = model.quant_conv(model.encoder(inputs["slices"]))
        quantised, _, (_, _, indices) = model.encode(inputs["slices"])
        decoded = model.decode(quantised)
    shifted = (quantised + inputs["shift"]).detach().requires_grad_(True)
    decoded_shifted = model.decode(shifted)
    (vjp,) = torch.autograd.grad(decoded_shifted, shifted, grad_outputs=inputs["cotangent"])
    keys = [f"{key} {tuple(value.shape)}" for key, value in sorted(state.items())]
    n, _, height, width = quantised.shape
    return {
        "keys": np.array(keys),
        "continuous": continuous.numpy(),
        "indices": indices.reshape(n, height, width).numpy(),  # (N*h*w,) -> (N, h, w)
        "quantised": quantised.numpy(),
        "decoded": decoded.numpy(),
        "decoded_shifted": decoded_shifted.detach().numpy(),
        "vjp": vjp.numpy(),
    }


def run_latent_shift(name: str) -> dict:
    """Return what `latentshift`'s search visits, keeps and sweeps in one case."""
    autoencoder, classifier, slices, max_change = shift_problem(name)
    adapter = _WholeVolume(autoencoder)
    attribute = _import_latent_shift()(lambda x: classifier(x)[:, None], adapter)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        (result,) = attribute.attribute(
            slices.transpose(0, 1)[None],  # (D, 1, H, W) -> (1, 1, D, H, W)
            target=0,
            apply_sigmoid=False,
            verbose=True,
            return_dicts=True,
            search_max_pixel_diff_pct=max_change,
        )
    # The search returns only where it ended; what it visited stands in its log, one line a step.
    steps = re.findall(r"Shift: (\S+), Pred: (\S+), pixel_diff: (\S+),", printed.getvalue())
    start = autoencoder.decode(autoencoder.encode(slices))
    return {
        "lambdas": [float(lam) for lam, _, _ in steps],
        "scores": [float(score) for _, score, _ in steps],
        "changes": [float(change) / float(start.abs().sum()) for _, _, change in steps],
        "kept": float(result["lambdas"][0]),
        "sweep_lambdas": result["lambdas"].tolist(),
        "sweep_scores": result["preds"],
        "heatmap": result["heatmap"][0, :, ::HEATMAP_STRIDE, ::HEATMAP_STRIDE].ravel().tolist(),
        "least_and_most": [float(start.min()), float(start.max())],
    }


class _WholeVolume:
    """Let `latentshift` see a volume as one example: (1, 1, D, H, W) <-> (D, C, h, w)."""

    def __init__(self, autoencoder):
        self.autoencoder = autoencoder

    def encode(self, x: torch.Tensor) -> torch.Tensor:
        assert x.shape[2] == SLICES
        return self.autoencoder.encode(x[0].transpose(0, 1))  # (1, D, H, W) -> (D, 1, H, W)

    def decode(self, z: torch.Tensor) -> torch.Tensor:
        return self.autoencoder.decode(z).transpose(0, 1)[None]  # -> (1, 1, D, H, W)


def import_vqmodel():
    """Import VQModel without its training half (Lightning, LPIPS, config files)."""
    lightning = types.ModuleType("pytorch_lightning")
    lightning.LightningModule = torch.nn.Module
    training = types.ModuleType("taming.main")
    training.instantiate_from_config = lambda config: torch.nn.Module()
    sys.modules |= {"pytorch_lightning": lightning, "taming.main": training}
    from taming.models.vqgan import VQModel

    return VQModel


def _import_latent_shift():
    """Load the search's file alone: the package's __init__ wants video and detection libraries."""
    package = importlib.util.find_spec("latentshift").submodule_search_locations[0]
    path = Path(package) / "cf" / "latent_shift.py"
    spec = importlib.util.spec_from_file_location("latent_shift", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.LatentShift


def _write(name: str, values: dict) -> None:
    (FIXTURES / name).write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
