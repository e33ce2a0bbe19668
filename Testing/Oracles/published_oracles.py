"""Run lungmask, the paper's wrappers and its MONAI chain on `published_problems`.

Called by `make_fixtures.py`; the engine isn't imported here.
"""

from __future__ import annotations

import hashlib
import importlib.util
import sys
import tempfile
import types
from pathlib import Path

import numpy as np
import torch

import published_problems as problems
from oracle_problems import FIXTURES, fill
from paper_chain import as_tensor, prepared, run_grids

WEIGHT_SEED, INPUT_SEED = problems.WEIGHT_SEED, problems.INPUT_SEED


def write_published(fixtures: Path = FIXTURES) -> None:
    """Write one .npz per published network and wrapper."""
    stand_in()
    for name, run in (
        ("unet", run_unet),
        ("inflated_resnet", run_inflated_resnet),
        ("lung_size", run_lung_size),
        ("phecodes", run_phecodes),
        ("paper_autoencoder", run_paper_autoencoder),
        ("paper_grid", run_grids),
    ):
        np.savez_compressed(fixtures / f"{name}.npz", **run())


def stand_in() -> None:
    """Put empty modules where the paper's code wants libraries that play no part in it."""
    latentshift = types.ModuleType("latentshift")
    latentshift.utils = types.SimpleNamespace(get_cache_folder=lambda: "")
    sys.modules["latentshift"] = latentshift
    for name in ("torchxrayvision", "skimage"):
        sys.modules[name] = types.ModuleType(name)
    # torchvision of the package index is built for CUDA; without it two operators are undeclared.
    library = torch.library.Library("torchvision", "DEF")
    library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    stand_in.kept = library  # its operators live as long as it does


def keys_and_shapes(state: dict[str, torch.Tensor]) -> np.ndarray:
    """Return `key (shape)` of every entry, sorted."""
    return np.array([f"{key} {tuple(value.shape)}" for key, value in sorted(state.items())])


def run_unet() -> dict[str, np.ndarray]:
    """Return both lungs' log-probabilities and a vector-Jacobian product of the U-Net.

    lungmask's own and the paper's copy of it give the same.
    """
    from ct_counterfactuals.classifiers.lungmask.resunet import UNet as PaperUNet

    results = []
    for kind in (lungmask_unet(), PaperUNet):
        network = r231(kind)
        state = network.state_dict()
        network.load_state_dict(problems.fill_batch_normed(state, WEIGHT_SEED))
        x = (2 * problems.uniform(INPUT_SEED, 1, 1, *problems.UNET_SIZE) - 0.5).requires_grad_(True)
        output = network(x)
        cotangent = problems.normal(INPUT_SEED, *output.shape)
        (gradient,) = torch.autograd.grad(output, x, cotangent)
        results.append(
            {
                "keys": keys_and_shapes(state),
                "lungs": output[:, 1:].detach().numpy(),
                "gradient": gradient.numpy(),
            }
        )
    lungmask, paper = results
    assert all(np.array_equal(lungmask[name], paper[name]) for name in lungmask)
    return lungmask


def lungmask_unet() -> type:
    """Load the U-Net's file alone: the package's __init__ wants command-line libraries."""
    (package,) = importlib.util.find_spec("lungmask").submodule_search_locations
    spec = importlib.util.spec_from_file_location("resunet", Path(package) / "resunet.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.UNet


def r231(kind) -> torch.nn.Module:
    """Return a U-Net of the sizes that the published R231 file has."""
    return (
        kind(
            n_classes=3, padding=True, depth=5, up_mode="upsample", batch_norm=True, residual=False
        )
        .double()
        .eval()
    )


def inflated(blocks: tuple[int, ...], targets: int) -> torch.nn.Module:
    """Return the paper's I3ResNet of so many bottlenecks a stage."""
    from ct_counterfactuals.classifiers.phecode.i3res import I3ResNet
    from torchvision.models.resnet import Bottleneck, ResNet

    return I3ResNet(ResNet(Bottleneck, list(blocks)), class_nb=targets, conv_class=True)


def run_inflated_resnet() -> dict[str, np.ndarray]:
    """Return the full network's keys, and a small one's logits and input gradient."""
    with torch.device("meta"):
        full = inflated((3, 8, 36, 3), 1692)
    network = inflated(problems.RESNET_BLOCKS, problems.RESNET_TARGETS).double().eval()
    network.load_state_dict(problems.fill_batch_normed(network.state_dict(), WEIGHT_SEED))
    x = problems.uniform(INPUT_SEED, *problems.RESNET_INPUT).requires_grad_(True)
    contrastive, logits = network(x.permute(0, 1, 3, 4, 2))  # (N, 1, D, H, W) -> (N, 1, H, W, D)
    assert contrastive.shape[1] == 512
    cotangent = problems.normal(INPUT_SEED, *logits.shape)
    (gradient,) = torch.autograd.grad(logits, x, cotangent)
    return {
        "keys": keys_and_shapes(full.state_dict()),
        "parameters": np.array(sum(p.numel() for p in full.parameters())),
        "logits": logits.detach().numpy(),
        "gradient": gradient.numpy(),
    }


def paper_lung_size(dtype: torch.dtype) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return the paper's lung sum of a scan, from the file on, its volume, and the gradient."""
    from ct_counterfactuals.classifiers.lungmask import LungMaskSegmenter

    with tempfile.TemporaryDirectory() as folder:
        state = problems.fill_batch_normed(r231(lungmask_unet()).state_dict(), WEIGHT_SEED)
        single = {k: v.float() if v.is_floating_point() else v for k, v in state.items()}
        torch.save(single, Path(folder) / "lungmask-unet_r231-d5d2fc3d.pth")
        model = LungMaskSegmenter(cache_dir=folder).to(dtype)
        x = as_tensor(prepared("lung_size", Path(folder))).to(dtype).requires_grad_(True)
    # 1: right lung, 2: left lung. Summed in float64: float32 would round the sum of so many.
    total = model(x)[:, 1:].sum(dtype=torch.float64)
    (gradient,) = torch.autograd.grad(total, x)
    return total.detach()[None], x.detach(), gradient


def paper_phecodes(dtype: torch.dtype) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, str]:
    """Return the paper's probabilities, the volume, one's gradient, and the targets' digest."""
    import torchvision
    from ct_counterfactuals.classifiers.phecode import PheCodeClassifier
    from torchvision.models.resnet import Bottleneck, ResNet

    small = ResNet(Bottleneck, list(problems.PHECODE_BLOCKS))
    torchvision.models.resnet152 = lambda pretrained: small
    with tempfile.TemporaryDirectory() as folder:
        state = inflated(problems.PHECODE_BLOCKS, 1692).state_dict()
        weights = "i3_resnet_best_clip_04-02-2024_23-21-36_epoch_99.pt"
        torch.save(problems.fill_batch_normed(state, WEIGHT_SEED), Path(folder) / weights)
        model = PheCodeClassifier(cache_dir=folder).to(dtype)
        x = as_tensor(prepared("phecodes", Path(folder))).to(dtype).requires_grad_(True)
    scores = model(x)[0]
    (gradient,) = torch.autograd.grad(scores[problems.PHECODES[1]], x)
    digest = _digest(model.csv["phecode"], model.targets)
    return scores[list(problems.PHECODES)].detach(), x.detach(), gradient, digest


