"""Does asking for nothing change nothing?

The first axiom of Monteiro et al., "Measuring axiomatic soundness of counterfactual image models"
(ICLR 2023): a counterfactual for the score that the scan has is the scan.
"""

from __future__ import annotations

import numpy as np
import torch

from ..counterfactual.environment import choose_device
from ..counterfactual.gradient import as_slices, decode_slices, encode_slices
from ..counterfactual.result import Explanation
from ..counterfactual.torch_state import run_state
from ..models.guarded.autoencoder import GuardedAutoencoder
from ..models.guarded.borrowed import borrowed
from .kind import TrustTest
from .subject import Subject
from .verdict import FAIL, PASS, WARN, Limits, Verdict

# Half a HU is rounding; 10 HU and more are seen.
LIMITS = Limits(0.5, 10.0)
SENTENCES = {
    PASS: "Asked for the score that the scan has, the search returns the scan.",
    WARN: "Asked for nothing, the method alters the scan by less than can be seen.",
    FAIL: "Asked for nothing, the method alters the scan visibly: that is in every difference it "
    "shows.",
}


def run(test: TrustTest, subject: Subject, thorough: bool) -> Verdict:
    """Ask for the scan's own score; with the baseline `reconstruction` compare D(E(x)) with x."""
    if not isinstance(subject.result, Explanation):
        return test.not_run("A map changes nothing.")
    if subject.settings.baseline == "scan" and subject.settings.search != "reference":
        again = subject.again(settings={"goal": None, "target_score": subject.original})
        change = again.values
    else:
        change = _redrawn(subject)
    moved = float(np.abs(change)[subject.prepared.body].mean())
    return test.of(moved / subject.prepared.spec.own_per_hu, SENTENCES)


def _redrawn(subject: Subject) -> np.ndarray:
    """Return what lambda = 0 changes, in HU: of the baseline `scan` nothing, by definition."""
    prepared, settings = subject.prepared, subject.settings
    if settings.baseline == "scan":
        return np.zeros_like(prepared.volume)
    assert subject.autoencoder is not None
    device = choose_device(settings.device)
    guarded = GuardedAutoencoder(subject.autoencoder)
    with run_state(settings.seed, device), borrowed((guarded.inner,), device), torch.no_grad():
        x = as_slices(prepared.volume, device)
        size = (x.shape[-2], x.shape[-1])
        latents = encode_slices(guarded, x, subject.reporter)
        decoded = decode_slices(guarded, latents, size, subject.reporter, settings.clipped)
    change = (decoded - x)[:, 0].cpu().numpy()
    return change * prepared.spec.window.hu_per_unit


TEST = TrustTest(
    name="composition",
    description="Does asking for nothing change nothing?",
    measure="mean |change| in the body, HU (of other scans 1/2000 of their range)",
    limits=LIMITS,
    run=run,
    source="Monteiro M et al. Measuring Axiomatic Soundness of Counterfactual Image Models. ICLR "
    "2023.",
)
