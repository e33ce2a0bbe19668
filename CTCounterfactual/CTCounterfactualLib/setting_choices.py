"""What the settings of an explanation may be: the choices with their names, and the limits.

Used by `setting_table.py`; a new choice goes here, a new setting there.
"""

from __future__ import annotations

import re
from itertools import pairwise


def _(text: str) -> str:
    """Mark a text that the panel shows, so that translators' tools find it."""
    return text


# Beyond this a change would no longer tell which slices it belongs to.
MAX_SMOOTHING = 5.0
# Each frame costs a decoding of the whole volume; an animation looks smooth long before this.
MAX_FRAMES = 60
# Labels are bytes: 0, the levels of decreases, then those of increases.
MAX_LEVELS = 127
# What the panel's controls take at most, where the engine has no limit.
MAX_CHUNK = 1000  # slices: more than any scan on a 3 mm grid has
MAX_EVALUATIONS = 1000
MAX_SPIN = 2**31 - 1  # what a Qt spin box holds
MAX_SCORE = 1e9  # of any target in any unit

# In place of a region: the run finds one for itself; see `counterfactual.auto_region`.
AUTO_REGION = "auto"

# What may be chosen, and what the panel calls it.
MODES = {
    "whole": _("Whole volume only"),
    "chunks": _("Each chunk alone"),
    "both": _("Whole volume, then each chunk"),
}
DIRECTIONS = {"decrease": _("Lower the score"), "increase": _("Raise the score")}
SEARCHES = {"adaptive": _("Adaptive"), "reference": _("Reference (as published)")}
BASELINES = {"scan": _("Scan"), "reconstruction": _("Reconstruction (as published)")}
COMPOSITES = {"local": _("Local"), "bounded": _("Bounded"), "residual": _("Residual")}
STEPS = {"prior": _("Among the scan's own latents"), "gradient": _("Along the gradient")}
FOCUSES = {"auto": _("Where it pays"), "none": _("Everywhere")}
WITHIN = {"body": _("Body"), "volume": _("Whole volume")}
CHANGE_SCOPES = {"region": _("Edited slices"), "volume": _("Whole volume")}
GOALS = {"flip": _("The decision changes"), "limit": _("The change limit is reached")}
DEVICES = {"auto": _("Automatic"), "cpu": _("CPU"), "cuda": _("CUDA")}


def check_device(device: str) -> str:
    """Return what is wrong with the name of a device; empty if nothing is."""
    known = device in DEVICES or re.fullmatch(r"cuda:\d+", device)
    return "" if known else f"choose one of {', '.join(DEVICES)} or cuda:N."


def check_levels(edges: tuple[float, ...]) -> str:
    """Return what is wrong with the edges of levels (HU); empty if nothing is."""
    rising = all(low < high for low, high in pairwise((0.0, *edges, float("inf"))))
    if not edges or not rising:
        return "give rising HU values above 0, such as 10, 25, 50, 100, 200."
    return "" if len(edges) <= MAX_LEVELS else f"give at most {MAX_LEVELS} levels."
