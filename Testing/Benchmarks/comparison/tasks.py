"""The tasks: one volume and one pair of models, for both sides."""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch

from .calibration import calibrate
from .paper import EngineAutoencoder, PaperSide, paper_classifier, paper_vqgan
from .sizes import CostSize, SearchSize

WEIGHT_SEED, VOLUME_SEED = 21, 22
TARGETS, TARGET = 8, 3
# Standard deviations in slices and pixels of the random volume: smooth enough to look like tissue.
SMOOTHNESS = (1.0, 2.0, 2.0)
# As in the paper's code, (y + 2) / 4: its output affine.
PAPER_SCALE, PAPER_SHIFT = 0.25, 0.5


@dataclass
class Task:
    """Models and volume of one task.

    Parameters
    ----------
    name : str
        For the table.
    prepared, autoencoder, classifier, target
        What the engine's `Run` takes.
    paper : PaperSide
        The same for the paper's code.
    """

    name: str
    prepared: object
    autoencoder: object
    classifier: object
    target: str
    paper: PaperSide

    @property
    def slices(self) -> int:
        """Number of slices (D)."""
        return self.prepared.slices


def cost_task(
    size: CostSize, search: type, device: torch.device, dtype: torch.dtype = torch.float32
) -> Task:
    """Random weights of the published kind, calibrated; the same on both sides."""
    from oracle_problems import fill
    from published_problems import fill_batch_normed

    autoencoder, classifier = engine_models(size)
    vqgan_state = _single(fill(autoencoder.network.state_dict(), WEIGHT_SEED))
    autoencoder.network.load_state_dict(vqgan_state)
    resnet_state = _single(fill_batch_normed(classifier.network.state_dict(), WEIGHT_SEED))
    classifier.network.load_state_dict(resnet_state)
    autoencoder.to(device)
    classifier.network.to(device)
    prepared = random_volume(size, classifier.grid)
    calibrate(autoencoder, classifier, TARGET, prepared.volume, device)
    state = {key: value.cpu() for key, value in classifier.network.state_dict().items()}
    prepared = replace(prepared, volume=torch.from_numpy(prepared.volume).to(dtype).numpy())
    autoencoder.to(dtype)
    classifier.network.to(dtype)
    paper = _paper_side(search, size, torch.from_numpy(prepared.volume), vqgan_state, state, device)
    gc.collect()
    return Task(
        "published kind, random weights",
        prepared,
        autoencoder,
        classifier,
        classifier.targets[TARGET].name,
        paper,
    )


def meta_task(size: CostSize, search: type, slices: int | None = None) -> Task:
    """The same without numbers: on meta tensors, for counting."""
    size = size if slices is None else replace(size, slices=slices)
    with torch.device("meta"):
        autoencoder, classifier = engine_models(size)
    prepared = random_volume(size, classifier.grid)
    volume = torch.empty(prepared.volume.shape, device="meta")
    paper = _paper_side(search, size, volume, None, None, torch.device("meta"))
    return Task(
        "published size", prepared, autoencoder, classifier, classifier.targets[TARGET].name, paper
    )


def engine_models(size: CostSize):
    """Return the engine's autoencoder and classifier, weights as constructed.

    The paper's networks see planes with I first: `transpose` says so to the autoencoder, and the
    phecode classifier knows.
    """
    from CTCounterfactualLib.models.autoencoder import Affine, SliceAutoencoder
    from CTCounterfactualLib.models.classifier import Target
    from CTCounterfactualLib.models.classifiers.inflated_resnet import InflatedResNet
    from CTCounterfactualLib.models.classifiers.phecodes import Phecodes
    from CTCounterfactualLib.models.vqgan.config import VQGANConfig
    from CTCounterfactualLib.models.vqgan.network import VQGAN

    network = VQGAN(VQGANConfig.from_dict(size.config))
    autoencoder = SliceAutoencoder(
        network, from_network=Affine(PAPER_SCALE, PAPER_SHIFT), transpose=True
    )
    targets = tuple(Target(f"target {n}", "probability") for n in range(TARGETS))
    return autoencoder, Phecodes(InflatedResNet(size.blocks, TARGETS), targets)


