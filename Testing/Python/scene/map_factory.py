"""A hand-made map of the small oblique scan: values, labels, parts and facts that are known."""

import numpy as np

from CTCounterfactualLib.counterfactual.result import Flag, ModelInfo, PreparedInfo, TargetInfo
from CTCounterfactualLib.methods.attribution import Attribution, MethodInfo
from CTCounterfactualLib.methods.levels import label_values, value_levels
from scene_factory import FALL_AT, RISE_AT, SIZE_KJI, make_explanation

TOP = 8.0


def make_map(method: str = "responsibility") -> Attribution:
    """Return a map with a block against the score, one for it, and a part of 27 voxels."""
    values = np.zeros(SIZE_KJI, np.float32)
    for (k, j, i), value in ((FALL_AT, -TOP / 2), (RISE_AT, TOP)):
        values[k - 1 : k + 2, j - 1 : j + 2, i - 1 : i + 2] = value
    return Attribution(
        scan=make_explanation().scan,
        prepared=PreparedInfo(20, (1.5, 1.5, 3.0)),
        method=MethodInfo(method, "Which parts", "positive: it keeps the answer", {"depth": 3}),
        classifier=ModelInfo("toy-net", "c1" * 32),
        target=TargetInfo("effusion", "logit"),
        autoencoder=None,
        score=0.9,
        values=values,
        heatmap=label_values(values, TOP),
        levels=value_levels(TOP),
        flags=(Flag("odd", "Oddly made."),),
        seconds={"search": 1.0, "total": 2.5},
        peak_memory_mb=100.0,
        versions={"torch": "2"},
        device="cpu",
        seed=7,
        parts={"sufficient": values > 0},
        facts={
            "calls": 140,
            "occlusion": "air",
            "explanations": [
                {"kind": "sufficient", "ml": 0.04, "components_ml": [0.03, 0.01], "score": 0.8},
                {"kind": "complete", "ml": 1.5, "components_ml": [1.5], "score": 0.9},
            ],
        },
    )
