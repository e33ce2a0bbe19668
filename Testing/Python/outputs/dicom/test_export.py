"""What an export holds, read back by other libraries: values, places, identifiers, references."""

from __future__ import annotations

import json

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk

from CTCounterfactualLib.counterfactual.result import DISCLAIMER
from CTCounterfactualLib.scans.read import read_scan
from explained_by_hand import PATIENT_NAME

highdicom = pytest.importorskip("highdicom")


def read_by_itk(folder) -> sitk.Image:
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
    return reader.Execute()


def headers(folder):
    return {path.relative_to(folder).as_posix(): pydicom.dcmread(path)
            for path in sorted(folder.rglob("*.dcm"))}  # fmt: skip


def test_itk_reads_the_counterfactual_with_the_scans_geometry_and_the_results_hu(exported):
    _, result, folder = exported
    image = read_by_itk(folder / "counterfactual")
    assert np.array_equal(sitk.GetArrayFromImage(image), result.counterfactual)
    for kind in ("Spacing", "Origin", "Direction"):
        wanted = getattr(result.scan.image, f"Get{kind}")()
        assert getattr(image, f"Get{kind}")() == pytest.approx(wanted)
    back = read_scan(folder / "counterfactual")  # and this engine, without a word
    assert np.array_equal(back.array, result.counterfactual)
    assert back.warnings == ()


def test_every_file_is_of_the_patient_and_frame_of_the_input_and_says_what_it_is_not(exported):
    patient, _, folder = exported
    source = pydicom.dcmread(patient / "00.dcm")
    files = headers(folder)
    series, own = {}, set()
    for name, file in files.items():
        assert str(file.PatientName) == PATIENT_NAME
        assert (file.PatientID, file.PatientBirthDate, file.PatientSex) == ("P-17", "19500102", "F")
        assert file.StudyInstanceUID == source.StudyInstanceUID
        assert (file.StudyDate, file.AccessionNumber) == ("20200304", "A1")
        assert DISCLAIMER in file.SeriesDescription
        assert file.Manufacturer == "CTCounterfactual"
        assert [e for e in file if e.tag.is_private] == []
        if "Rows" in file:
            assert file.FrameOfReferenceUID == source.FrameOfReferenceUID
            assert file.get("BurnedInAnnotation", "NO") == "NO"
            assert file.ImageType[0] == "DERIVED"
        own.add(file.SOPInstanceUID)
        series.setdefault(file.SeriesInstanceUID, set()).add(name.partition("/")[0])
    assert len(own) == len(files)  # every file has a UID of its own
    assert source.SeriesInstanceUID not in series
    assert sorted(map(sorted, series.values())) == [
        ["counterfactual"], ["heatmap.dcm"], ["layers"], ["map.dcm"], ["measurements.dcm"]
    ]  # fmt: skip


def test_each_slice_lies_on_its_source_and_names_it(exported):
    patient, _, folder = exported
    sources = {file.SOPInstanceUID: file for file in headers(patient).values()}
    for file in headers(folder / "counterfactual").values():
        assert list(file.ImageType) == ["DERIVED", "SECONDARY", "AXIAL"]
        (reference,) = file.SourceImageSequence
        source = sources.pop(reference.ReferencedSOPInstanceUID)
        assert file.ImagePositionPatient == source.ImagePositionPatient
        assert file.KVP == 120
        assert file.ContributingEquipmentSequence[0].Manufacturer == "Scanner Works"
    assert sources == {}


def test_highdicom_reads_the_heatmap_and_the_change_back(exported):
    patient, result, folder = exported
    segments = highdicom.seg.segread(folder / "heatmap.dcm")
    uids = [pydicom.dcmread(path).SOPInstanceUID for path in sorted(patient.glob("*.dcm"))]
    found = segments.get_pixels_by_source_instance(
        uids, combine_segments=True, ignore_spatial_locations=True,
        assert_missing_frames_are_empty=True,
    )  # fmt: skip
    assert np.array_equal(found, result.heatmap)
    assert [segments.get_segment_description(n).SegmentLabel for n in range(1, 11)] == [
        level.name for level in result.levels
    ]
    change = highdicom.pm.ParametricMap.from_dataset(pydicom.dcmread(folder / "map.dcm"))
    values = change.get_volume().array[::-1]  # real-world values, from the head down
    first = np.flatnonzero(result.difference.any(axis=(1, 2)))[0]
    part = result.difference[first : first + len(values)]
    assert np.array_equal(values, part) and part.any()
    assert int(np.count_nonzero(result.difference)) == int(np.count_nonzero(values))
    mapping = change.SharedFunctionalGroupsSequence[0].RealWorldValueMappingSequence[0]
    assert mapping.MeasurementUnitsCodeSequence[0].CodeValue == "[hnsf'U]"


