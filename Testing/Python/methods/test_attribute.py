"""The verb of all methods: a black box explained by what it needs, on the scan's own grid."""

from dataclasses import replace

import numpy as np
import pytest
from scans import BLOCK, SIZE, BlockFinder, scan_block, scan_with_block

from CTCounterfactualLib.counterfactual.result import Flag
from CTCounterfactualLib.counterfactual.settings import ExplainSettings
from CTCounterfactualLib.errors import Cancelled, ModelError, SettingsError
from CTCounterfactualLib.events import CancelToken
from CTCounterfactualLib.methods.attribute import attribute
from CTCounterfactualLib.methods.method import Found, Method, Needs
from CTCounterfactualLib.outputs.volumes import write_image

OPTIONS = {"occlusion": "air", "iterations": 6, "least_ml": 0.01}


def responsible(scan=None, classifier=None, options=None, **others):
    return attribute(
        scan or scan_with_block(),
        "responsibility",
        classifier or BlockFinder(),
        options=OPTIONS if options is None else options,
        **others,
    )


def own_flags(found):
    """Return the flags but for those of so small a scan."""
    return [flag for flag in found.flags if flag.name not in ("implausible-size", "doubtful-hu")]


def test_a_black_box_is_explained_where_its_evidence_lies():
    found = responsible()
    assert found.score == 1 and found.method.name == "responsibility"
    values, block = found.values, scan_block()
    assert values.shape == SIZE and values.dtype == np.float32
    mask = np.zeros(SIZE, bool)
    mask[block] = True
    assert mask[np.unravel_index(values.argmax(), SIZE)]
    assert values[mask].mean() > 3 * values[~mask].mean()
    assert found.heatmap[mask].min() >= 6 and found.levels[5].label == 6
    sufficient = found.parts["sufficient"]
    # Half of the block is enough for a probability of 0.5.
    assert 0.5 <= sufficient[mask].mean() < 0.8
    told = found.facts
    assert told["score_occluded"] == 0 and told["boundary"] == 0.5 and told["ended"] == "rounds"
    (first, *_) = told["explanations"]
    voxel_ml = 2 * 2 * 4 / 1000
    assert first["ml"] == pytest.approx(sufficient.sum() * voxel_ml, abs=0.01)
    assert first["score"] >= 0.5
    assert sum(first["components_ml"]) == pytest.approx(first["ml"], abs=0.05)


def test_the_same_seed_gives_the_same_map_and_another_seed_another():
    one, same = responsible(), responsible()
    other = responsible(settings=ExplainSettings(seed=1))
    assert np.array_equal(one.values, same.values)
    assert not np.array_equal(one.values, other.values)


def test_a_cancel_gives_what_is_there():
    cancel = CancelToken()
    seen = []

    def watch(event):
        seen.append(event)
        if event.step == "searched" and event.data["iteration"] == 2:
            cancel.cancel()

    found = responsible(progress=watch, cancel=cancel)
    assert found.partial and found.facts["iterations"] == 2 and found.values.any()
    assert [flag.name for flag in own_flags(found)] == ["stopped-early"] and not found.parts
    two = responsible(options={**OPTIONS, "iterations": 2})
    assert np.array_equal(found.values, two.values)


def test_a_cancel_before_anything_is_found_is_a_cancel():
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        responsible(cancel=cancel)


def test_a_budget_of_calls_is_kept_and_told():
    found = responsible(options={**OPTIONS, "iterations": 1000, "calls": 200})
    assert found.facts["ended"] == "calls" and "stopped-early" in [f.name for f in found.flags]
    # Two for the boundary, and those of the three explanations.
    assert found.facts["passing"] + found.facts["failing"] <= 200
    assert found.parts["sufficient"].any()


