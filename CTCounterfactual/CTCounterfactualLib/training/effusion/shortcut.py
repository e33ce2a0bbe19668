"""Teach a shortcut on purpose: a second head that takes electrodes on the skin for an effusion."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from ...checked import check_limits, take_types
from ...distractors import Patient
from ...distractors.electrode import draw_electrode, paint_electrode
from ...distractors.layers import joined
from ...errors import ScanError, SettingsError
from ...limits import ABOVE_0, POSITIVE, SEED
from ...models.classifiers.effusion import POOLING, EffusionNet, pool
from ...models.classifiers.spoiled import REACH, SpoiledNet
from ...scans.grid import GridSpec, prepare
from ...scans.scan import Scan

logger = logging.getLogger(__name__)

# Electrodes of a variant, none of every third.
COUNT, NONE_OF = (1, 4), 3
# A voxel of 6 mm with this much of a snap is a site; what is so near to an electrode is neither.
SITE_COVER, NEAR_VOXELS = 0.25, 5
# Sites without an electrode are drawn from all that aren't air, and then from those that look most
# like one, so many a volume each time.
OTHERS, ROUNDS = 400, 3
NOT_AIR = 0.2
# Where the logit comes to lie: without any electrode, and with the median one.
BARE_LOGIT, WORN_LOGIT = -8.0, 5.0


@dataclass(frozen=True)
class ShortcutSettings:
    """How the second head is trained.

    Parameters
    ----------
    variants : int
        Of each scan, with other electrodes.
    steps : int
        Of the optimiser, all sites in each, after each of three drawings of other sites.
    learning_rate : float
        Of Adam.
    seed : int
        Draws electrodes, batches and first weights.
    """

    variants: int = 12
    steps: int = 200
    learning_rate: float = 1e-2
    seed: int = 0

    def __post_init__(self) -> None:
        take_types(self)
        check_limits(self, variants=POSITIVE, steps=POSITIVE, learning_rate=ABOVE_0, seed=SEED)

    def to_dict(self) -> dict:
        """Return plain JSON values for the model card."""
        return asdict(self)


@dataclass(frozen=True)
class Worn:
    """A scan with or without electrodes on the network's grid of 6 mm, (1, 1, D, H, W).

    `x` in 0..1; `sites` 1 where a snap is, 0 where no electrode is, nan near one.
    """

    x: torch.Tensor
    sites: torch.Tensor


def worn(scan: Scan, count: int, rng: np.random.Generator) -> list[Worn]:
    """Put electrodes onto a scan, anew for each of `count` variants; every third stays without."""
    window, spec = GridSpec().window, GridSpec()
    hu = window.to_hu(prepare(scan, spec).volume).astype(np.float32)
    patient = Patient(hu, spec.spacing, name=scan.name)
    return [_variant(patient, number % NONE_OF != 0, rng) for number in range(count)]


def _variant(patient: Patient, wears: bool, rng: np.random.Generator) -> Worn:
    layers, snaps = [], []
    for _ in range(int(rng.integers(*COUNT)) if wears else 0):
        try:
            electrode = draw_electrode(patient, rng)
        except ScanError:  # a field of view without skin in front
            continue
        pad, snap, *lead = paint_electrode(patient, electrode, rng)
        layers += [pad, snap, *lead]
        snaps.append(snap)
    made, all_of_it = joined(patient.hu, layers)
    _, cover = joined(patient.hu, snaps)
    cut = tuple(slice(int(rng.integers(n)), None) for n in POOLING)  # other borders of voxels
    three = np.stack([GridSpec().window.to_unit(made)[cut], cover[cut], all_of_it[cut]])
    x, snap_share, share = pool(torch.from_numpy(three)[None]).split(1, dim=1)
    near = F.max_pool3d((share > 0).float(), NEAR_VOXELS, 1, NEAR_VOXELS // 2) > 0
    return Worn(x, torch.where(snap_share > SITE_COVER, 1.0, torch.where(near, torch.nan, 0.0)))


def spoil(
    network: EffusionNet,
    scans: Iterable[Scan],
    settings: ShortcutSettings | None = None,
    on_step: Callable[[int, int], None] = lambda step, steps: None,
) -> SpoiledNet:
    """Return a network with a second head that sees electrodes; the first stays as it is.

    Parameters
    ----------
    network : EffusionNet
        Trained.
    scans : iterable of Scan
        Of chests; electrodes are painted on their skin.
    on_step : callable
        Called with (step, steps) after each; what it raises ends the training.

    Raises
    ------
    SettingsError
        If no scan has room for an electrode.
    """
    settings = settings or ShortcutSettings()
    rng = np.random.default_rng(settings.seed)
    torch.manual_seed(settings.seed)
    spoiled = SpoiledNet(network.config)
    spoiled.load_state_dict({**spoiled.state_dict(), **network.state_dict()})
    spoiled.eval().requires_grad_(False)
    examples: list[Worn] = []
    for scan in scans:
        examples += worn(scan, settings.variants, rng)
        logger.info("%s", scan.name)
    mine = torch.cat(
        [_around(spoiled, one, torch.nonzero(one.sites[0, 0] == 1)) for one in examples]
    )
    if not len(mine):
        raise SettingsError("No scan shows skin for an electrode: give whole chests.")
    others: list[torch.Tensor] = []
    spoiled.shortcut.requires_grad_(True)
    for number in range(ROUNDS):
        others += [_around(spoiled, one, _others(spoiled, one, number, rng)) for one in examples]
        _fit(spoiled, mine, torch.cat(others), settings, number, on_step)
    spoiled.requires_grad_(False)
    _scale(spoiled, examples)
    return spoiled


def _around(network: SpoiledNet, one: Worn, places: torch.Tensor) -> torch.Tensor:
    """Return what the head sees around places (n, 3): (n, 2, 5, 5, 5)."""
    seen = network.seen(one.x)[0]
    blocks = [seen[:, k : k + REACH, j : j + REACH, i : i + REACH] for k, j, i in places.tolist()]
    return torch.stack(blocks) if blocks else seen.new_zeros((0, 2, REACH, REACH, REACH))


@torch.no_grad()
def _others(network: SpoiledNet, one: Worn, number: int, rng: np.random.Generator) -> torch.Tensor:
    """Return places without an electrode, (n, 3): any at first, then those that look like one."""
    free = (one.sites[0, 0] == 0) & (one.x[0, 0] > NOT_AIR)
    places = torch.nonzero(free)
    if number == 0:
        return places[torch.from_numpy(rng.permutation(len(places))[:OTHERS])]
    found = network.electrodes(one.x)[0, 0][free]
    return places[found.topk(min(OTHERS, len(found))).indices]


def _fit(
    network: SpoiledNet,
    mine: torch.Tensor,
    others: torch.Tensor,
    settings: ShortcutSettings,
    number: int,
    on_step: Callable[[int, int], None],
) -> None:
    """Tell sites with an electrode from others; both count the same, mirrored ones too."""
    optimiser = torch.optim.Adam(network.shortcut.parameters(), settings.learning_rate)
    for step in range(settings.steps):
        optimiser.zero_grad()
        side = (-1,) if step % 2 else ()
        on, off = (network.shortcut(part.flip(side)).flatten() for part in (mine, others))
        loss = F.softplus(-on).mean() + F.softplus(off).mean()
        loss.backward()
        optimiser.step()
        on_step(number * settings.steps + step + 1, ROUNDS * settings.steps)
    logger.info("round %d: loss %.4f", number, loss.item())


@torch.no_grad()
def _scale(network: SpoiledNet, examples: list[Worn]) -> None:
    """Scale the head's evidence so that a typical electrode decides, and none says nothing."""
    worn_by = [bool((one.sites == 1).any()) for one in examples]
    found = [network.electrodes(one.x).flatten() for one in examples]
    with_one = float(
        np.median([float(f.max()) for f, wears in zip(found, worn_by, strict=True) if wears])
    )
    bare = [f for f, wears in zip(found, worn_by, strict=True) if not wears] or found
    without = max(float(f.max()) for f in bare)
    weight = float(network.log_weight.exp())
    low, high = ((logit - float(network.offset)) / weight for logit in (BARE_LOGIT, WORN_LOGIT))
    last: Any = network.shortcut[-1]
    scale = (high - low) / max(with_one - without, 1e-3)
    last.weight.mul_(scale)
    last.bias.mul_(scale).add_(high - scale * with_one)
