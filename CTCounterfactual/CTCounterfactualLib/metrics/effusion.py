"""How well the effusion demo tells scans apart, and whether its gradient lies on the fluid."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import torch

from ..models.classifier import Classifier
from ..models.classifiers.effusion import LOGIT, POOLING, pool
from ..planting.fluid import draw_fluid, paint_fluid
from ..planting.noise import noise_of
from ..scans.body import find_body
from ..scans.generated import ChestSettings, generate_chest
from ..scans.grid import GridSpec, prepare
from ..scans.hounsfield import IntensityWindow
from ..scans.scan import Scan
from ..training.effusion.distractors import paint_distractors
from ..training.effusion.examples import GENERATED_SPACING_MM, Source, chest_with_effusion, draw_ml

# Masks go through the same resampling as scans: 0..1 stays 0..1.
_MASK_GRID = GridSpec(window=IntensityWindow(0.0, 1.0), antialias=False)
# A decision at even odds.
EVEN_LOGIT = 0.0


@dataclass(frozen=True)
class Case:
    """One volume of a measurement: (K, J, I) in 0..1 on the default grid, and its fluid, 0..1."""

    name: str
    volume: np.ndarray
    fluid: np.ndarray

    @property
    def ml(self) -> float:
        """Pleural fluid, mL."""
        return float(self.fluid.sum(dtype=float)) * GridSpec().voxel_litres * 1e3


@dataclass(frozen=True)
class Separation:
    """How well logits separate scans with fluid from those without.

    Parameters
    ----------
    auc : float
        Area under the receiver operating characteristic; 0.5 is chance.
    with_fluid, without : int
        How many there are of each.
    sensitivity, specificity : float
        At even odds.
    """

    auc: float
    with_fluid: int
    without: int
    sensitivity: float
    specificity: float

    def to_dict(self) -> dict[str, float]:
        """Return plain JSON values."""
        return {name: round(value, 4) for name, value in asdict(self).items()}


@dataclass(frozen=True)
class Pointing:
    """Pointing game: how often the steepest place of the gradient lies on the fluid.

    Parameters
    ----------
    hits, cases : int
        Volumes whose steepest place holds fluid, of all with fluid.
    chance : float
        Hit rate of a place drawn at random within the body, averaged over the same volumes.
    energy : float
        Share of the squared gradient that lies on fluid, averaged.
    """

    hits: int
    cases: int
    chance: float
    energy: float

    def to_dict(self) -> dict[str, float]:
        """Return plain JSON values."""
        return {name: round(value, 4) for name, value in asdict(self).items()}


def auc(positive: np.ndarray, negative: np.ndarray) -> float:
    """Return the chance that a positive scores above a negative; ties count half."""
    above = positive[:, None] > negative[None]
    even = positive[:, None] == negative[None]
    return float((above + 0.5 * even).mean())


def separate(positive: np.ndarray, negative: np.ndarray) -> Separation:
    """Compare logits (N,) of volumes with and without fluid."""
    return Separation(
        auc(positive, negative),
        len(positive),
        len(negative),
        float((positive > EVEN_LOGIT).mean()),
        float((negative <= EVEN_LOGIT).mean()),
    )


def logits(classifier: Classifier, cases: list[Case]) -> np.ndarray:
    """Return the logit of each case, (N,)."""
    with torch.inference_mode():
        return np.array([float(classifier.score(_tensor(c.volume), LOGIT)) for c in cases])


def point(classifier: Classifier, cases: list[Case]) -> Pointing:
    """Play the pointing game on volumes with fluid, at the network's 6 mm.

    Source: Zhang et al., "Top-down Neural Attention by Excitation Backprop", IJCV 2018; here a
    place hits if it holds any fluid, and chance is that of the body (above -500 HU and lung).
    """
    hits, chance, energy = 0, [], []
    for case in cases:
        x = _tensor(case.volume).requires_grad_(True)
        (gradient,) = torch.autograd.grad(classifier.score(x, LOGIT).sum(), x)
        steep = pool(gradient, POOLING)[0, 0].abs().numpy()
        fluid = pool(_tensor(case.fluid), POOLING)[0, 0].numpy()
        wet = fluid > 0
        hits += bool(wet[np.unravel_index(steep.argmax(), steep.shape)])
        chance.append(wet.sum() / max(_body_sites(case), 1))
        energy.append(float((steep**2 * wet).sum() / max((steep**2).sum(), 1e-30)))
    return Pointing(hits, len(cases), float(np.mean(chance)), float(np.mean(energy)))


def paint_cases(
    source: Source, count: int, seed: int, ml: tuple[float, float]
) -> tuple[list[Case], list[Case]]:
    """Return `count` cases with painted fluid on one side, and `count` without.

    Of those without, the first is the scan itself; the others have distractors.
    """
    rng = np.random.default_rng(seed)
    noise, window = noise_of(source.hu), GridSpec().window
    with_fluid, without = [], []
    for number in range(count):
        hu, fluid = source.hu.copy(), np.zeros(source.hu.shape, np.float32)
        space = source.spaces[rng.integers(len(source.spaces))]
        fluid[space.box] = paint_fluid(hu, space, draw_fluid(rng, draw_ml(rng, ml)), noise)
        with_fluid.append(Case(source.name, window.to_unit(hu), fluid))
        hu = source.hu.copy()
        if number:
            paint_distractors(hu, source.spaces, rng, noise)
        without.append(Case(source.name, window.to_unit(hu), np.zeros_like(fluid)))
    return with_fluid, without


def generated_cases(seed: int, ml: tuple[float, float]) -> tuple[Case, Case]:
    """Return the generated chest of this seed with fluid of its own, and without any."""
    wet = chest_with_effusion(seed, ml)
    dry = generate_chest(ChestSettings(spacing=GENERATED_SPACING_MM, seed=seed))
    cases = []
    for chest in (wet, dry):
        image = Scan.from_array(chest.hu, chest.spacing, chest.origin)
        mask = Scan.from_array(
            chest.masks["effusion"].astype(np.float32), chest.spacing, chest.origin
        )
        volume = prepare(image).volume
        fluid = prepare(mask, _MASK_GRID).volume
        cases.append(Case(f"generated-{seed}", volume, fluid))
    return cases[0], cases[1]


def _tensor(volume: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(volume, np.float32))[None, None]  # (1, 1, K, J, I)


def _body_sites(case: Case) -> int:
    """Count the sites of the body with its lungs."""
    body = find_body(GridSpec().window.to_hu(case.volume), GridSpec().spacing)
    return int((pool(_tensor(body), POOLING) > 0.5).sum())
