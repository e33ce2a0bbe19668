"""Maps of our own methods are scored like a rival's heatmap: by their values, not their labels."""

import numpy as np
import SimpleITK as sitk

from CTCounterfactualLib.bench.score import score_bench
from CTCounterfactualLib.counterfactual.result import ModelInfo, PreparedInfo, TargetInfo
from CTCounterfactualLib.methods.attribution import Attribution, MethodInfo
from CTCounterfactualLib.methods.levels import label_values, value_levels
from CTCounterfactualLib.outputs.folder import write_result
from CTCounterfactualLib.scans.scan import Scan


def test_a_map_of_a_method_is_scored_by_its_values(make_bench, pair, tmp_path):
    fluid = sitk.GetArrayFromImage(pair[2]).astype(np.float32)
    values = fluid + 0.2 * (1 - fluid)  # the labels would be a map, too, but another one
    made = Attribution(
        scan=Scan(pair[0]),
        prepared=PreparedInfo(1, (1.5, 1.5, 3.0)),
        method=MethodInfo("mine", "", "positive: more", {}),
        classifier=ModelInfo("c"),
        target=TargetInfo("t"),
        autoencoder=None,
        score=1.0,
        values=values,
        heatmap=label_values(values, 1.0),
        levels=value_levels(1.0),
        flags=(),
        seconds={"total": 1.0},
        peak_memory_mb=1.0,
        versions={},
        device="cpu",
        seed=0,
    )
    write_result(made, tmp_path / "results" / "one")
    (found,) = score_bench(make_bench(), tmp_path / "results", pictures=False)
    assert found.problem == ""
    inside = float(values[fluid > 0].sum() / values.sum())
    assert abs(found.metrics["mass_in_mask"] - inside) < 0.02
    assert found.metrics["hit"] == 1.0 and "recovered" not in found.metrics
