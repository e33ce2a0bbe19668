"""How much work a run does, in numbers: slices encoded and decoded, forwards, evaluations.

Not seconds, so that no machine's mood fails it. If a change makes a run do more, this says where.
"""

from __future__ import annotations

import sys
from pathlib import Path
from statistics import median

import numpy as np
import pytest
import torch

from CTCounterfactualLib.counterfactual.encoded import Models
from CTCounterfactualLib.counterfactual.evidence import collect_evidence
from CTCounterfactualLib.counterfactual.run import Run
from CTCounterfactualLib.counterfactual.settings import ExplainSettings
from CTCounterfactualLib.events import Reporter
from CTCounterfactualLib.models.autoencoder import SliceAutoencoder
from CTCounterfactualLib.models.classifier import Classifier, Target
from CTCounterfactualLib.models.vqgan.config import VQGANConfig
from CTCounterfactualLib.models.vqgan.network import VQGAN
from CTCounterfactualLib.scans.grid import GridSpec, PreparedScan
from CTCounterfactualLib.scans.scan import Scan
from oracle_problems import fill

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "Benchmarks"))
from comparison.counting import Calls

# --- What a run may do ----------------------------------------------------------------------------

SLICES, CHUNK = 25, 10
CHUNKS = [(0, 10), (10, 20), (20, 25)]
ENCODED = SLICES  # each slice once
DIFFERENTIATED = SLICES  # one vector-Jacobian product of each slice, which decodes it
GRADIENTS = 1  # one classifier forward and backward for all slices together
PLAIN_SCORES = 1  # scan or reconstruction: the one at which no gradient is taken
# The paper's baseline needs the reconstruction before the gradient; the scan's gets it from the
# vector-Jacobian products.
DECODED_FIRST = {"scan": 0, "reconstruction": SLICES}
# Where a change pays is seen in one decoding; the gradient of what lies there is then taken anew.
FOCUSED = {"none": (0, 0), "auto": (SLICES, SLICES)}
# The adaptive search asks every fifth slice how fast it changes: 0, 5, 10, 15, 20.
RATED = {"adaptive": 5, "reference": 0}
MOST_EVALUATIONS = 6  # of an adaptive search, in the median over chunks


SIZE = (16, 24)
CONFIG = VQGANConfig(
    ch=32,
    ch_mult=(1, 1, 1),
    num_res_blocks=1,
    attn_resolutions=(4,),
    resolution=16,
    z_channels=8,
    embed_dim=8,
    n_embed=32,
)


class Smooth(Classifier):
    """A smooth score of all voxels; counts its forwards and how often it was asked again."""

    name = "smooth"
    description = "for tests"
    grid = GridSpec()
    targets = (Target("score"),)

    def __init__(self):
        rng = np.random.default_rng(3)
        self.weights = torch.from_numpy(rng.standard_normal((SLICES, *SIZE)).astype(np.float32))
        self.with_gradient = self.plain = self.again = 0

    def score(self, x, target=None):
        if torch.is_grad_enabled() and x.requires_grad:
            self.with_gradient += 1
        else:
            self.plain += 1
        return torch.sigmoid(1 + 20 * (self.weights * (x[:, 0] - 0.5)).mean(dim=(1, 2, 3)))

    def rescorer(self, x, target=None):
        whole = super().rescorer(x, target)  # scores the volume each time

        def rescore(changed, start):
            self.again += 1
            return whole(changed, start)

        return rescore


@pytest.fixture(scope="module")
def autoencoder():
    network = VQGAN(CONFIG)
    state = fill(network.state_dict(), 6)
    network.load_state_dict({key: value.float() for key, value in state.items()})
    return SliceAutoencoder(network)


@pytest.fixture(scope="module")
def prepared():
    volume = np.random.default_rng(8).uniform(0.2, 0.8, (SLICES, *SIZE)).astype(np.float32)
    bare = PreparedScan(volume, np.ones(volume.shape, bool), GridSpec(), None, (0.0, 0.0, 0.0))
    image = bare.as_image(GridSpec().window.to_hu(volume).astype(np.int16))
    return PreparedScan(volume, bare.inside, bare.spec, Scan(image), bare.origin)


@pytest.mark.parametrize(
    ("baseline", "focus"),
    [
        ("scan", "none"),
        ("scan", "auto"),
        ("reconstruction", "none"),
    ],
)
@pytest.mark.parametrize("search", ["adaptive", "reference"])
def test_a_run_does_no_more_than_the_mathematics_asks(
    autoencoder, prepared, search, baseline, focus
):
    classifier = Smooth()
    settings = ExplainSettings(
        mode="chunks", chunk=CHUNK, search=search, baseline=baseline, focus=focus, frames=0
    )
    models = Models(autoencoder, classifier, "score", torch.device("cpu"))
    with Calls(autoencoder) as calls:
        run = Run.begin(models, settings, prepared.volume, Reporter(None, None))
        chunks = collect_evidence(run, prepared).chunks

    assert [(chunk.start, chunk.stop) for chunk in chunks] == CHUNKS
    # The evaluation at lambda = 0 is known beforehand; every other decodes its chunk, once.
    steps = [chunk.evaluations - 1 for chunk in chunks]
    searched = sum(n * (stop - start) for n, (start, stop) in zip(steps, CHUNKS, strict=True))
    assert all(n >= 1 for n in steps)
    assert calls.slices("encode") == ENCODED
    looked, again = FOCUSED[focus]
    assert calls.slices("decode", gradient=True) == DIFFERENTIATED + again
    assert calls.slices("decode", gradient=False) == (
        DECODED_FIRST[baseline] + looked + RATED[search] + searched
    )
    assert classifier.with_gradient == GRADIENTS
    assert classifier.again == sum(steps)
    assert classifier.plain == PLAIN_SCORES + sum(steps)
    for chunk in chunks:
        visited = [point.lam for point in chunk.path]
        assert visited[0] == 0 and len(set(visited)) == len(visited)
    if search == "adaptive":
        assert median(chunk.evaluations for chunk in chunks) <= MOST_EVALUATIONS
        assert all(chunk.score_after < chunk.score_before for chunk in chunks)