def test_map_and_heatmap_lie_where_the_change_was(exported):
    _, result, folder = exported
    change = highdicom.pm.ParametricMap.from_dataset(pydicom.dcmread(folder / "map.dcm"))
    heatmap = highdicom.seg.segread(folder / "heatmap.dcm")
    to_lps = np.diag([-1, -1, 1, 1]) @ result.scan.ijk_to_ras()  # LPS, as DICOM
    for volume, wanted in (
        (change.get_volume(), result.difference),
        (heatmap.get_volume(combine_segments=True), result.heatmap),
    ):
        found = np.argwhere(volume.array)  # (n, 3), K first
        places = found @ volume.affine[:3, :3].T + volume.affine[:3, 3]
        there = np.argwhere(wanted)[:, ::-1] @ to_lps[:3, :3].T + to_lps[:3, 3]
        assert sorted(map(tuple, places.round(3))) == sorted(map(tuple, there.round(3)))


def test_the_report_tells_scores_volumes_models_settings_and_flags(exported):
    *_, folder = exported
    report = highdicom.sr.srread(folder / "measurements.dcm").content
    assert len(report.get_image_measurement_groups()) == 4  # scores, whole, two chunks
    segments = [g.referenced_segment for g in report.get_volumetric_roi_measurement_groups()]
    heatmap = pydicom.dcmread(folder / "heatmap.dcm").SOPInstanceUID
    assert [segment.referenced_sop_instance_uid for segment in segments] == [heatmap] * 2
    texts, numbers = {}, {}

    def walk(item):
        name = item.ConceptNameCodeSequence[0].CodeMeaning
        if item.ValueType == "TEXT":
            texts.setdefault(name, []).append(item.TextValue)
        if item.ValueType == "NUM":
            value = item.MeasuredValueSequence[0]
            unit = value.MeasurementUnitsCodeSequence[0].CodeValue
            numbers.setdefault(name, []).append((float(value.NumericValue), unit))
        for part in item.get("ContentSequence", ()):
            walk(part)

    for item in pydicom.dcmread(folder / "measurements.dcm").ContentSequence:
        walk(item)
    assert numbers["Score of the scan"] == [(2.5, "{logit}")]
    assert numbers["Score of the counterfactual"] == [(0.75, "{logit}")]
    assert [value for value, _ in numbers["Score after the change"]] == [0.75, 1.5, 2.0]
    voxel_ml = 4.0 * 3.5 * 5.0 / 1000
    changed = sorted(value for value, _ in numbers["Volume"])
    assert changed == pytest.approx([2 * 2 * 3 * voxel_ml, 3 * 4 * 3 * voxel_ml])
    assert texts["SHA-256 of the classifier's weights"] == ["c1" * 32]
    assert texts["SHA-256 of the autoencoder's weights"] == ["a2" * 32]
    assert texts["Output of the classifier that is explained"] == ["effusion"]
    assert texts["Flag haze"] == ["1 mL of lung became hazy: look twice (§)."]
    assert texts["What this is not"] == [DISCLAIMER]
    assert "max_change=0.05" in texts["Algorithm Parameters"]
    referred = pydicom.dcmread(folder / "measurements.dcm")
    (study,) = referred.CurrentRequestedProcedureEvidenceSequence
    assert len(study.ReferencedSeriesSequence) >= 2  # the heatmap and the input at least


def test_the_record_says_what_is_what(exported):
    *_, folder = exported
    record = json.loads((folder / "export.json").read_text(encoding="utf-8"))
    files = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    assert sorted(record["files"]) == files
    assert record["refers_to"] == "the input's images"
    assert record["empty"] == [] and record["left_out"] == []
    assert record["largest_rounding_hu"] == {"counterfactual": 0.0}
