"""Integrated gradients from a baseline volume to the scan (Sundararajan, Taly, Yan 2017)."""

from __future__ import annotations

from dataclasses import dataclass

from ...counterfactual.result import Flag
from ...limits import Limit
from ...setting import setting
from ..method import Found, Method, Needs, Options, Request
from ..occlusion import AIR, KINDS, check_occlusion

LEAST_STEPS = 2
# The values shall sum up to the difference of the scores to within this share of it.
WORTH_SAYING = 0.05


@dataclass(frozen=True)
class IntegratedGradientsOptions(Options):
    """From where, in how many steps."""

    baseline: str = setting(
        AIR,
        f"volume where the way begins: {', '.join(KINDS)}, a number in HU, or a scan's file",
        "Baseline",
        check=check_occlusion,
    )
    steps: int = setting(
        32, "gradients on the way from the baseline to the scan", "Steps", limit=Limit(LEAST_STEPS)
    )


def run(request: Request) -> Found:
    """Integrate; the values sum up to the score of the scan minus that of the baseline."""
    import torch

    from ..occlusion import chosen_occlusion, occluded
    from .tools import as_values, captum, scorer, taking_gradients

    options: IntegratedGradientsOptions = request.options
    behind = occluded(request, chosen_occlusion(request, options.baseline))
    baseline = torch.from_numpy(behind).to(request.device)[None, None]
    with taking_gradients(request):
        found = (
            captum()
            .IntegratedGradients(scorer(request))
            .attribute(request.x.clone(), baseline, n_steps=options.steps, internal_batch_size=1)
        )
    with torch.no_grad():
        scores = [float(request.score(x.clone())[0]) for x in (request.x, baseline)]
    values = as_values(request, found)
    difference = scores[0] - scores[1]
    missing = difference - float(values.sum(dtype="float64"))
    facts = {
        "score_baseline": scores[1],
        "sum": difference - missing,
        "missing": missing,
        "gradients": options.steps,
    }
    flags = []
    if abs(missing) > WORTH_SAYING * abs(difference):
        flags.append(
            Flag(
                "not-complete",
                f"The values sum up to {difference - missing:.4g}, while the scores of scan and "
                f"baseline differ by {difference:.4g}: take more steps than {options.steps}.",
            )
        )
    return Found(values, facts, tuple(flags))


METHOD = Method(
    name="integrated-gradients",
    description="Gradients on the way from a baseline to the scan, times the difference",
    sign="positive: what differs from the baseline here raises the score; negative: it lowers it "
    "(shares of the score's difference)",
    needs=Needs(gradient=True, captum=True),
    run=run,
    options=IntegratedGradientsOptions,
    source="Sundararajan M, Taly A, Yan Q. Axiomatic Attribution for Deep Networks. ICML 2017.",
    searches=True,
)
