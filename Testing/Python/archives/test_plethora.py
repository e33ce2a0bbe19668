"""PleThora: who is a positive, who a negative, and who was never looked at."""

import csv

import numpy as np
import pytest

from CTCounterfactualLib.app.cli import main
from CTCounterfactualLib.archives.plethora import read_plethora
from CTCounterfactualLib.errors import ScanError
from CTCounterfactualLib.events import CancelToken

STUDY = "NSCLC-Radiomics/{0}/09-18-2008-StudyID-NA-69331/0.000000-NA-82046"


@pytest.fixture
def tree(tmp_path, write_ct, write_image):
    """Return the folder: 1 with fluid, 2 without, 3 an empty mask, 4 not looked at, 5 no CT."""
    root = tmp_path / "tcia"
    for number in (1, 2, 3, 4):
        name = f"LUNG1-00{number}"
        write_ct(root / STUDY.format(name), name, f"1.2.{number}")
        # The tumour's contours lie beside each scan.
        beside = root / STUDY.format(name).replace("82046", "59178")
        write_ct(beside, name, f"1.3.{number}", modality="RTSTRUCT", slices=1)
    write_ct(root / STUDY.format("LUNG1-002").replace("0.0", "1.0"), "LUNG1-002", "1.4", slices=2)
    full = np.zeros((4, 4, 4), np.uint8)
    full[1] = 1
    for number, voxels in ((1, full), (3, np.zeros_like(full))):
        for reviewer in ("first", "second"):
            name = f"LUNG1-00{number}"
            folder = root / "masks" / "Effusions" / name
            write_image(folder / f"{name}_effusion_{reviewer}_reviewer.nii.gz", voxels)
    for number in (1, 2, 3, 5):
        name = f"LUNG1-00{number}"
        folder = root / "masks" / "Thoracic_Cavities" / name
        write_image(folder / f"{name}_thor_cav_primary_reviewer.nii.gz", full)
    return root


def test_the_manifest_tells_what_plethora_does(tree, tmp_path, capsys):
    out = tmp_path / "lists" / "plethora.csv"
    assert main(["manifest", "plethora", str(tree), "-o", str(out)]) == 0
    assert "2 scans, 1 positives, 1 negatives" in capsys.readouterr().out
    with out.open() as file:
        one, two = csv.DictReader(file)
    told = [one[name] for name in ("id", "label", "series", "group")]
    assert told == ["LUNG1-001", "1", "1.2.1", "LUNG1-001"]
    assert (out.parent / one["path"] / "00.dcm").is_file()  # from the manifest's own folder
    mask = out.parent / one["mask"]
    assert mask.is_file() and mask.name == "LUNG1-001_effusion_first_reviewer.nii.gz"
    assert (two["id"], two["label"], two["mask"]) == ("LUNG1-002", "0", "")
    with (tmp_path / "lists" / "plethora-left-out.csv").open() as file:
        gone = {row["id"]: row["why"] for row in csv.DictReader(file)}
    assert gone == {
        "LUNG1-002 1.4": "a CT of fewer than 10 images",
        "LUNG1-003": "its effusion mask is empty or can't be read",
        "LUNG1-004": "not looked at by PleThora",
        "LUNG1-005": "a mask without a CT",
    }


def test_an_earlier_manifest_stays(tree, tmp_path, capsys):
    out = tmp_path / "plethora.csv"
    out.write_text("mine")
    assert main(["manifest", "plethora", str(tree), "-o", str(out)]) == 2
    assert "exists already" in capsys.readouterr().err
    assert out.read_text() == "mine"


def test_two_scans_of_a_patient_are_not_guessed_about(tree, write_ct):
    write_ct(tree / STUDY.format("LUNG1-001").replace("0.0", "7.0"), "LUNG1-001", "1.9")
    listed = read_plethora(tree, {}, tree, CancelToken())
    assert [row.id for row in listed.rows] == ["LUNG1-002"]
    assert any(one.id == "LUNG1-001" and "several" in one.why for one in listed.left_out)


def test_reproduce_looks_at_the_data_before_it_fetches_models(tmp_path, capsys):
    out = str(tmp_path / "out")
    assert main(["reproduce", "cohen2025", "--data", str(tmp_path), "-o", out]) == 2
    assert "holds no folder Effusions" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_without_the_negatives_masks_nobody_is_a_negative(tree):
    (tree / "masks" / "Thoracic_Cavities").rename(tree / "masks" / "elsewhere")
    with pytest.raises(
        ScanError, match=r"no folder Thoracic_Cavities; expected: .*NSCLC-Radiomics"
    ):
        read_plethora(tree, {}, tree, CancelToken())
