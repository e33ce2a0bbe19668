"""The result folder: written whole or not at all, never over something that isn't a result."""

from __future__ import annotations

import errno
import json
import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..counterfactual.result import Explanation
from ..errors import MissingExtraError, OutputError
from ..wording import say
from .figure import write_figure
from .record import result_record
from .tables import write_chunk_table
from .volumes import SCAN_FILE, write_chunk_heatmaps, write_frames, write_image, write_volumes

logger = logging.getLogger(__name__)

RECORD = "result.json"
SCENE = "scene.mrb"
REPORT = "report.html"
# A result's files hold about this many bytes per scan voxel before compression: counterfactual and
# difference (2 each), heatmaps (2), frames (up to 4), and the scene with all of it and the scan
# again (8).
BYTES_PER_VOXEL = 18
# CT compresses to about a third; less free space than that can't be enough.
COMPRESSED_SHARE = 0.25
BYTES_PER_MB = 1e6


def check_output(out: str | Path, force: bool = False, voxels: int = 0) -> Path:
    """Make sure that a result could be written to `out`, before hours are spent on it.

    Parameters
    ----------
    out : str or Path
        The result folder.
    force : bool
        Allow an earlier result there to be replaced.
    voxels : int
        Voxels of the scan, to judge the free space; 0 skips that.

    Raises
    ------
    OutputError
        If it exists (without `force`), isn't a result, can't be written to, or lacks space.
    """
    out = Path(out).absolute()
    if out.is_dir() and not any(out.iterdir()):
        pass  # an empty folder is as good as none
    elif out.exists() or out.is_symlink():
        if not _is_result(out):
            raise OutputError(
                f"{out} exists and is no result of this program; choose another folder."
            )
        if not force:
            raise OutputError(
                f"{out} holds an earlier result; choose another folder, or replace it by "
                f"{say('force')}."
            )
    parent = out.parent
    try:
        parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=parent):
            pass
    except OSError as error:
        raise OutputError(f"Cannot write into {parent}: {error.strerror}.") from error
    needed = voxels * BYTES_PER_VOXEL * COMPRESSED_SHARE
    free = shutil.disk_usage(parent).free
    if free < needed:
        raise OutputError(
            f"Too little space in {parent}: {free / BYTES_PER_MB:.0f} MB are free, a result of "
            f"this scan needs about {needed / BYTES_PER_MB:.0f} MB. Free some, or choose another "
            f"folder."
        )
    return out


def write_result(
    explanation: Explanation,
    out: str | Path,
    force: bool = False,
    scene: bool | None = None,
    with_scan: bool = False,
    report: bool = False,
) -> Path:
    """Write everything of an explanation into a folder, all or nothing.

    Parameters
    ----------
    explanation : Explanation
        What to write.
    out : str or Path
        The result folder; created with its parents.
    force : bool
        Replace an earlier result there (never a folder of another kind).
    scene : bool, optional
        Write `scene.mrb`; None does so if slicer-core (extra `scene`) is installed.
    with_scan : bool
        Also write the scan itself as `scan.nrrd` (for one that was generated on the spot).
    report : bool
        Also write `report.html`, one page for a person.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    OutputError
        If it can't be written; then nothing is left behind and an earlier result is untouched.
    MissingExtraError
        If the figure's or an explicitly asked scene's package is missing.
    """
    out = check_output(out, force)
    with _staging(out) as folder:
        if with_scan:
            write_image(explanation.scan.image, folder / SCAN_FILE)
        write_volumes(explanation, folder)
        write_chunk_heatmaps(explanation.chunk_heatmaps, folder)
        write_frames(explanation.frames, folder)
        write_chunk_table(explanation, folder / "chunks.csv")
        write_figure(explanation, folder / "figure.png")
        if report:
            from .report import write_report

            write_report(explanation, folder / REPORT)
        _write_scene(explanation, folder / SCENE, scene)
        files = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
        record = result_record(explanation, [*files, RECORD])
        text = json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False)
        (folder / RECORD).write_text(text + "\n", encoding="utf-8")
        _replace(folder, out)
    return out


def _write_scene(explanation: Explanation, path: Path, wanted: bool | None) -> None:
    if wanted is False:
        return
    try:
        from ..scene.write import write_scene
    except MissingExtraError as error:
        if wanted:
            raise
        logger.warning("No scene.mrb: %s", error)
        return
    write_scene(explanation, path)


@contextmanager
def _staging(out: Path) -> Iterator[Path]:
    """Yield a temporary folder beside `out`; whatever is left of it is removed at the end."""
    try:
        folder = Path(tempfile.mkdtemp(prefix=f".{out.name}-partial-", dir=out.parent))
    except OSError as error:
        raise OutputError(f"Cannot write into {out.parent}: {error.strerror}.") from error
    try:
        yield folder
    except OSError as error:
        reason = "the disk is full" if error.errno == errno.ENOSPC else error.strerror or error
        raise OutputError(
            f"Cannot write the result to {out}: {reason}. Nothing was written."
        ) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _replace(folder: Path, out: Path) -> None:
    """Move the finished folder to `out`; an earlier result gives way only at the last moment."""
    folder.chmod(0o777 & ~_umask())  # mkdtemp made it private
    if not out.exists():
        os.rename(folder, out)
        return
    old = folder.with_name(folder.name + "-old")
    os.rename(out, old)
    try:
        os.rename(folder, out)
    except OSError:
        os.rename(old, out)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _is_result(folder: Path) -> bool:
    """Tell whether a folder holds a result of this program, by its record."""
    try:
        return "schema" in json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
