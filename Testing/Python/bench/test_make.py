"""Making a bench: what lies in the files, the scan's own grid, going on, cancelling, refusals."""

import csv

import numpy as np
import pytest
import SimpleITK as sitk

from CTCounterfactualLib.app.cli import main
from CTCounterfactualLib.bench.draft import Wanted, apart_mm, draft
from CTCounterfactualLib.bench.layout import read_cases
from CTCounterfactualLib.bench.make import MakeSettings, make_bench, subject_names
from CTCounterfactualLib.bench.subject import Subject, Turn
from CTCounterfactualLib.bench.volumes import read_case
from CTCounterfactualLib.errors import Cancelled, OutputError, ScanError, SettingsError
from CTCounterfactualLib.events import CancelToken
from CTCounterfactualLib.scans.scan import Scan
from domes import STEP, two_domes

# Of an array (K to Superior, J to Anterior, I to Right): LPS directions of I, J and K.
RAS = (-1, 0, 0, 0, -1, 0, 0, 0, 1)
TWO = MakeSettings(findings=("effusion", "nodule"), pairs=0, expiration=0, seed=3)


def image(values: np.ndarray, direction=RAS) -> sitk.Image:
    made = sitk.GetImageFromArray(values)
    made.SetSpacing((STEP, STEP, STEP))
    made.SetOrigin((30.0, -20.0, 10.0))
    made.SetDirection(direction)
    return made


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Return the paths of a chest and its lung mask, int16 and uint8."""
    folder = tmp_path_factory.mktemp("scans")
    hu, lungs = two_domes()
    paths = folder / "anna.nrrd", folder / "lungs.nrrd"
    sitk.WriteImage(image(hu.astype(np.int16)), str(paths[0]))
    sitk.WriteImage(image(lungs.astype(np.uint8)), str(paths[1]))
    return paths


@pytest.fixture(scope="module")
def subject():
    hu, lungs = two_domes()
    return Subject(Scan(image(hu.astype(np.int16))), "anna", image(lungs.astype(np.uint8)))


def test_all_kinds_of_cases_hold_what_the_list_says(files, tmp_path):
    scan, lungs = files
    made = make_bench([scan], tmp_path / "bench", MakeSettings(seed=5), lungs)
    assert made.skipped == ()
    cases = read_cases(tmp_path / "bench")
    assert cases == made.cases
    assert [case.case for case in cases] == [
        f"anna-{kind}-1"
        for kind in ("effusion", "consolidation", "nodule", "pneumothorax", "pair", "expiration")
    ]
    source = sitk.ReadImage(str(scan))
    for case in cases:
        written = {name: sitk.ReadImage(str(getattr(case, name))) for name in ("scan", "clean")}
        for one in written.values():
            assert one.GetPixelID() == sitk.sitkInt16
            assert one.GetDirection() == source.GetDirection()
            assert one.GetOrigin() == source.GetOrigin()
        same = "scan" if case.finding == "expiration" else "clean"
        equal = np.array_equal(
            sitk.GetArrayFromImage(written[same]), sitk.GetArrayFromImage(source)
        )
        assert equal == (case.other == "")  # of a pair the clean one holds the other finding
        hu = {name: sitk.GetArrayFromImage(one).astype(float) for name, one in written.items()}
        mask = sitk.GetArrayFromImage(sitk.ReadImage(str(case.mask))) > 0
        change = np.abs(hu["scan"] - hu["clean"])
        assert change[mask].mean() > 60
        if case.finding != "expiration":  # there all of the chest moves
            assert 20 * change[~mask].mean() < change[mask].mean()
            assert mask.sum() * STEP**3 * 1e-3 == pytest.approx(case.ml, rel=0.35)
    assert read_case(cases[0]).finding.any()


def test_of_a_pair_only_the_explained_one_differs(subject):
    made = draft(subject, Wanted("pair", 1), ("effusion", "consolidation", "nodule"), 11)
    assert made.finding != made.other
    assert not (made.mask & made.other_mask).any()
    change = np.abs(made.scan - made.clean)
    assert change[made.mask].mean() > 100
    assert change[made.other_mask].max() == 0
    assert np.abs(made.clean - subject.hu)[made.other_mask].mean() > 100


@pytest.mark.parametrize(
    ("order", "flips"), [((0, 1, 2), (1,)), ((2, 0, 1), (0, 2)), ((1, 2, 0), ())]
)
def test_any_order_of_axes_gets_the_same_finding(subject, order, flips):
    """The same chest stored along other axes; planted and turned back it is the same."""
    hu, lungs = two_domes()
    # Rows: LPS directions of the stored axes, from those of K, J and I.
    axes = np.array([[0, 0, 1], [0, -1, 0], [-1, 0, 0]])[list(order)]
    for flip in flips:
        axes[flip] *= -1

    def stored(values):
        turned = np.ascontiguousarray(np.flip(values.transpose(order), flips))
        return image(turned, axes[::-1].T.ravel().tolist())

    other = Subject(Scan(stored(hu.astype(np.int16))), "anna", stored(lungs.astype(np.uint8)))
    assert np.array_equal(other.hu, subject.hu)
    one = draft(subject, Wanted("effusion", 1), (), 7)
    same = draft(other, Wanted("effusion", 1), (), 7)
    assert np.array_equal(one.scan, same.scan)
    back = sitk.GetArrayFromImage(other.image(same.scan))
    assert np.array_equal(
        np.flip(back, flips).transpose(np.argsort(order)),
        sitk.GetArrayFromImage(subject.image(one.scan)),
    )


def test_a_scan_far_from_the_patients_axes_is_refused():
    c = float(np.sqrt(0.5))
    tilted = Scan(image(np.zeros((3, 4, 5), np.int16), (1, 0, 0, 0, c, -c, 0, c, c)), "tilted")
    with pytest.raises(ScanError, match="tilted lies more than 30 degrees from"):
        Turn.of(tilted)


def test_what_is_made_is_not_made_again(files, tmp_path):
    scan, lungs = files
    first = make_bench([scan], tmp_path, TWO, lungs)
    times = {case.case: case.scan.stat().st_mtime_ns for case in first.cases}
    again = make_bench([scan], tmp_path, MakeSettings(("effusion", "nodule"), 2, 0, 0, 3), lungs)
    assert {case.case for case in again.cases} - set(times) == {"anna-effusion-2", "anna-nodule-2"}
    assert all(
        c.scan.stat().st_mtime_ns == times.get(c.case, c.scan.stat().st_mtime_ns)
        for c in again.cases
    )
    with pytest.raises(OutputError, match="case anna-effusion-1 of another seed"):
        make_bench([scan], tmp_path, MakeSettings(("effusion",), seed=4), lungs)


def test_a_cancel_leaves_whole_cases_only(files, tmp_path):
    scan, lungs = files
    cancel = CancelToken()

    def stop(event):
        if event.step == "made":
            cancel.cancel()

    with pytest.raises(Cancelled):
        make_bench([scan], tmp_path, TWO, lungs, stop, cancel)
    (case,) = read_cases(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"cases.csv", case.case}
    assert len(make_bench([scan], tmp_path, TWO, lungs).cases) == 2


def test_a_killed_runs_case_is_made_anew_and_foreign_files_stay(files, tmp_path):
    scan, lungs = files
    left = tmp_path / "anna-effusion-1"
    left.mkdir()
    (left / "scan.nrrd").write_text("half")
    make_bench([scan], tmp_path, TWO, lungs)
    assert read_case(read_cases(tmp_path)[0]).finding.any()
    foreign = tmp_path / "more" / "anna-effusion-1" / "thesis.txt"
    foreign.parent.mkdir(parents=True)
    foreign.write_text("mine")
    with pytest.raises(OutputError, match=r"holds thesis.txt"):
        make_bench([scan], tmp_path / "more", TWO, lungs)
    assert foreign.read_text() == "mine"


def test_what_cannot_be_made_is_listed_and_the_rest_is_made(files, tmp_path, capsys):
    scan, _ = files
    empty = tmp_path / "empty.nrrd"
    solid = np.full((30, 60, 60), -1000, np.int16)
    solid[:, 10:50, 10:50] = 40
    sitk.WriteImage(image(solid), str(empty))
    out = tmp_path / "bench"
    code = main(
        [
            "bench",
            "make",
            str(scan),
            str(empty),
            "-o",
            str(out),
            "--findings",
            "nodule",
            "--pairs",
            "0",
            "--expiration",
            "0",
        ]
    )
    assert code == 2
    assert [case.case for case in read_cases(out)] == ["anna-nodule-1"]
    (row,) = csv.DictReader((out / "skipped.csv").open(encoding="utf-8"))
    assert row["scan"] == "empty" and "No lung found" in row["reason"]
    assert "1 of what was asked can't be made" in capsys.readouterr().err


def test_a_mask_of_another_grid_is_said(files, tmp_path):
    scan, lungs = files
    moved = sitk.ReadImage(str(lungs))
    moved.SetOrigin((0.0, 0.0, 0.0))
    sitk.WriteImage(moved, str(tmp_path / "moved.nrrd"))
    made = make_bench([scan], tmp_path / "bench", TWO, tmp_path / "moved.nrrd")
    assert made.cases == ()
    assert "on the scan's own grid" in made.skipped[0].reason


def test_settings_that_cannot_be_are_refused(files, tmp_path):
    with pytest.raises(SettingsError, match="no finding 'fracture'"):
        MakeSettings(("fracture",))
    with pytest.raises(SettingsError, match="Nothing to make"):
        MakeSettings((), expiration=0)
    with pytest.raises(SettingsError, match="belongs to one scan, and 2"):
        make_bench([files[0], files[0]], tmp_path, TWO, files[1])


def test_names_are_plain_and_differ():
    assert subject_names(["a/x.nii.gz", "b/x.nrrd", "c/ödd name.mha"]) == ["x", "x_2", "dd-name"]


def test_the_distance_of_two_masks_is_theirs():
    one, other = np.zeros((2, 20, 40, 40), bool)
    one[5:8, 5:8, 5:8] = True
    other[5:8, 5:8, 17:20] = True  # ten voxels of 4 mm further
    assert apart_mm(one, other, (4.0, 4.0, 4.0)) == pytest.approx(40.0)
