"""What goes to another computer: all that a job names, no patient's name, or a clear refusal."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

from CTCounterfactualLib.errors import ModelError, ScanError, SettingsError
from CTCounterfactualLib.jobs.copies import with_facts
from CTCounterfactualLib.jobs.job import FileInput, GeneratedInput, Job
from CTCounterfactualLib.jobs.run import read_input
from CTCounterfactualLib.remote.package import make_package
from CTCounterfactualLib.scans.read import read_scan

PATIENT = "Secret^Patient"


@pytest.fixture
def out(tmp_path):
    folder = tmp_path / "package"
    folder.mkdir()
    return folder


@pytest.fixture
def job(slab_file):
    return Job(FileInput(str(slab_file)), "out")


@pytest.fixture
def dicom(tmp_path):
    """A series whose spacing is uneven: a warning that no file of voxels would give."""
    folder = tmp_path / "dicom"
    folder.mkdir()
    series, frame = generate_uid(), generate_uid()
    for number, position in enumerate((0.0, 3.0, 6.4, 9.4, 12.4)):
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID = CTImageStorage
        meta.MediaStorageSOPInstanceUID = generate_uid()
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        one = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
        one.SOPClassUID, one.SOPInstanceUID = CTImageStorage, meta.MediaStorageSOPInstanceUID
        one.PatientName, one.PatientID, one.Modality = PATIENT, "4711", "CT"
        one.SeriesInstanceUID, one.FrameOfReferenceUID = series, frame
        one.StudyInstanceUID = frame
        one.ImagePositionPatient = [-10.1, -20.3, position]
        one.ImageOrientationPatient = [0.9999875, 0.005, 0, -0.005, 0.9999875, 0]
        one.PixelSpacing, one.SliceThickness = [0.7, 0.7], 3.0
        one.Rows = one.Columns = 32
        one.BitsAllocated = one.BitsStored = 16
        one.HighBit, one.PixelRepresentation, one.SamplesPerPixel = 15, 1, 1
        one.PhotometricInterpretation = "MONOCHROME2"
        one.RescaleIntercept, one.RescaleSlope, one.RescaleType = 0, 1, "HU"
        values = (np.arange(1024) * (number + 1) % 1900 - 950).astype("<i2")
        one.PixelData = values.tobytes()
        one.save_as(folder / f"{number}.dcm", enforce_file_format=True)
    return folder


def test_a_dicom_series_goes_as_voxels_without_the_patient(dicom, out):
    """And the scan there is the scan here: name, digest, warnings, geometry to the last digit."""
    job = Job(FileInput(str(dicom)), "out")
    package = make_package(job, out)
    assert sorted(package.files) == ["scan.json", "scan.nrrd"]
    for path in package.files.values():
        content = path.read_bytes()
        assert b"Secret" not in content and b"4711" not in content
    there = json.loads(json.dumps(package.job_there("/tmp/far")))
    assert there["input"]["path"] == "/tmp/far/scan.nrrd"
    assert there["output"] == "/tmp/far/result"
    assert str(dicom) not in json.dumps(there)
    here = read_scan(dicom)
    assert any("spacing" in kind for kind, _ in here.warnings)
    far = with_facts(read_scan(out / "scan.nrrd"), out / "scan.json")
    assert replace(far, image=here.image) == here
    assert far.image.GetOrigin() == here.image.GetOrigin()
    assert far.image.GetSpacing() == here.image.GetSpacing()
    assert far.image.GetDirection() == here.image.GetDirection()
    assert far.image.GetPixelID() == here.image.GetPixelID()
    assert np.array_equal(far.array, here.array)
    assert package.words_back("/tmp/far")["/tmp/far/scan.nrrd"] == str(dicom)


def test_the_name_that_slicer_gave_is_kept(job, out):
    named = replace(job, input=replace(job.input, name="Patient 7", assume_hu=True))
    package = make_package(named, out)
    there = package.job_there(str(out))
    copied = Job.from_dict(there)
    assert copied.input.assume_hu is True
    assert read_input(copied).name == "Patient 7"


def test_a_generated_chest_needs_no_file(out):
    package = make_package(Job(GeneratedInput(4, 100.0), "out", stream="live"), out)
    assert package.files == {}
    there = package.job_there("/far")
    assert there["input"] == {"generated": {"seed": 4, "effusion_ml": 100.0}}
    assert there["stream"] == "/far/stream"


def test_segments_names_and_another_scan_go_along(job, out, tmp_path, slab_file):
    labels = sitk.Cast(sitk.ReadImage(str(slab_file)) > 0, sitk.sitkUInt8)
    segments = tmp_path / "my labels.v2.nii.gz"
    sitk.WriteImage(labels, str(segments))
    (tmp_path / "my labels.v2.csv").write_text("1,lung\n")
    asked = replace(job, method="structures", method_options={"segments": str(segments)})
    package = make_package(asked, out)
    assert package.files["segments.nii.gz"] == segments
    assert package.files["segments.csv"] == tmp_path / "my labels.v2.csv"
    assert package.job_there("/far")["method_options"]["segments"] == "/far/segments.nii.gz"
    assert package.words_back("/far")["/far/segments.nii.gz"] == str(segments)
    other = replace(job, method="responsibility", method_options={"occlusion": str(slab_file)})
    package = make_package(other, out)
    assert package.job_there("/far")["method_options"]["occlusion"] == "/far/occlusion.nrrd"
    air = replace(job, method="responsibility", method_options={"occlusion": "air"})
    assert make_package(air, out).job_there("/far")["method_options"]["occlusion"] == "air"


def test_a_label_map_of_two_files_cant_go(job, out, tmp_path, slab_file):
    labels = sitk.Cast(sitk.ReadImage(str(slab_file)) > 0, sitk.sitkUInt8)
    sitk.WriteImage(labels, str(tmp_path / "labels.mhd"))
    asked = replace(
        job, method="structures", method_options={"segments": str(tmp_path / "labels.mhd")}
    )
    with pytest.raises(SettingsError, match="Save it as one file"):
        make_package(asked, out)


def card(folder: Path, **fields) -> Path:
    """Write a card with its code and weights."""
    (folder / "parts").mkdir(parents=True)
    for name in ("net.py", "blocks.py", "parts/weights.safetensors"):
        (folder / name).write_text(name)
    values = {
        "schema": 1,
        "kind": "classifier",
        "source": {
            "type": "python",
            "file": "net.py",
            "also": ["blocks.py"],
            "weights": "parts/weights.safetensors",
        },
    }
    (folder / "card.json").write_text(json.dumps(values | fields))
    return folder / "card.json"


def test_an_own_model_goes_with_its_files(job, out, tmp_path):
    path = card(tmp_path / "model")
    package = make_package(replace(job, classifier=str(path)), out)
    assert {name for name in package.files if name.startswith("classifier/")} == {
        "classifier/card.json",
        "classifier/net.py",
        "classifier/blocks.py",
        "classifier/parts/weights.safetensors",
    }
    assert package.job_there("/far")["classifier"] == "/far/classifier/card.json"
    assert package.has_code
    assert not make_package(job, out).has_code


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"source": {"type": "python", "file": "../../secret"}}, "the card's own folder"),
        ({"source": {"type": "python", "file": "/etc/passwd"}}, "the card's own folder"),
        ({"source": {"type": "onnx", "file": "gone.onnx"}}, "which isn't there"),
        ({"source": None, "backbone": {"name": "other.json"}}, "a probe on another card"),
    ],
)
def test_a_card_that_cant_go(job, out, tmp_path, fields, said):
    values = {key: value for key, value in fields.items() if value is not None}
    path = card(tmp_path / "model", **values)
    if fields.get("source", 1) is None:
        content = json.loads(path.read_text())
        del content["source"]
        path.write_text(json.dumps(content))
    with pytest.raises(ModelError, match=said):
        make_package(replace(job, classifier=str(path)), out)


def test_what_is_wrong_here_is_said_before_anything_is_sent(job, out):
    with pytest.raises(ScanError, match="no file or folder nowhere"):
        make_package(replace(job, input=FileInput("nowhere.nrrd")), out)
    with pytest.raises(ScanError, match=r"no file mask\.nrrd to take a region from"):
        make_package(replace(job, region="mask.nrrd"), out)
    with pytest.raises(SettingsError, match="makes no use of 'region'"):
        make_package(replace(job, method="smoothgrad", region="mask.nrrd"), out)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"name": 3}'])
def test_facts_that_are_none(slab_file, tmp_path, content):
    (tmp_path / "facts.json").write_text(content)
    from CTCounterfactualLib.errors import CTCounterfactualError

    with pytest.raises(CTCounterfactualError):
        with_facts(read_scan(slab_file), tmp_path / "facts.json")


def test_pydicom_reads_what_the_fixture_wrote(dicom):
    assert str(pydicom.dcmread(next(dicom.iterdir())).PatientName) == PATIENT
