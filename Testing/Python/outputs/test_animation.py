"""The animation: every step shows the right slices, and what can't be made is said in words."""

import shutil
import subprocess
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from CTCounterfactualLib.counterfactual.result import Flag, Frame
from CTCounterfactualLib.errors import MissingExtraError, OutputError, SettingsError
from CTCounterfactualLib.outputs import animation as animation_module
from CTCounterfactualLib.outputs.animation import write_animation
from CTCounterfactualLib.outputs.animation_steps import FOOT, _steps, draw_steps, lambda_text
from CTCounterfactualLib.outputs.views import PLANES, Oriented, busiest
from CTCounterfactualLib.scans.scan import Scan

TURN = np.radians(20)
# Oblique about S, with K reversed.
OBLIQUE = (np.cos(TURN), -np.sin(TURN), 0, np.sin(TURN), np.cos(TURN), 0, 0, 0, -1)


def made(explanation, direction, step):
    """Return an explanation whose change is one block of +400 HU, with frames at 1/4, 1/2, 3/4.

    The frames hold the block's box with every `step`-th row and column.
    """
    rng = np.random.default_rng(3)
    hu = rng.integers(-1000, 400, (10, 24, 20)).astype(np.int16)
    scan = Scan.from_array(hu, (1.5, 1.5, 4.0), (-20.0, 7.0, 30.0), direction)
    change = np.zeros_like(hu)
    change[3:7, 4:21, 4:17] = 400
    box = (slice(2, 19, step), slice(2, 23, step), slice(2, 9))  # (I, J, K)
    frames = tuple(
        Frame(f, 3.0 - f, scan.with_array((hu + f * change).astype(np.int16))[box])
        for f in (0.25, 0.5, 0.75)
    )
    return replace(
        explanation, scan=scan, difference=change, counterfactual=hu + change, frames=frames
    )


@pytest.mark.parametrize("direction", [(1, 0, 0, 0, 1, 0, 0, 0, 1), OBLIQUE])
def test_steps_are_the_scan_with_each_fraction_of_the_change(explanation, direction):
    case = made(explanation, direction, 1)
    steps = list(_steps(case, PLANES))
    scan = Oriented.of(case.scan.image)
    change = Oriented.of(case.scan.with_array(case.difference))
    assert [step.fraction for step in steps] == [0.0, 0.25, 0.5, 0.75, 1.0]
    assert [step.score for step in steps] == [
        case.scores.original,
        2.75,
        2.5,
        2.25,
        case.scores.counterfactual,
    ]
    for step in steps:
        for plane in PLANES:
            index = busiest(change, plane)
            wanted = scan.plane(plane, index) + step.fraction * change.plane(plane, index)
            assert step.slices[plane] == pytest.approx(wanted, abs=1.0)


def test_frames_with_fewer_rows_are_no_blurrier(explanation):
    """With every second row and column, the change is interpolated, not the scan under it."""
    case = made(explanation, (1, 0, 0, 0, 1, 0, 0, 0, 1), 2)
    half = list(_steps(case, ("axial",)))[2]
    index = busiest(Oriented.of(case.scan.with_array(case.difference)), "axial")
    moved = half.slices["axial"] - case.scan.array[index]
    assert moved[6:19, 6:15] == pytest.approx(200.0, abs=1.0)  # inside the block
    assert moved[:2] == pytest.approx(0.0)
    assert moved[:, 18:] == pytest.approx(0.0)


def test_pictures_are_grey_even_sized_and_differ(explanation):
    case = made(explanation, OBLIQUE, 1)
    pictures = draw_steps(case, ("axial",))
    assert len(pictures) == 5
    assert {p.mode for p in pictures} == {"L"}
    assert len({p.size for p in pictures}) == 1
    assert all(side % 2 == 0 for side in pictures[0].size)
    brightness = [np.asarray(p)[64:-30].mean() for p in pictures]
    assert np.all(np.diff(brightness) > 0.5)  # tissue comes in step by step
    heads = [np.asarray(p)[:64].tobytes() for p in pictures]
    assert len(set(heads)) == 5  # each step tells its own lambda and score


def test_a_failed_test_of_trust_stands_on_every_step(explanation):
    failed = replace(explanation, flags=(Flag("trust-reversal", "It isn't restored."),))
    clean = draw_steps(replace(explanation, flags=()), ("axial",))
    for before, after in zip(clean, draw_steps(failed, ("axial",)), strict=True):
        rows = np.flatnonzero((np.asarray(before) != np.asarray(after)).any(axis=1))
        assert rows.min() >= before.height - FOOT  # and nothing else has changed


