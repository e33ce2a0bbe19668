"""Latent Shift as one method among others: its values are the change that it makes.

`counterfactual.engine.explain` does the work and knows far more; as a method it can be laid next to
others and measured like them.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from .method import COUNTERFACTUAL, Found, Method, Needs, Request

if TYPE_CHECKING:
    from ..counterfactual.result import Explanation


def run(request: Request) -> Found:
    """Explain by a counterfactual and return its change on the prepared grid, 0..1 intensities."""
    explanation = counterfactual_of(request)
    spec = request.prepared.spec
    change = change_on_prepared(request, explanation) / spec.window.hu_per_unit
    wanted = -1 if request.settings.direction == "decrease" else 1
    return Found(
        wanted * change,
        facts={"scores": asdict(explanation.scores)},
        flags=explanation.flags,
        autoencoder=explanation.autoencoder,
    )


def counterfactual_of(request: Request) -> Explanation:
    """Return the counterfactual of all slices together, as the request's settings ask."""
    from dataclasses import replace

    from ..counterfactual.engine import explain

    settings = replace(request.settings, mode="whole", frames=0)
    return explain(
        request.prepared.scan,
        getattr(request.classifier, "inner", request.classifier),
        request.target.name,
        request.autoencoder,
        settings,
        cancel=request.cancel,
    )


def change_on_prepared(request: Request, explanation: Explanation):
    """Return the change that was written, on the prepared grid: (K, J, I), HU, float32."""
    from ..scans.grid import resample_onto

    prepared = request.prepared
    image = prepared.scan.with_array(explanation.difference)
    return resample_onto(prepared.as_image(prepared.volume), image)


METHOD = Method(
    name="latent-shift",
    description="Counterfactual: moves the scan's latents until the score changes",
    sign="positive: lighter tissue there speaks for the score (the counterfactual that lowers it "
    "darkens it); negative: darker tissue does",
    needs=Needs(gradient=True, autoencoder=True),
    run=run,
    source="Cohen JP, Blankemeier L, Chaudhari A. Explaining 3D Computed Tomography Classifiers "
    "with Counterfactuals.",
    group=COUNTERFACTUAL,
    searches=True,
)
