"""Files of single slices: turned and sampled like scans, people held out by number, strict."""

from __future__ import annotations

import numpy as np
import pytest

from CTCounterfactualLib.errors import ScanError, SettingsError
from CTCounterfactualLib.scans.grid import prepare
from CTCounterfactualLib.scans.scan import Scan
from CTCounterfactualLib.training.slice_file import SliceFile, read_slices
from CTCounterfactualLib.training.slices import build_stacks, describe_stacks, stack_from_scan


def body(rows: int = 60, columns: int = 80) -> np.ndarray:
    """A slice (rows, columns), HU: a body in air, with bone in its anterior right corner."""
    hu = np.full((rows, columns), -1000, np.int16)
    hu[10:-10, 10:-10] = 40
    hu[12:20, 12:22] = 700  # first rows are anterior, first columns the patient's right
    return hu


def arrays(**other) -> dict[str, np.ndarray]:
    return {
        "hu": np.stack([body()] * 4),
        "spacing_mm": np.full((4, 2), 1.5, np.float32),
        "patient": np.array([0, 1, 1, 5], np.int16),
        "position": np.array(["HFS", "HFP", "FFS", "FFP"]),
        **other,
    }


@pytest.fixture
def write(tmp_path):
    def written(**other):
        path = tmp_path / "few.npz"
        np.savez(path, **{k: v for k, v in arrays(**other).items() if v is not None})
        return path

    return written


def test_slices_are_turned_to_the_prepared_axes(write):
    slices = read_slices(write())
    picture = slices.prepared(0)
    assert picture.shape == (60, 80) and picture.dtype == np.float32
    j, i = np.argwhere(picture > 0.8).mean(axis=0)
    assert j > 30 and i > 40  # J grows to Anterior, I to Right
    np.testing.assert_allclose(picture * 2000 - 1000, body()[::-1, ::-1], atol=0.5)


def test_pixels_are_sampled_as_those_of_a_scan(write):
    """Rows of 0.75 mm and columns of 1 mm, as the same slice of a scan of thick slices is."""
    slices = read_slices(write(spacing_mm=np.full((4, 2), (0.75, 1.0))))
    assert slices.prepared(0).shape == (30, 54)
    thick = Scan.from_array(np.stack([body()] * 3), (1.0, 0.75, 3.0))
    np.testing.assert_allclose(slices.prepared(0), prepare(thick).volume[1], atol=1e-5)


def test_people_are_held_out_by_their_number(write):
    train, held = read_slices(write()).split(5)
    assert (train.patient.tolist(), held.patient.tolist()) == ([1, 1], [0, 5])
    assert len(train.hu) == len(train.spacing_mm) == 2
    everyone, nobody = read_slices(write()).split(None)
    assert (len(everyone.hu), len(nobody.hu)) == (4, 0)


@pytest.mark.parametrize(("every", "words"), [(1, "2 or more"), (0, "2 or more"), (-5, "or more")])
def test_a_hold_out_that_is_none_is_refused(write, every, words):
    with pytest.raises(SettingsError, match=words):
        read_slices(write()).split(every)


def test_a_hold_out_of_everybody_is_refused(write):
    slices = read_slices(write(patient=np.array([0, 5, 10, 15])))
    with pytest.raises(SettingsError, match=r"few: all its patients.*multiples of 5"):
        slices.split(5)


def test_a_stack_is_a_patient_and_weighs_as_a_scan_does(write):
    spacing = np.array([(1.5, 1.5), (1.5, 1.5), (0.75, 0.75), (1.5, 1.5)])
    stacks = read_slices(write(spacing_mm=spacing)).stacks()
    assert [stack.name for stack in stacks] == [
        "few, patient 0",
        "few, patient 1",
        "few, patient 5",
    ]
    assert [[s.shape for s in stack.slices] for stack in stacks] == [
        [(60, 80)],
        [(60, 80), (30, 40)],
        [(60, 80)],
    ]
    assert all(s.dtype == np.float16 for stack in stacks for s in stack.slices)
    scan = Scan.from_array(np.stack([body()] * 4), (1.5, 1.5, 3.0), name="chest")
    mixed = build_stacks([stack_from_scan(scan), *stacks], 0, 0.4)
    roots = np.sqrt([4, 1, 2, 1])  # of their slices
    assert [stack.weight for stack in mixed] == pytest.approx(roots / roots.sum())
    assert describe_stacks(mixed) == ["chest: 4 slices", "few (3 patients): 4 slices"]


def test_the_card_tells_who_was_left_out(write):
    train, _ = read_slices(write()).split(5)
    told = describe_stacks(train.stacks())
    assert told == ["few without patients whose number is a multiple of 5 (1 patients): 2 slices"]


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"hu": None}, r"lacks the array\(s\) hu"),
        ({"patient": None, "spacing_mm": None}, "lacks the array.* spacing_mm, patient"),
        ({"hu": np.zeros((4, 3), np.int16)}, r"hu is an array of shape \(4, 3\)"),
        ({"hu": np.array([["a"]])}, "hu is an array"),
        ({"hu": np.zeros((0, 9, 9), np.int16)}, "hu is an array"),
        ({"spacing_mm": np.ones(4)}, r"numbers \(4, 2\) in mm"),
        ({"spacing_mm": np.full((4, 2), 0.00075)}, "slice 0 measure 0.00075 x 0.00075"),
        ({"spacing_mm": np.full((4, 2), np.nan)}, "slice 0 measure nan"),
        ({"patient": np.arange(3)}, r"whole numbers \(4,\)"),
        ({"patient": np.arange(4) / 2}, "whole numbers"),
        ({"patient": np.array([-1, 0, 1, 2])}, "patient -1 is below 0"),
        ({"hu": np.stack([body()] * 4) + 1024}, "hu isn't in HU: .*rescale intercept"),
        ({"hu": np.full((4, 60, 80), np.nan)}, "no finite numbers"),
        ({"hu": np.array([None] * 4)}, "is no .npz of numbers"),  # would have to be unpickled
    ],
)
def test_what_is_no_file_of_slices_is_refused_in_a_line(write, other, words):
    with pytest.raises(ScanError, match=words) as error:
        read_slices(write(**other))
    assert "few.npz" in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: b"text",
        lambda d: d[:-200],
        lambda data: data[: len(data) // 2],
    ],
)
def test_a_damaged_file_is_refused_in_a_line(write, damage):
    path = write()
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ScanError, match=r"few\.npz"):
        read_slices(path)


def test_a_single_array_and_a_missing_file_are_refused(tmp_path):
    np.save(tmp_path / "one.npy", body())
    with pytest.raises(ScanError, match="lacks the array"):
        read_slices(tmp_path / "one.npy")
    with pytest.raises(ScanError, match="Cannot read"):
        read_slices(tmp_path / "none.npz")


def test_a_slice_file_is_plain_values():
    slices = SliceFile("mine", np.stack([body()]), np.full((1, 2), 1.5), np.array([7]))
    (stack,) = slices.stacks()
    assert stack.name == "mine, patient 7"
