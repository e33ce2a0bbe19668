"""The ways to replace a spot, and the score of the scan then."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace

import numpy as np
import torch

from ...counterfactual.gradient import as_slices, finite
from ...counterfactual.result import ModelInfo
from ..counterfactual_run import Begun, begun_run
from ..method import Request
from .answer import COUNTERFACTUAL, MIRROR, SURROUNDINGS
from .mirror import MirrorPlane, mirrored
from .place import Spot, inpainted

# A spot may be moved by this multiple of the first-order step to the change limit of the scan:
# where there is evidence, searches reach that limit within 0.6 to 10 (`workspace.FARTHEST`).
REACH = 10.0
# A score, or None and why there is none.
Scored = tuple[float | None, str]


class Ways:
    """Replaces spots in all ways that there are, and scores each.

    Parameters
    ----------
    request : Request
        Whose classifier scores.
    allowed : numpy.ndarray
        (K, J, I), 0..1: where the scan may change.
    plane : MirrorPlane or None
        Of the body.
    begun : Begun or None
        A counterfactual run; None of a black box.

    Attributes
    ----------
    kinds : tuple of str
        Of `answer`.
    autoencoder : ModelInfo or None
        That of the run.
    """

    def __init__(
        self,
        request: Request,
        allowed: np.ndarray,
        plane: MirrorPlane | None,
        begun: Begun | None,
    ):
        self._request, self._allowed, self._plane, self._begun = request, allowed, plane, begun
        self._volume = request.prepared.volume
        self._rescorer = request.classifier.rescorer(request.x, request.target.name)
        self.kinds = (*((COUNTERFACTUAL,) if begun else ()), SURROUNDINGS, MIRROR)
        self.autoencoder: ModelInfo | None = begun.autoencoder if begun else None

    def scores(self, spot: Spot) -> dict[str, Scored]:
        """Return the score with a spot replaced in each way."""
        spec = self._request.prepared.spec
        radius = self._request.options.radius_mm
        found: dict[str, Scored] = {}
        if self._begun is not None:
            found[COUNTERFACTUAL] = self._counterfactual(self._begun, spot)
        around = inpainted(self._volume, spot, radius, spec.spacing)
        found[SURROUNDINGS] = self._score(spot, around), ""
        if self._plane is None:
            found[MIRROR] = None, "the scan shows no body"
            return found
        other, reason = mirrored(self._volume, self._allowed, spot, self._plane)
        found[MIRROR] = (None if other is None else self._score(spot, other)), reason
        return found

    def _counterfactual(self, begun: Begun, spot: Spot) -> Scored:
        """Search in the spot alone, as far as a search of all of the scan may go."""
        weight = spot.on_grid(self._allowed.shape)
        reach = REACH * begun.run.workspace.first_step(0, self._request.prepared.slices)
        found, _, _ = begun.run.within(weight, reach).search_moving()
        return found.point.score, ""

    def _score(self, spot: Spot, shown: np.ndarray) -> float:
        """Return the score with a spot's box shown otherwise, as far as its weight says."""
        k, j, i = spot.box
        changed = self._volume[k].copy()
        here = changed[:, j, i]
        here += spot.weight * (shown - here)
        with torch.inference_mode():
            slices = as_slices(changed, self._request.device)
            return finite(self._rescorer(slices, k.start), self._request.classifier)


@contextmanager
def replacing(request: Request, allowed: np.ndarray, plane: MirrorPlane | None) -> Iterator[Ways]:
    """Make the ways to replace a request's spots; the models are on its device meanwhile."""
    if not request.classifier.differentiable:
        with nullcontext():
            yield Ways(request, allowed, plane, None)
        return
    # A spot is small enough to change anywhere in it.
    anywhere = replace(request, settings=replace(request.settings, focus="none"))
    with begun_run(anywhere) as begun:
        yield Ways(request, allowed, plane, begun)
