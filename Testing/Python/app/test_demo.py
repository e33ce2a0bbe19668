"""The main job as the README has it, on the embedded defaults."""

import json

import SimpleITK as sitk

from CTCounterfactualLib.app.cli import main


def test_demo_writes_its_scan_along_with_the_result(tmp_path):
    out = tmp_path / "demo"
    assert main(["demo", "-o", str(out), "--mode", "whole", "--progress", "none"]) == 0
    record = json.loads((out / "result.json").read_text())
    assert record["input"]["path"] == "generated chest, seed 0"
    scan = sitk.GetArrayFromImage(sitk.ReadImage(str(out / "scan.nrrd")))
    changed = sitk.GetArrayFromImage(sitk.ReadImage(str(out / "counterfactual.nrrd")))
    difference = sitk.GetArrayFromImage(sitk.ReadImage(str(out / "difference.nrrd")))
    assert (changed - difference == scan).all()
    assert record["scores"]["counterfactual"] < 0.93 * record["scores"]["original"]
    assert (out / "scene.mrb").stat().st_size > 1_000_000
