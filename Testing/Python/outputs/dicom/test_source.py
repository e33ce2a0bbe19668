"""Where the scan comes from: its series found by its voxels, odd series, none at all; refusals."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk

from CTCounterfactualLib.errors import Cancelled, MissingExtraError, OutputError, ScanError
from CTCounterfactualLib.events import CancelToken
from CTCounterfactualLib.outputs.dicom import export
from CTCounterfactualLib.outputs.dicom.export import export_dicom
from CTCounterfactualLib.outputs.dicom.source import source_of
from CTCounterfactualLib.scans.read import read_scan
from CTCounterfactualLib.scans.scan import Scan
from dicom_trees import at, body_hu, write_enhanced, write_slices
from explained_by_hand import explanation_of, with_patient

pytest.importorskip("highdicom")


def back(folder):
    return read_scan(folder)


def record_of(folder):
    return json.loads((folder / "export.json").read_text(encoding="utf-8"))


def test_a_converted_scan_with_its_axes_turned_finds_its_series_among_others(patient, tmp_path):
    """As converters to NIfTI do: rows run the other way, slices from head to foot."""

    def another(k, dataset):
        with_patient(k, dataset)
        dataset.SeriesInstanceUID += ".5"
        dataset.SOPInstanceUID += ".5"

    write_slices(patient, another, prefix="other", hu=body_hu() + 1)
    scan = read_scan(patient, series=pydicom.dcmread(patient / "00.dcm").SeriesInstanceUID)
    turned = sitk.Flip(sitk.PermuteAxes(scan.image, [1, 0, 2]), [True, False, True])
    converted = replace(scan, image=turned, series="", path="converted.nii.gz")
    result = explanation_of(converted)
    folder = export_dicom(result, tmp_path / "out", patient)
    found = back(folder / "counterfactual")
    wanted = sitk.Flip(converted.with_array(result.counterfactual), [True, False, True])
    wanted = sitk.PermuteAxes(wanted, [1, 0, 2])
    assert np.array_equal(found.array, sitk.GetArrayFromImage(wanted))
    assert found.image.GetOrigin() == pytest.approx(scan.image.GetOrigin())
    assert record_of(folder)["series"] == scan.series


def test_a_series_of_other_voxels_or_another_grid_is_refused(patient, tmp_path):
    scan = read_scan(patient)
    brighter = replace(scan, image=scan.with_array(scan.array + 1))
    with pytest.raises(OutputError, match=r"not the scan that was explained: 6912 of 6912 voxels"):
        export_dicom(explanation_of(brighter), tmp_path / "out")
    part = replace(scan, image=scan.image[:, 1:, :])
    with pytest.raises(OutputError, match=r"24 x 24 x 12 voxels .*24 x 23 x 12 voxels"):
        export_dicom(explanation_of(part), tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["patient"]  # nothing is left


def test_a_series_that_has_gone_is_asked_for(patient, tmp_path):
    result = explanation_of(read_scan(patient))
    patient.rename(tmp_path / "moved")
    with pytest.raises(OutputError, match=r"isn't at .*patient any more\. Say where"):
        export_dicom(result, tmp_path / "out")
    assert (export_dicom(result, tmp_path / "out", tmp_path / "moved") / "map.dcm").exists()
    (tmp_path / "text").write_text("no DICOM")
    with pytest.raises(ScanError, match="no folder of DICOM files and no DICOM file"):
        export_dicom(result, tmp_path / "other", tmp_path / "text")


def test_tilted_and_uneven_series_lie_where_their_slices_lay(tmp_path):
    def tilted(k, dataset):
        with_patient(k, dataset)
        x, y, z = at(k)
        dataset.ImagePositionPatient = [x, y + 1.5 * k, z + (0.2 if k == 5 else 0.0)]

    series = write_slices(tmp_path / "tilted", tilted)
    scan = read_scan(series)
    assert {"gantry-tilt", "uneven-slice-spacing"} <= {name for name, _ in scan.warnings}
    folder = export_dicom(explanation_of(scan), tmp_path / "out")
    for k, path in enumerate(sorted((folder / "counterfactual").iterdir())):
        source = pydicom.dcmread(series / f"{k:02d}.dcm")
        assert pydicom.dcmread(path).ImagePositionPatient == source.ImagePositionPatient
    assert back(folder / "counterfactual").image.GetDirection() == scan.image.GetDirection()


def test_a_multi_frame_file_gets_single_frames_that_name_the_frames_they_are_of(tmp_path):
    path = write_enhanced(
        tmp_path / "multi" / "a.dcm",
        [at(k) for k in range(12)],
        body_hu(),
        edit=lambda dataset: with_patient(0, dataset),
    )
    result = explanation_of(read_scan(path))
    folder = export_dicom(result, tmp_path / "out")
    assert np.array_equal(back(folder / "counterfactual").array, result.counterfactual)
    assert np.array_equal(back(folder / "scan").array, result.scan.array)
    third = pydicom.dcmread(folder / "counterfactual" / "slice_0003.dcm")
    (reference,) = third.SourceImageSequence
    assert reference.ReferencedSOPInstanceUID == pydicom.dcmread(path).SOPInstanceUID
    assert (reference.ReferencedFrameNumber, third.PatientID) == (3, "P-17")
    assert third.ImagePositionPatient == at(2)
    assert third.DerivationCodeSequence[0].CodeMeaning == "Pixel by pixel addition"
    assert "DerivationCodeSequence" not in pydicom.dcmread(folder / "scan" / "slice_0003.dcm")
    assert record_of(folder)["refers_to"] == "scan"


def test_a_scan_that_isnt_dicom_gets_its_geometry_and_no_patient(tmp_path):
    angle = np.deg2rad(20)
    turn = (np.cos(angle), -np.sin(angle), 0, np.sin(angle), np.cos(angle), 0, 0, 0, -1)
    scan = Scan.from_array(body_hu(), (0.7, 0.8, 2.5), (-12.5, 30.25, -140.0), turn, "oblique")
    result = explanation_of(scan)
    folder = export_dicom(result, tmp_path / "out")
    for name, wanted in (("scan", scan.array), ("counterfactual", result.counterfactual)):
        found = back(folder / name)  # its slices come the other way round: sorted along the normal
        assert np.array_equal(found.array, wanted[::-1])
        k = scan.size[2] - 1
        origin = scan.image.TransformIndexToPhysicalPoint((0, 0, k))
        assert found.image.GetOrigin() == pytest.approx(origin, abs=1e-6)
        assert found.spacing == pytest.approx(scan.spacing)
    record = record_of(folder)
    assert record["series"] == "" and record["refers_to"] == "scan"
    empty = {"PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime"}
    assert empty <= set(record["empty"])
    studies, references = set(), set()
    for path in folder.rglob("*.dcm"):
        file = pydicom.dcmread(path)
        assert [str(file.get(name) or "") for name in empty] == [""] * len(empty)
        studies.add(file.StudyInstanceUID)
        if "Rows" in file:
            references.add(file.FrameOfReferenceUID)
    assert len(studies) == len(references) == 1


def test_rows_and_columns_that_arent_at_right_angles_are_refused():
    sheared = (1, 0.2, 0, 0, 0.9797958971132712, 0, 0, 0, 1)
    scan = Scan.from_array(body_hu(), direction=sheared, name="sheared")
    with pytest.raises(OutputError, match=r"sheared are at 78\.5 degrees .* right angles"):
        source_of(scan)


def test_values_that_no_dicom_file_may_hold_are_left_out_and_said(tmp_path, recwarn):
    def odd(k, dataset):
        with_patient(k, dataset)
        dataset.PatientName = "Onename"  # of which highdicom warns by name
        dataset.PatientSex, dataset.PatientBirthDate = "W", "19.1.50"

    scan = read_scan(write_slices(tmp_path / "odd", odd))
    recwarn.clear()
    folder = export_dicom(explanation_of(scan), tmp_path / "out")
    assert [str(warning.message) for warning in recwarn] == []  # no name on a terminal
    assert record_of(folder)["left_out"] == ["PatientBirthDate", "PatientSex"]
    assert pydicom.dcmread(folder / "map.dcm").PatientID == "P-17"


def test_a_careless_series_is_written_along_with_what_it_lacks(tmp_path):
    def careless(k, dataset):
        del dataset.StudyInstanceUID, dataset.SliceThickness

    result = explanation_of(read_scan(write_slices(tmp_path / "careless", careless)))
    folder = export_dicom(result, tmp_path / "out")  # without a frame of reference, too
    assert record_of(folder)["refers_to"] == "scan"
    assert np.array_equal(back(folder / "counterfactual").array, result.counterfactual)
    files = [pydicom.dcmread(path) for path in folder.rglob("*.dcm")]
    assert len({file.StudyInstanceUID for file in files}) == 1
    assert len({file.FrameOfReferenceUID for file in files if "Rows" in file}) == 1


def test_a_full_disk_leaves_nothing_and_is_said(patient, tmp_path, monkeypatch):
    def full(*arguments, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pydicom.dataset.Dataset, "save_as", full)
    with pytest.raises(OutputError, match=r"the disk is full\. Nothing was written"):
        export_dicom(explanation_of(read_scan(patient)), tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["patient"]


def test_an_export_is_replaced_only_when_asked_and_nothing_else_is(patient, tmp_path):
    result = explanation_of(read_scan(patient))
    out = export_dicom(result, tmp_path / "out")
    with pytest.raises(OutputError, match="earlier result"):
        export_dicom(result, out)
    (out / "mine.txt").write_text("mine")
    with pytest.raises(OutputError, match=r"no part of it: mine\.txt"):
        export_dicom(result, out, force=True)
    (out / "mine.txt").unlink()
    before = pydicom.dcmread(out / "map.dcm").SOPInstanceUID
    export_dicom(result, out, force=True)
    assert pydicom.dcmread(out / "map.dcm").SOPInstanceUID != before
    with pytest.raises(OutputError, match="no DICOM export of this program"):
        export_dicom(result, patient, force=True)


def test_a_cancel_leaves_nothing(patient, tmp_path):
    cancel = CancelToken()

    def stop(event):
        if "heatmaps" in event.message:
            cancel.cancel()

    with pytest.raises(Cancelled):
        export_dicom(
            explanation_of(read_scan(patient)), tmp_path / "out", progress=stop, cancel=cancel
        )
    assert [path.name for path in tmp_path.iterdir()] == ["patient"]


def test_what_is_no_ct_and_a_package_that_lacks_are_said(patient, tmp_path, monkeypatch):
    result = explanation_of(read_scan(patient))
    head = replace(result, scan=replace(result.scan, modality="MR"))
    with pytest.raises(OutputError, match="made of CT in HU only, and patient is MR"):
        export_dicom(head, tmp_path / "out")
    monkeypatch.setattr(export, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"highdicom.*ct-counterfactual\[dicom\]"):
        export_dicom(result, tmp_path / "out")


def test_a_result_without_any_change_has_no_empty_files(patient, tmp_path):
    scan = read_scan(patient)
    result = explanation_of(scan)
    nothing = np.zeros_like(result.difference)
    still = replace(
        result,
        counterfactual=scan.array.copy(),
        difference=nothing,
        heatmap=nothing.astype(np.uint8),
        chunk_heatmaps=(),
    )
    folder = export_dicom(still, tmp_path / "out")
    assert sorted(path.name for path in folder.iterdir()) == [
        "counterfactual", "export.json", "measurements.dcm"
    ]  # fmt: skip
