"""LIDC-IDRI: whether enough readers outlined one and the same nodule."""

import numpy as np
import pytest

from CTCounterfactualLib.archives.lidc import read_lidc
from CTCounterfactualLib.archives.lidc_readings import most_agreeing, read_readings
from CTCounterfactualLib.errors import ScanError, SettingsError
from CTCounterfactualLib.events import CancelToken


def square(x, y, z, size=6):
    """Return a square's outline in one slice as XML."""
    corners = [(x, y), (x + size, y), (x + size, y + size), (x, y + size)]
    edges = "".join(
        f"<edgeMap><xCoord>{a}</xCoord><yCoord>{b}</yCoord></edgeMap>" for a, b in corners
    )
    return (
        f"<roi><imageZposition>{z}</imageZposition><imageSOP_UID>1.1</imageSOP_UID>"
        f"<inclusion>TRUE</inclusion>{edges}</roi>"
    )


POINT = (
    "<roi><imageZposition>-20</imageZposition><inclusion>TRUE</inclusion>"
    "<edgeMap><xCoord>5</xCoord><yCoord>5</yCoord></edgeMap></roi>"
)


def xml(series, *sessions):
    """Return readings: each session a list of nodules, each a string of contours."""
    told = "".join(
        "<readingSession><annotationVersion>3.12</annotationVersion>"
        + "".join(
            f"<unblindedReadNodule><noduleID>{n}</noduleID>{rois}</unblindedReadNodule>"
            for n, rois in enumerate(nodules)
        )
        + "<nonNodule><nonNoduleID>9</nonNoduleID></nonNodule></readingSession>"
        for nodules in sessions
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?><LidcReadMessage xmlns="http://www.nih.gov">'
        f"<ResponseHeader><SeriesInstanceUid>{series}</SeriesInstanceUid></ResponseHeader>{told}"
        "</LidcReadMessage>"
    )


HERE, BESIDE, FAR = square(10, 10, -50), square(11, 9, -52.5), square(40, 40, -100)


@pytest.mark.parametrize(
    ("sessions", "agreeing"),
    [
        ([[HERE], [BESIDE], [HERE], []], 3),
        ([[HERE], [FAR], [], []], 1),  # two nodules with a reader each are no agreement
        ([[HERE, FAR], [BESIDE], [], [FAR]], 2),
        ([[HERE, BESIDE], [], [], []], 1),  # one reader twice is one reader
        ([[POINT], [POINT], [POINT], [POINT]], 0),  # below 3 mm
        ([[], [], [], []], 0),
    ],
)
def test_readers_agree_on_one_nodule_not_on_any(tmp_path, sessions, agreeing):
    (tmp_path / "r.xml").write_text(xml("1.2", *sessions))
    readings = read_readings(tmp_path / "r.xml")
    assert readings.readers == 4
    assert most_agreeing(readings, (0.7, 0.7)) == agreeing


def test_holes_of_an_outline_are_no_nodule(tmp_path):
    (tmp_path / "r.xml").write_text(xml("1.2", [HERE.replace("TRUE", "FALSE")]))
    assert read_readings(tmp_path / "r.xml").nodules == ()


@pytest.fixture
def tree(tmp_path, write_ct):
    """Return LIDC's tree: two that agree or not at all, one between, a radiograph, one unread."""
    readings = {
        "0001": [[HERE], [BESIDE], [HERE], [HERE]],
        "0002": [[], [], [POINT], []],
        "0003": [[HERE], [BESIDE], [], []],
    }
    for number in ("0001", "0002", "0003", "0004"):
        name = f"LIDC-IDRI-{number}"
        folder = tmp_path / name / "01-01-2000-30178" / "3000566.000000-03192"
        write_ct(folder, name, f"1.2.9{number}")
        if number in readings:
            (folder / "069.xml").write_text(xml(f"1.2.9{number}", *readings[number]))
    plain = tmp_path / "LIDC-IDRI-0001" / "01-01-2000-35511" / "3000923.000000-62357"
    write_ct(plain, "LIDC-IDRI-0001", "1.7.1", modality="DX", slices=2)
    (plain / "068.xml").write_text("<IdriReadMessage xmlns='http://www.nih.gov'/>")
    return tmp_path


def read(tree, readers=3):
    return read_lidc(tree, {"readers": readers}, tree, CancelToken())


def test_labels_and_what_is_left_out(tree):
    listed = read(tree)
    assert [(row.id, row.label) for row in listed.rows] == [
        ("LIDC-IDRI-0001", 1.0),
        ("LIDC-IDRI-0002", 0.0),
    ]
    assert {one.id: one.why for one in listed.left_out} == {
        "LIDC-IDRI-0001-1": "no CT but DX",
        "LIDC-IDRI-0003": "no 3 readers agree, but some outlined a nodule",
        "LIDC-IDRI-0004": "no readings",
    }
    assert [row.label for row in read(tree, readers=2).rows] == [1.0, 0.0, 1.0]


def test_two_scans_of_a_patient_are_one_patient_with_two_names(tree, write_ct):
    again = tree / "LIDC-IDRI-0002" / "01-01-2001-1" / "3000.1"
    write_ct(again, "LIDC-IDRI-0002", "1.2.77")
    (again / "1.xml").write_text(xml("1.2.77", [], [], [], []))
    rows = [row for row in read(tree).rows if row.group == "LIDC-IDRI-0002"]
    assert {row.id for row in rows} == {"LIDC-IDRI-0002-90002", "LIDC-IDRI-0002-77"}


def test_damaged_readings_are_named(tree):
    place = next((tree / "LIDC-IDRI-0002").rglob("*.xml"))
    place.write_text(place.read_text()[:90])
    listed = read(tree)
    assert [row.id for row in listed.rows] == ["LIDC-IDRI-0001"]
    assert any("a file of readings that is damaged" in one.why for one in listed.left_out)


def test_wrong_settings_and_folders_are_said(tmp_path):
    with pytest.raises(SettingsError, match="readers is 5"):
        read(tmp_path, readers=5)
    with pytest.raises(ScanError, match="holds no readings"):
        read(tmp_path)


def test_spacing_counts(tmp_path):
    """The same pixels lie near each other in mm or not, by the radius that they have."""
    (tmp_path / "r.xml").write_text(xml("1.2", [square(10, 10, 0)], [square(10, 10, 4)]))
    readings = read_readings(tmp_path / "r.xml")
    assert most_agreeing(readings, (2.0, 2.0)) == 2  # radius 6 mm
    assert most_agreeing(readings, (0.5, 0.5)) == 1  # radius 1.5 mm
    assert np.isfinite(readings.nodules[0].points).all()