def test_the_gif_goes_there_and_back_for_ever(explanation, tmp_path):
    assert len(explanation.frames) == 3
    write_animation(explanation, tmp_path / "change.gif", fps=5)
    with Image.open(tmp_path / "change.gif") as gif:
        assert gif.info["loop"] == 0
        shown, times = [], []
        for number in range(gif.n_frames):
            gif.seek(number)
            times.append(gif.info["duration"])
            shown.append(np.asarray(gif.convert("L")))
    assert times == [1200, 200, 200, 200, 1200, 200, 200, 200]
    for there, back in ((1, 7), (2, 6), (3, 5)):
        assert np.array_equal(shown[there], shown[back])
    # No palette or dither comes between: the first frame is the drawn picture.
    assert np.array_equal(shown[0], np.asarray(draw_steps(explanation, PLANES)[0]))


def test_lambda_is_that_of_the_step(explanation):
    whole = replace(explanation, whole=replace(explanation.whole, lam=-80.0))
    assert lambda_text(whole, 0.25) == "\N{GREEK SMALL LETTER LAMDA} \u221220 (25 %)"
    assert lambda_text(replace(explanation, whole=None), 0.5) == (
        "50 % of each slab's \N{GREEK SMALL LETTER LAMDA}"
    )


def test_long_target_names_stay_on_the_picture(explanation):
    named = replace(explanation, target=replace(explanation.target, name="word " * 80))
    short = replace(explanation, target=replace(explanation.target, name="word " * 3))
    long, brief = (draw_steps(e, ("axial",))[0] for e in (named, short))
    assert long.size == brief.size
    assert np.asarray(long)[30:50, -10:].max() == np.asarray(brief)[30:50, -10:].max()


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg isn't installed")
def test_the_mp4_is_a_video_of_the_same_pictures(explanation, tmp_path):
    write_animation(explanation, tmp_path / "change.mp4", planes=("axial",))
    first = draw_steps(explanation, ("axial",))[0]
    raw = subprocess.run(
        [
            "ffmpeg",
            "-v",
            "error",
            "-i",
            str(tmp_path / "change.mp4"),
            "-f",
            "rawvideo",
            "-pix_fmt",
            "gray",
            "pipe:1",
        ],
        capture_output=True,
        check=True,
    ).stdout
    width, height = first.size
    pictures = np.frombuffer(raw, np.uint8).reshape(-1, height, width)  # (frames, rows, columns)
    assert len(pictures) == pytest.approx(25 * (6 * 0.25 + 2 * 1.25), abs=3)
    error = np.abs(pictures[0].astype(int) - np.asarray(first)).mean()
    assert error < 4


def test_without_frames_it_says_what_to_do(explanation, tmp_path):
    with pytest.raises(OutputError, match=r"nothing to play.*frames above 0"):
        write_animation(replace(explanation, frames=()), tmp_path / "change.gif")
    assert list(tmp_path.iterdir()) == []


def test_formats_rates_and_planes_are_checked(explanation, tmp_path):
    with pytest.raises(OutputError, match=r"'change\.avi'; end its name with \.gif or \.mp4"):
        write_animation(explanation, tmp_path / "change.avi")
    for fps in (0, -1, float("nan"), 1000):
        with pytest.raises(SettingsError, match="steps a second above 0"):
            write_animation(explanation, tmp_path / "change.gif", fps=fps)
    with pytest.raises(SettingsError, match="choose some of axial, coronal, sagittal"):
        write_animation(explanation, tmp_path / "change.gif", planes=("oblique",))


def test_ffmpeg_that_is_missing_or_fails_is_named(explanation, tmp_path):
    with pytest.raises(OutputError, match=r"'no-such-ffmpeg' is no program.*\.gif"):
        write_animation(explanation, tmp_path / "change.mp4", ffmpeg="no-such-ffmpeg")
    false = shutil.which("false")
    if false is None:
        pytest.skip("this system has no program that only fails")
    with pytest.raises(OutputError, match=r"ffmpeg couldn't write change\.mp4: it ended with 1"):
        write_animation(explanation, tmp_path / "change.mp4", ffmpeg=false)
    assert list(tmp_path.iterdir()) == []


def test_without_matplotlib_the_extra_is_named(explanation, tmp_path, monkeypatch):
    monkeypatch.setattr(animation_module, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match="write an animation"):
        write_animation(explanation, tmp_path / "change.gif")


def test_an_earlier_file_is_kept_when_it_fails(explanation, tmp_path):
    (tmp_path / "change.gif").write_bytes(b"earlier")
    with pytest.raises(OutputError):
        write_animation(replace(explanation, frames=()), tmp_path / "change.gif")
    assert (tmp_path / "change.gif").read_bytes() == b"earlier"
    with pytest.raises(OutputError, match="Cannot write"):
        write_animation(explanation, tmp_path / "missing" / "change.gif")