def run_lung_size() -> dict[str, np.ndarray]:
    """Return the paper's lung sum of a scan and its gradient (D, H, W), thinned out."""
    total, x, gradient = paper_lung_size(torch.float64)
    return {"scores": total.numpy(), **_kept("lung_size", x, gradient)}


def run_phecodes() -> dict[str, np.ndarray]:
    """Return the paper's probabilities of a scan, a gradient (D, H, W) and the targets' digest."""
    scores, x, gradient, digest = paper_phecodes(torch.float64)
    return {
        "scores": scores.numpy(),
        **_kept("phecodes", x, gradient),
        "targets": np.array(digest),
    }


def _kept(name: str, x: torch.Tensor, gradient: torch.Tensor) -> dict[str, np.ndarray]:
    """Return volume and gradient (1, 1, H, W, D) as (D, H, W), thinned out."""
    kept = problems.KEPT[name]
    return {
        "volume": x[0, 0].permute(2, 0, 1)[kept].numpy().astype(np.float32),
        "gradient": gradient[0, 0].permute(2, 0, 1)[kept].numpy(),
    }


def _digest(codes, names) -> str:
    """Return the SHA-256 of all codes and names, in the order of the outputs."""
    rows = "\n".join(f"{code}\t{name}" for code, name in zip(codes, names, strict=True))
    return hashlib.sha256(rows.encode()).hexdigest()


def run_paper_autoencoder() -> dict[str, np.ndarray]:
    """Return the paper's encode and decode of slices, from a checkpoint and its yaml on."""
    from ct_counterfactuals.ae import VQGAN
    from omegaconf import OmegaConf
    from taming.models.vqgan import VQModel

    params = {"ddconfig": problems.WRAPPER_CONFIG, **problems.WRAPPER_CODES}
    state = VQModel(lossconfig=None, **params).state_dict()
    with tempfile.TemporaryDirectory() as folder:
        checkpoint, yaml = Path(folder) / "x.ckpt", Path(folder) / "x.yaml"
        single = {key: value.float() for key, value in fill(state, WEIGHT_SEED).items()}
        torch.save({"state_dict": single}, checkpoint)
        OmegaConf.save({"model": {"params": {**params, "lossconfig": None}}}, yaml)
        model = (
            VQGAN(
                ckpt_path=checkpoint, yaml_path=yaml, resize=problems.NETWORK_SIZE, rotate_flip=True
            )
            .double()
            .eval()
        )
    side = problems.SLICE_SIZE
    x = problems.uniform(INPUT_SEED, problems.SLICE_COUNT, 1, side, side)
    z = model.encode(x).detach()
    shifted = (z + 0.3 * problems.normal(INPUT_SEED, *z.shape)).requires_grad_(True)
    decoded = model.decode(shifted)
    (vjp,) = torch.autograd.grad(decoded, shifted, problems.normal(INPUT_SEED, *decoded.shape))
    return {
        "latents": z.numpy(),
        "reconstruction": model.decode(z).detach().numpy(),
        "decoded_shifted": decoded.detach().numpy(),
        "vjp": vjp.numpy(),
    }