def test_an_occlusion_that_takes_nothing_away_is_told():
    class Sure(BlockFinder):
        def score(self, x, target=None):
            return x.new_ones(len(x))

    found = responsible(classifier=Sure())
    nothing, keeps = own_flags(found)
    assert (nothing.name, keeps.name) == ("nothing-found", "occlusion-keeps-answer")
    assert "Choose another occlusion" in keeps.message and not found.values.any()
    assert found.levels and not found.heatmap.any()


def test_an_occlusion_that_shows_the_scan_itself_is_refused(tmp_path):
    path = tmp_path / "same.nrrd"
    write_image(scan_with_block().image, path)
    with pytest.raises(SettingsError, match="shows the scan itself"):
        responsible(options={"occlusion": str(path)})


def test_another_scan_occludes_place_by_place(tmp_path):
    """A healthy scan: only where it differs anything can matter."""
    scan = scan_with_block()
    hu = scan.array.copy()
    hu[scan_block()] = 40
    path = tmp_path / "healthy.nrrd"
    write_image(scan.with_array(hu), path)
    found = responsible(options={**OPTIONS, "occlusion": str(path)})
    mask = np.zeros(SIZE, bool)
    mask[scan_block()] = True
    assert found.facts["searched_ml"] == pytest.approx(mask.sum() * 0.016, abs=0.05)
    assert not found.values[~mask].any() and found.parts["sufficient"][~mask].sum() == 0


def test_a_scan_that_lies_elsewhere_cannot_occlude(tmp_path):
    scan = scan_with_block()
    path = tmp_path / "far.nrrd"
    image = scan.with_array(scan.array.copy())
    image.SetOrigin((5000.0, 0.0, 0.0))
    write_image(image, path)
    with pytest.raises(SettingsError, match="no place in common"):
        responsible(options={"occlusion": str(path)})


def test_a_black_box_is_occluded_by_air_unless_told_otherwise():
    assert responsible(options={"iterations": 1}).facts["occlusion"] == "air"
    with pytest.raises(ModelError, match="black box, so there is no counterfactual to occlude"):
        responsible(options={"occlusion": "counterfactual"})


def test_negative_responsibility_has_both_signs():
    found = responsible(options={**OPTIONS, "negative": True})
    assert found.values.max() > 0 > found.values.min()


def test_a_gradient_is_not_taken_from_a_black_box():
    def run(request):
        raise AssertionError("it must not run")

    method = Method("mine", "", "positive: more", Needs(gradient=True), run)
    with pytest.raises(ModelError, match=r"mine needs the classifier's gradient, and block finder"):
        attribute(scan_with_block(), method, BlockFinder())


def test_a_method_of_ones_own_gets_the_scan_and_its_map_is_put_in_place():
    flag = Flag("mine", "Of no use.")

    def run(request):
        values = np.zeros(request.prepared.volume.shape, np.float32)
        values[BLOCK] = request.x[(0, 0, *BLOCK)].cpu().numpy()
        values[0, 0, 0] = np.nan
        return Found(values, {"a": 1}, (flag,), {"seen": values > 0})

    method = Method("mine", "Mine", "positive: bright", Needs(), run)
    found = attribute(scan_with_block(), method, BlockFinder())
    assert found.values[scan_block()] == pytest.approx(0.575) and found.values.sum() > 0
    assert found.parts["seen"].sum() == 60 == (found.values > 0).sum()
    assert own_flags(found) == [flag] and found.facts == {"a": 1}


def test_a_classifier_that_answers_by_chance_is_told():
    class Chance(BlockFinder):
        calls = 0

        def score(self, x, target=None):
            Chance.calls += 1
            return super().score(x) - 0.01 * Chance.calls

    found = responsible(classifier=Chance())
    assert "not-reproducible" in [flag.name for flag in found.flags]


def test_scans_with_warnings_pass_them_on():
    scan = replace(scan_with_block(), warnings=(("odd", "Oddly made."),))
    found = responsible(scan, options={**OPTIONS, "iterations": 1})
    assert Flag("odd", "Oddly made.") in found.flags
