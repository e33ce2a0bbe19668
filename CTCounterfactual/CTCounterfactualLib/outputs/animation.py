"""The change played as GIF or MP4: from the scan to the counterfactual and back."""

from __future__ import annotations

import math
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

from ..counterfactual.result import Explanation
from ..errors import MissingExtraError, OutputError, SettingsError
from ..storage.atomic import whole_file
from ..wording import say
from .animation_steps import draw_steps
from .texts import cleaned
from .views import PLANES

SUFFIXES = (".gif", ".mp4")
FRAMES_PER_SECOND = 4.0
# Viewers play a GIF's frames that are shorter than 0.02 s slowly instead.
FASTEST = 50.0
# Scan and counterfactual stand still this long, so that they can be looked at.
REST_SECONDS = 1.2
# ffmpeg repeats pictures to this rate: players stumble over videos of a few frames a second.
VIDEO_RATE = 25


def write_animation(
    explanation: Explanation,
    path: str | Path,
    fps: float = FRAMES_PER_SECOND,
    planes: tuple[str, ...] = PLANES,
    ffmpeg: str | None = None,
) -> None:
    """Write the change along lambda as a loop: `.gif`, or `.mp4` where ffmpeg is at hand.

    Each plane shows the slice that changes most, in the figure's window; lambda and score are
    printed on every step. Nothing is invented between the frames that were computed.

    Parameters
    ----------
    explanation : Explanation
        One that was made with the setting `frames` above 0.
    path : str or Path
        The file; its suffix chooses the format. One that is there is replaced.
    fps : float
        Steps a second.
    planes : tuple of str
        Some of `axial`, `coronal`, `sagittal`, side by side.
    ffmpeg : str, optional
        The program that makes an MP4; None takes the one on PATH.

    Raises
    ------
    OutputError
        If there are no frames, the suffix is another, ffmpeg is missing or fails, or the file
        can't be written.
    SettingsError
        For an `fps` or planes that can't be.
    MissingExtraError
        If matplotlib (which brings Pillow) isn't installed.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise OutputError(
            f"An animation can't be written as {path.name!r}; end its name with .gif or .mp4."
        )
    _check(explanation, fps, planes)
    program = _find_ffmpeg(ffmpeg) if suffix == ".mp4" else ""
    # Pillow comes with matplotlib, whose font is used.
    if find_spec("matplotlib") is None or find_spec("PIL") is None:
        raise MissingExtraError("matplotlib", "figures", "write an animation")

    there = draw_steps(cleaned(explanation), planes)
    loop = [*there, *there[-2:0:-1]]  # back without showing either end twice
    stands = [1] * len(loop)  # in steps
    stands[0] = stands[len(there) - 1] = max(1, round(REST_SECONDS * fps))
    with whole_file(path) as partial:
        if suffix == ".gif":
            _write_gif(loop, stands, fps, partial)
        else:
            _write_mp4(loop, stands, fps, partial, program)


def _check(explanation: Explanation, fps: float, planes: tuple[str, ...]) -> None:
    if not explanation.frames:
        raise OutputError(
            "There is nothing to play: this explanation has no volumes between scan and "
            f"counterfactual. Explain again with {say('frames')} above 0 (if that was so, nothing "
            f"changed enough to be seen)."
        )
    if not (math.isfinite(fps) and 0 < fps <= FASTEST):
        raise SettingsError(f"fps is {fps}; choose steps a second above 0, up to {FASTEST:g}.")
    if not planes or not set(planes) <= set(PLANES):
        raise SettingsError(f"planes are {planes!r}; choose some of {', '.join(PLANES)}.")


def _write_gif(loop: list, stands: list[int], fps: float, path: Path) -> None:
    """Write grey pictures as they are: a GIF's palette holds all 256 greys."""
    loop[0].save(
        path,
        format="GIF",
        save_all=True,
        append_images=loop[1:],
        loop=0,
        duration=[round(1000 * steps / fps) for steps in stands],
    )


def _find_ffmpeg(given: str | None) -> str:
    program = shutil.which(given or "ffmpeg")
    if program is None:
        what = f"{given!r} is no program that can be run" if given else "it is not on the PATH"
        raise OutputError(
            f"An MP4 needs the program ffmpeg, and {what}. Install ffmpeg, say where it is, or "
            f"choose a file name that ends with .gif."
        )
    return program


def _write_mp4(loop: list, stands: list[int], fps: float, path: Path, ffmpeg: str) -> None:
    """Encode by ffmpeg, each picture repeated for as many steps as it stands."""
    width, height = loop[0].size
    command = [
        ffmpeg,
        "-hide_banner",
        "-loglevel",
        "error",
        "-y",
        "-f",
        "rawvideo",
        "-pixel_format",
        "gray",
        "-video_size",
        f"{width}x{height}",
        "-framerate",
        f"{fps:g}",
        "-i",
        "pipe:0",
        "-r",
        str(VIDEO_RATE),
        "-pix_fmt",
        "yuv420p",
        "-movflags",
        "+faststart",
        str(path),
    ]
    pixels = b"".join(
        picture.tobytes() * steps for picture, steps in zip(loop, stands, strict=True)
    )
    done = subprocess.run(command, input=pixels, capture_output=True, check=False)
    if done.returncode or not path.is_file():
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise OutputError(
            f"ffmpeg couldn't write {path.name}: "
            f"{said[-1] if said else f'it ended with {done.returncode}'}. Choose a file name that "
            f"ends with .gif, or another ffmpeg."
        )