def random_volume(size: CostSize, grid):
    """Return a smooth random volume as a prepared scan, with a scan on the very same grid."""
    from scipy import ndimage

    noise = np.random.default_rng(VOLUME_SEED).standard_normal((size.slices, size.side, size.side))
    smooth = ndimage.gaussian_filter(noise, SMOOTHNESS, mode="wrap")
    volume = (0.5 + 0.15 * smooth / smooth.std()).clip(0, 1).astype(np.float32)
    return on_own_grid(volume, grid)


def on_own_grid(volume: np.ndarray, grid):
    """Return a `PreparedScan` of a volume (K, J, I), 0..1, whose scan lies on the same grid."""
    from CTCounterfactualLib.scans.grid import PreparedScan
    from CTCounterfactualLib.scans.scan import Scan

    everywhere = np.ones(volume.shape, bool)
    bare = PreparedScan(volume, everywhere, grid, None, (0.0, 0.0, 0.0))
    image = bare.as_image(np.rint(grid.window.to_hu(volume)).astype(np.int16))
    return replace(bare, scan=Scan(image, name="random"))


def _paper_side(search, size, volume, vqgan_state, resnet_state, device) -> PaperSide:
    """Return the paper's code around the same weights; `volume` is (K, J, I), its (I, J, K)."""
    with device:
        autoencoder = paper_vqgan(size.config, vqgan_state).to(device, volume.dtype)
        network = paper_classifier(size.blocks, TARGETS, resnet_state).to(device, volume.dtype)
    x = volume.permute(2, 1, 0)[None, None].to(device)  # -> (1, 1, H = I, W = J, D = K)
    return PaperSide(search, autoencoder, lambda x: network(x)[1], True, x, TARGET)


def _single(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {k: v.float() if v.is_floating_point() else v for k, v in state.items()}


def search_task(
    size: SearchSize,
    search: type,
    device: torch.device,
    scan=None,
    dtype: torch.dtype = torch.float32,
) -> Task:
    """The embedded models on a chest: `scan`, or a generated one; its middle `size.slices`."""
    from CTCounterfactualLib import load_autoencoder, load_classifier
    from CTCounterfactualLib.scans.generated import ChestSettings, generate_chest
    from CTCounterfactualLib.scans.grid import prepare
    from CTCounterfactualLib.scans.scan import Scan

    if scan is None:
        settings = ChestSettings(spacing=size.spacing)
        settings = replace(settings, size=(*settings.voxels()[:2], size.slices))
        chest = generate_chest(settings)
        scan = Scan.from_array(chest.hu, chest.spacing, chest.origin, name="generated chest")
    autoencoder = load_autoencoder("ct-vqgan-small").to(device, dtype)
    classifier = load_classifier("lung-volume")
    grid = replace(classifier.grid, spacing=size.spacing, crop=size.crop)
    classifier.grid = grid
    prepared = prepare(scan, grid)
    ready = classifier.for_scan(prepared)
    ready.grid = grid
    prepared = replace(prepared, volume=torch.from_numpy(prepared.volume).to(dtype).numpy())
    x = torch.from_numpy(prepared.volume).permute(1, 2, 0)[None, None].to(device)  # (1,1,H,W,D)
    target = ready.targets[0].name
    paper = PaperSide(
        search, EngineAutoencoder(autoencoder), _as_papers(ready, target), False, x, 0
    )
    return Task(f"embedded models, {scan.name}", prepared, autoencoder, ready, target, paper)


def _as_papers(classifier, target: str) -> Callable[[torch.Tensor], torch.Tensor]:
    """Return a classifier as the paper's search wants one: (1, 1, H, W, D) -> (1, 1)."""
    return lambda x: classifier.score(x.permute(0, 1, 4, 2, 3), target)[:, None]
