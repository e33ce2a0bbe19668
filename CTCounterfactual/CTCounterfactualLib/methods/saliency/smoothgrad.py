"""SmoothGrad: the mean gradient of noisy copies of the scan (Smilkov et al. 2017)."""

from __future__ import annotations

from dataclasses import dataclass

from ...limits import ABOVE_0, POSITIVE
from ...setting import setting
from ..method import Found, Method, Needs, Options, Request
from .input_gradient import GRADIENT_SIGN


@dataclass(frozen=True)
class SmoothGradOptions(Options):
    """How many copies, how noisy."""

    samples: int = setting(20, "noisy copies of the scan", "Samples", limit=POSITIVE)
    noise_hu: float = setting(
        100.0, "standard deviation of the noise in HU", "Noise", limit=ABOVE_0, unit="HU"
    )


def run(request: Request) -> Found:
    """Average the gradients at noisy copies, one at a time; the seed is that of the run."""
    from .tools import as_values, captum, scorer, taking_gradients

    options: SmoothGradOptions = request.options
    attr = captum()
    noise = options.noise_hu / request.prepared.spec.hu_per_unit
    with taking_gradients(request):
        found = attr.NoiseTunnel(attr.Saliency(scorer(request))).attribute(
            request.x.clone(),
            nt_type="smoothgrad",
            nt_samples=options.samples,
            nt_samples_batch_size=1,
            stdevs=noise,
            abs=False,
        )
    return Found(as_values(request, found), {"gradients": options.samples})


METHOD = Method(
    name="smoothgrad",
    description="Mean gradient of noisy copies of the scan",
    sign=GRADIENT_SIGN,
    needs=Needs(gradient=True, captum=True),
    run=run,
    options=SmoothGradOptions,
    source="Smilkov D, Thorat N, Kim B, Viegas F, Wattenberg M. SmoothGrad: removing noise by "
    "adding noise. 2017.",
)
