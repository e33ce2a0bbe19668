"""What to do about each flag: one sentence by its name."""

from __future__ import annotations

# Flags that begin so are failed tests of trust.
from ..failed import FAILED_TEST

ADVICE = {
    # The score and the decision.
    "reconstruction-gap": "Don't read the picture as evidence: take an autoencoder that draws this "
    "kind of scan better, or a method that needs none.",
    "score-did-not-move": "There is nothing to read from this result: allow more change, try the "
    "other direction, or another target.",
    "flip-not-reached": "Read it as the direction in which the score moves, not as what would "
    "change the decision; a higher change limit may reach it.",
    "already-negative": "Ask for the other direction, or explain a scan of the other class.",
    "already-positive": "Ask for the other direction, or explain a scan of the other class.",
    "saturated": "Compare logits, not probabilities; small differences of the score mean nothing.",
    "no-gradient": "Don't read a missing change there as missing evidence: try a method that needs "
    "scores only, such as responsibility or occlusion.",
    "evaluation-limit": "Run again with more evaluations a search.",
    "beyond-change-limit": "Lower the change limit, or read how much was changed along with it.",
    "written-score-differs": "Go by the score of the written volume; a finer classifier grid or a "
    "less smoothed scan loses less.",
    "not-reproducible": "Ask the model's maker for a deterministic mode, and repeat the run before "
    "you rely on it.",
    # The picture.
    "hard-to-draw": "Look at the picture for places that no scan shows, before you believe it.",
    "wall-carved": "Don't read this place as anatomy: exclude it by a region, or lower the change "
    "limit.",
    "too-bright": "Don't read the bright places as anatomy: the classifier is answered by a "
    "pattern, not by tissue.",
    "denser-tissue": "Don't read it as a finding that comes or goes: tissue just became denser.",
    "haze": "Compare with the scan in a lung window: what got hazy is the classifier's answer, "
    "not a disease.",
    "air-changed": "Look for what lies there, such as a table or clothes: `stress` tells whether "
    "the classifier reacts to it.",
    "both-ways": "Read the two directions apart; one of them alone may move the score: ask again "
    "within a region.",
    "satisfied-without-removal": "Don't read it as the scan without the finding: the classifier "
    "changed its mind, the finding is still there.",
    "autoencoder-contrast": "Check the intensity mapping on the autoencoder's card.",
    "autoencoder-fidelity": "Check orientation and kind of scan: the autoencoder draws this one "
    "badly.",
    # Regions.
    "no-region-found": "Give a region of your own, or explain without one.",
    "control-as-good": "Don't read the region as the place of the evidence: others do as well.",
    # The scan.
    "doubtful-hu": "Check the scan's unit before you read any number of it.",
    "assumed-hu": "Check the scan's unit before you read any number of it.",
    "implausible-size": "Check voxel size and field of view of the scan.",
    "lung-cut-by-field-of-view": "Don't compare lung volumes: part of the lung isn't in the scan.",
    "one-lung-small": "Look whether a lung is collapsed or cut before you compare volumes.",
    "not-a-chest": "Use a classifier for this part of the body.",
    "gantry-tilt": "Check that left, right and heights are where you expect them.",
    "uneven-slice-spacing": "Take heights and volumes as estimates, or resample the scan first.",
    "gaps-between-slices": "Take volumes as estimates: nothing is known of what lies in the gaps.",
    "shifted-slices": "Take places as exact to the shift that is named only.",
    "unknown-orientation": "Check left and right before you read a side.",
    "two-orientations": "Check left and right before you read a side.",
    "two-voxel-sizes": "Check the voxel size before you read a volume or a distance.",
    "mixed-acquisition": "Read a series of one acquisition instead.",
    "localizer-left-out": "Nothing, if the rest is the scan that you meant.",
    "copies-left-out": "Nothing, if the rest is the scan that you meant.",
    "unreadable-dicom-files": "Copy the whole series again.",
    "padding-as-air": "Nothing, unless the places outside the field of view matter.",
    "other-modality": "Check that it is a CT.",
    "not-ct": "Read the numbers in the scan's own unit; steps that know tissues were left out.",
    # Maps.
    "nothing-found": "There is nothing to read from this map: try another method or target.",
    "not-complete": "Take the map's sum with a grain of salt, and more steps.",
    "stopped-early": "Give it more time or calls before you compare sizes.",
    "occlusion-keeps-answer": "Choose another occlusion: this one takes nothing away.",
    "fails-randomisation": "Don't read it as what the model has learned.",
    "no-relu": "Read it as a plain gradient.",
    "relu-not-guided": "Read it as a plain gradient in the layers that are named.",
    "segments-overlap": "Mend the segmentation, or take the shares as estimates.",
    "mostly-elsewhere": "Name the structures that lack: most of the score lies in none of these.",
    "parent-transform": "Harden the transform if places matter beyond the scan's own grid.",
    "non-linear-transform": "Harden the transform if places matter beyond the scan's own grid.",
}
# Of a failed test, and of a flag that a model of the user's own raises.
OF_FAILED_TEST = "Don't rely on this explanation before you know why the test failed."
OF_OTHERS = "Ask who made the model what it means before you rely on this explanation."


def advice(flag: str) -> str:
    """Return what to do about a flag, by its name."""
    if flag.startswith(FAILED_TEST):
        return OF_FAILED_TEST
    return ADVICE.get(flag, OF_OTHERS)
