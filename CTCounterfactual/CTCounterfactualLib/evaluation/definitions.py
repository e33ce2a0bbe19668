"""All metrics of an evaluation: group, unit, which way is better, and what each means in words.

The formulas and their sources stand where they are computed, in the files of `metrics`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from ..scans.modality import HU_RANGE, UNIT_OF_CT

LOWER, HIGHER, NEITHER = "lower", "higher", ""
# Beside a metric may stand what chance gets, what the truth gets, and what two sets of real slices
# have.
BESIDE = ("chance", "ceiling", "floor")
# In the order of tables.
(
    SUCCESS,
    REDUCTION,
    OUTSIDE,
    PROXIMITY,
    SPARSITY,
    CONSISTENCY,
    REALISM,
    FEATURES,
    LOCALISATION,
    RECOVERY,
    REMOVAL,
    STABILITY,
    COST,
) = GROUPS = (
    "success",
    "reduction",
    "outside change",
    "proximity",
    "sparsity",
    "slice consistency",
    "realism",
    "features of a network",
    "localisation",
    "recovery",
    "insertion and deletion",
    "stability",
    "cost",
)


@dataclass(frozen=True)
class Metric:
    """What a number is.

    Parameters
    ----------
    group : str
        One of `GROUPS`.
    unit : str
        Empty: a share, a ratio or a score in the target's unit.
    better : str
        `lower`, `higher`, or empty where neither is.
    words : str
        One line, without a full stop.
    yes_no : bool
        Whether it is 1 for yes and 0 for no.
    """

    group: str
    unit: str
    better: str
    words: str
    yes_no: bool = False


METRICS = {
    "flipped": Metric(
        SUCCESS,
        "",
        HIGHER,
        "scan and counterfactual lie on different sides of the classifier's threshold",
        yes_no=True,
    ),
    "goal_reached": Metric(
        SUCCESS,
        "",
        HIGHER,
        "the counterfactual, scored as a new scan, is at or beyond the score that was asked for",
        yes_no=True,
    ),
    "reduction": Metric(
        REDUCTION,
        "",
        HIGHER,
        "how far the score moved the wanted way, from the scan's: f(x) - f(x')",
    ),
    "reduction_from_reconstruction": Metric(
        REDUCTION,
        "",
        HIGHER,
        "the same from the score of the autoencoder's reconstruction: f(D(E(x))) - f(x')",
    ),
    "reconstruction_gap": Metric(
        REDUCTION, "", LOWER, "how far the autoencoder alone moves the score: |f(x) - f(D(E(x)))|"
    ),
    "gap_closed": Metric(
        REDUCTION,
        "",
        NEITHER,
        "reduction as a share of that of the clean scan: 1 is as far, above is beyond",
    ),
    "outside_body_hu": Metric(
        OUTSIDE, "HU", LOWER, "greatest |change| more than 3 mm outside the body"
    ),
    "spill_hu": Metric(
        OUTSIDE, "HU", LOWER, "mean |change| in the body beyond 9 mm of the finding"
    ),
    "spill_max_hu": Metric(OUTSIDE, "HU", LOWER, "greatest |change| there"),
    "spill_share": Metric(OUTSIDE, "", LOWER, "share of the body's |change| that lies there"),
    "mae_hu": Metric(PROXIMITY, "HU", LOWER, "mean |change| over the body"),
    "ssim": Metric(
        PROXIMITY,
        "",
        HIGHER,
        "structural similarity of scan and counterfactual over the body (Wang et al. 2004)",
    ),
    "changed_share": Metric(SPARSITY, "", LOWER, "share of the body changed by more than 10 HU"),
    "changed_ml": Metric(SPARSITY, "mL", LOWER, "volume changed by more than 10 HU"),
    "gini": Metric(
        SPARSITY,
        "",
        HIGHER,
        "Gini index of |change| over the body: towards 1 the "
        "fewer voxels change (Hurley and Rickard 2009)",
    ),
    "slice_roughness": Metric(
        CONSISTENCY,
        "",
        LOWER,
        "step of the change from slice to slice over "
        "its gradient within slices, per mm; white noise has about 0.6",
    ),
    "border_jump": Metric(
        CONSISTENCY,
        "",
        LOWER,
        "step of the heatmap across chunk borders over "
        "the step inside chunks: 1 is no border to be seen",
    ),
    "frechet": Metric(
        REALISM,
        "",
        LOWER,
        "Frechet distance of slices' HU and texture features, counterfactual to scan",
    ),
    "kernel": Metric(REALISM, "", LOWER, "squared maximum mean discrepancy of the same, unbiased"),
    "realism_slices": Metric(
        REALISM, "", NEITHER, "slices that these two are of (not independent: of the same patients)"
    ),
    "perceptual": Metric(
        FEATURES,
        "",
        LOWER,
        "how different scan and counterfactual look to a network, 0 to 4 (after Zhang et al. 2018)",
    ),
    "feature_frechet": Metric(
        FEATURES,
        "",
        LOWER,
        "Frechet distance of a network's features, counterfactual to reference scans, by places; "
        "its floor is the scan's own",
    ),
    "feature_kernel": Metric(
        FEATURES,
        "",
        LOWER,
        "squared maximum mean discrepancy of the same, unbiased: below 0 means as near as can be",
    ),
    "feature_places": Metric(
        FEATURES, "", NEITHER, "places of the counterfactual that these two are of"
    ),
    "hit": Metric(
        LOCALISATION,
        "",
        HIGHER,
        "the smoothed map's greatest value lies in the finding (pointing game, Zhang et al. 2018)",
        yes_no=True,
    ),
    "hit_6mm": Metric(LOCALISATION, "", HIGHER, "the same within 6 mm", yes_no=True),
    "mass_in_mask": Metric(
        LOCALISATION, "", HIGHER, "share of the map's sum in the finding (Arras et al. 2022)"
    ),
    "dice": Metric(LOCALISATION, "", HIGHER, "Dice of the finding and as many strongest voxels"),
    "recovered": Metric(
        RECOVERY,
        "",
        HIGHER,
        "1 - |x' - clean| / |x - clean| over the finding: 1 "
        "is the true counterfactual, 0 doing nothing, below 0 worse",
    ),
    "direction": Metric(
        RECOVERY,
        "",
        HIGHER,
        "share of the finding's visibly changed voxels that moved towards the clean scan",
    ),
    "overshoot": Metric(
        RECOVERY, "", LOWER, "how far beyond the clean scan, in parts of the way to it"
    ),
    "deletion": Metric(
        REMOVAL,
        "",
        LOWER,
        "area under the scaled score as the strongest places "
        "are blurred first (after Petsiuk et al. 2018)",
    ),
    "insertion": Metric(REMOVAL, "", HIGHER, "the same as they are put into a blurred scan"),
    "stability": Metric(
        STABILITY,
        "",
        HIGHER,
        "Dice of the strongest places with 1 HU of noise and without, mean over seeds; by `trust`",
    ),
    "drop_variation": Metric(
        STABILITY, "", LOWER, "standard deviation over mean of the reduction, with and without it"
    ),
    "seconds": Metric(COST, "s", LOWER, "time of the explanation"),
    "peak_memory_mb": Metric(COST, "MB", LOWER, "most memory of the process"),
    "evaluations": Metric(COST, "", LOWER, "scores that its searches took"),
}


def in_unit(metric: Metric, unit: str, hu: float | None) -> Metric:
    """Return a metric as it is of a scan in another unit than HU.

    Parameters
    ----------
    unit : str
        Of the scan: "HU", "MR units".
    hu : float
        How much of it stands for 1 HU; None: of several scans, each by its own range.
    """
    if unit == UNIT_OF_CT:
        return metric

    def limit(found: re.Match[str]) -> str:
        if hu is None:
            return f"1/{HU_RANGE / int(found[1]):.0f} of the range"
        return f"{int(found[1]) * hu:.3g} {unit}"

    words = re.sub(rf"(\d+) {UNIT_OF_CT}\b", limit, metric.words)
    return replace(metric, unit=unit if metric.unit == UNIT_OF_CT else metric.unit, words=words)


def base_of(name: str) -> str:
    """Return the metric that a number belongs to: `hit_chance` -> `hit`."""
    for beside in BESIDE:
        if name.endswith(f"_{beside}"):
            return name.removesuffix(f"_{beside}")
    return name
