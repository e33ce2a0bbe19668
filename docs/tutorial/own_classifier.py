# %% [markdown]
# # Explain your own classifier in 20 lines
#
# You have a PyTorch network that gives a 3D CT a score. What would a scan have to look like for
# the score to change? This page explains such a network on a chest CT that is generated on the
# spot; nothing is downloaded, and it takes less than a minute on two cores.
#
# It runs as a script (`python docs/tutorial/own_classifier.py`) and as a notebook, with `pip
# install '.[all]'` in a checkout.

# %% [markdown]
# ## 1. A network
# In place of yours: a small one that finds pleural fluid, trained for some seconds on one
# generated chest, whose fluid is known. It knows nothing of this library.

# %%
import torch
from torch import nn
from torch.nn import functional as F

from CTCounterfactualLib import ChestSettings, Scan, generate_chest, prepare

torch.manual_seed(0)
network = nn.Sequential(
    nn.AvgPool3d((1, 4, 4)),
    nn.Conv3d(1, 8, 3, padding=1),
    nn.ReLU(),
    *(
        layer
        for reach in (1, 2, 4)
        for layer in (
            nn.Conv3d(8, 8, 3, padding=(1, reach, reach), dilation=(1, reach, reach)),
            nn.ReLU(),
        )
    ),
    nn.Conv3d(8, 1, 1),
)


def make_chest(seed: int, effusion_ml: float):
    """Return a slab of a generated chest, 1.5 x 1.5 x 3 mm, as a scan, and where its fluid is."""
    settings = ChestSettings(size=(256, 224, 6), seed=seed, effusion_ml=effusion_ml)
    chest = generate_chest(settings)
    name = f"chest with {effusion_ml:.0f} mL of fluid"
    scan = Scan.from_array(chest.hu, chest.spacing, chest.origin, name=name)
    return scan, chest.masks["effusion"]


# %% [markdown]
# ## 2. Say what it takes and what it gives
# This is all that the library has to know: the grid that scans are resampled to (here 1.5 x 1.5 x
# 3 mm and -1000..1000 HU as 0..1, the default), the names and units of the scores, and a `score`
# that is differentiable in `x`.

# %%
from CTCounterfactualLib import Classifier, GridSpec, Target


class PleuralFluid(Classifier):
    """Pleural fluid in mL, by the network above."""

    name = "my-fluid"
    description = "Pleural fluid, by a network of my own"
    grid = GridSpec()
    targets = (Target("pleural fluid", unit="mL"),)

    def score(self, x, target=None):
        """Return one score a volume: (N, 1, D, H, W) in 0..1 -> (N,)."""
        ml_a_voxel = 4 * 4 * self.grid.voxel_litres * 1000  # the network sees 4 x 4 pixels as one
        return torch.sigmoid(network(x)).sum((1, 2, 3, 4)) * ml_a_voxel


classifier = PleuralFluid()

# %% [markdown]
# Scans lie in the file as they please; `prepare` turns and resamples one to the classifier's grid,
# with axes (K, J, I) that grow to Superior, Anterior and Right. Train on what it returns, and
# there's no doubt about orientation later.

# %%
scan, fluid = make_chest(seed=1, effusion_ml=900)
prepared = prepare(scan, classifier.grid)
x = torch.from_numpy(prepared.volume)[None, None]  # (1, 1, K, J, I), 0..1
# LPS -> RAS turns the two axes in plane around.
truth = torch.from_numpy(fluid[:, ::-1, ::-1].copy()).float()[None, None]
truth = F.avg_pool3d(truth, (1, 4, 4))
optimizer = torch.optim.Adam(network.parameters(), lr=0.02)
for _ in range(60):
    optimizer.zero_grad()
    loss = F.binary_cross_entropy_with_logits(network(x), truth)
    loss.backward()
    optimizer.step()
network.eval().requires_grad_(False)
true_ml = float(truth.sum()) * 16 * classifier.grid.voxel_litres * 1000
print(f"fluid: {true_ml:.0f} mL; by the network: {classifier.score(x).item():.0f} mL")

# %% [markdown]
# ## 3. Explain it
# On a patient that it wasn't trained on. `mode="both"` moves all slices together, and then each
# slab alone, which tells where the evidence is.

# %%
from CTCounterfactualLib import explain, write_result

patient, _ = make_chest(seed=2, effusion_ml=900)
result = explain(patient, classifier, mode="both", chunk=3, frames=0)
print(f"scan {result.scores.original:.0f} mL, counterfactual {result.scores.counterfactual:.0f} mL")
print(f"flags: {[flag.name for flag in result.flags]}")
for one in result.chunks:
    print(f"slab at S {one.slab_mm[0]:.0f} mm changed alone: {one.score_after:.0f} mL")
folder = write_result(result, "own-classifier-result", force=True, scene=False, with_scan=True)
print(f"Look at {folder / 'figure.png'}")

# %% tags=["active-ipynb"]
# from IPython.display import Image
#
# Image(str(folder / "figure.png"))

# %% [markdown]
# Left the scan, in the middle the counterfactual, right the change in HU: blue where the network
# has to see less for its score to fall. If the change lies where the fluid is, the network looks
# there. The flags tell when an explanation deserves less trust: for instance when the autoencoder
# alone, without any change, already moves the score.
#
# ## Next
# * **Your network in Slicer and on the command line**: a
#   [card](../../CTCounterfactual/Resources/Templates/README.md) beside its file takes the place of
#   the class; `ct-counterfactual check-model` tries it out.
# * **Faster chunks**: `rescorer` scores a volume again when only some slices have changed.
# * **Only inside a mask**: `explain(..., region=read_region("lung.nrrd"))`.
