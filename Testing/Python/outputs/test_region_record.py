"""A found region in the result folder, and read back."""

from __future__ import annotations

import json

import numpy as np
import SimpleITK as sitk

from CTCounterfactualLib.counterfactual.engine import explain
from CTCounterfactualLib.outputs.folder import write_result
from CTCounterfactualLib.outputs.reading import read_result
from toy_body import LEFT, RIGHT, Blocks, TissueIn, body_scan


def test_a_found_region_and_its_controls_come_back_as_they_were(tmp_path):
    scan = body_scan()
    result = explain(
        scan,
        TissueIn(LEFT, RIGHT),
        autoencoder=Blocks(),
        region="auto",
        mode="whole",
        frames=0,
        region_controls=True,
    )
    folder = write_result(result, tmp_path / "out", scene=False)
    search = result.region_search
    mask = sitk.ReadImage(str(folder / "region.nrrd"))
    assert mask.GetOrigin() == scan.image.GetOrigin() and mask.GetSize() == scan.size
    record = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    told = record["region_search"]
    assert told["ml"] == search.ml and "region.nrrd" in record["files"]
    assert [control["name"] for control in told["controls"]] == ["complement", "random"]
    assert told["controls"][0]["search"]["score_before"] == result.scores.original
    assert told["unrestricted"]["score_after"] == search.unrestricted.score_after
    again = read_result(folder, scan).region_search
    assert np.array_equal(sitk.GetArrayFromImage(again.image), sitk.GetArrayFromImage(search.image))
    assert again.controls == search.controls and again.parts == search.parts
    assert again.unrestricted.path == search.unrestricted.path


def test_without_a_region_there_is_none(tmp_path):
    result = explain(body_scan(), TissueIn(LEFT), autoencoder=Blocks(), mode="whole", frames=0)
    folder = write_result(result, tmp_path / "out", scene=False)
    assert not (folder / "region.nrrd").exists()
    assert read_result(folder, result.scan).region_search is None
