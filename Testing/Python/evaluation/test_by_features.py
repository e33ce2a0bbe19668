"""Distances in a network's features: known ends, what real scans have, and what is refused."""

import json

import pytest

from block_scan import BlockSeer
from CTCounterfactualLib.app.cli import main
from CTCounterfactualLib.errors import ScanError
from CTCounterfactualLib.evaluation import definitions as d
from CTCounterfactualLib.evaluation.evaluate import evaluate_result
from CTCounterfactualLib.evaluation.feature_space import FeatureSpace
from CTCounterfactualLib.evaluation.several import pooled
from CTCounterfactualLib.events import Reporter
from CTCounterfactualLib.models.backbones.layer import LayerBackbone


def space(*references):
    found = FeatureSpace.load("effusion-demo", references)
    found.backbone = LayerBackbone(BlockSeer())  # whose features show the block and little else
    return found


def measured(folder, space, **truth):
    return evaluate_result(folder, **truth, with_classifier=False, space=space)


def test_the_true_counterfactual_is_as_far_as_the_truth_and_nearer_to_real_scans(
    perfect, known, tmp_path
):
    paths = known.save(tmp_path)
    made = measured(perfect, space(paths["clean"]), clean=paths["clean"])
    found = made.metrics
    assert found["perceptual"] == found["perceptual_ceiling"] > 0
    # The reference is the clean scan itself: nothing is left of the distance that the block makes.
    assert found["feature_frechet"] == pytest.approx(0, abs=1e-9)
    assert found["feature_frechet_floor"] > 1e-6
    assert found["feature_kernel"] < found["feature_kernel_floor"]
    assert found["feature_places"] == 10 * 48 * 64
    written = json.loads((perfect / "metrics.json").read_text())
    assert "block seer, layer" in written["features"] and "1 reference" in written["features"]
    assert d.FEATURES not in made.absent


def test_several_results_are_one_set(perfect, known, tmp_path):
    shared = space(known.save(tmp_path)["clean"])
    made = measured(perfect, shared)
    together = pooled([made, made], shared, Reporter())
    assert together["feature_places"] == {"median": 61440.0, "mean": 61440.0, "n": 2}
    assert together["feature_frechet"]["n"] == 2
    assert together["perceptual"]["n"] == 2


def test_what_lacks_is_said(perfect, map_only):
    assert "reference" in measured(perfect, space()).absent[d.FEATURES]
    assert "perceptual" in measured(perfect, space()).metrics
    assert "makes a map" in measured(map_only, space()).absent[d.FEATURES]
    with pytest.raises(ScanError, match=r"no reference scan nowhere\.nrrd"):
        FeatureSpace.load("effusion-demo", ["nowhere.nrrd"])


def test_the_command_measures_by_a_named_network(perfect, known, tmp_path, capsys):
    words = ["evaluate", str(perfect), "--no-classifier", "--progress", "none"]
    clean = known.save(tmp_path)["clean"]
    assert main([*words, "--features", "effusion-demo", "--reference", clean]) == 0
    out = capsys.readouterr().out
    assert "perceptual" in out and "Features: effusion-demo" in out
    assert main([*words, "--reference", clean]) == 2
    assert "--features effusion-demo" in capsys.readouterr().err
    assert main([*words, "--features", "lung-volume"]) == 2
    assert "no layer" in capsys.readouterr().err
