"""Files that leave Slicer: result folder, figure, animation, report, picture of the views.

Each is written under another name first and appears only when it is whole.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from CTCounterfactualLib.errors import OutputError
from CTCounterfactualLib.outputs.earlier import RECORD
from CTCounterfactualLib.outputs.folder import claim_output
from CTCounterfactualLib.outputs.volumes import write_image
from CTCounterfactualLib.storage.atomic import whole_file, write_json
from CTCounterfactualLib.storage.moving import files_in
from CTCounterfactualLib.storage.names import reason

from .result import AnyResult, NodeResult

FIGURE = "figure.png"
REPORT = "report.html"
SCAN = "scan.nrrd"


def export_folder(
    result: AnyResult, path: str | Path, force: bool = False, with_scan: bool = False
) -> Path:
    """Copy the result folder, as the command line writes it, to a place of the user's.

    Parameters
    ----------
    force : bool
        Replace an earlier result there.
    with_scan : bool
        Also write the scan, so that the folder can be read on a computer without it.

    Raises
    ------
    OutputError
        If there is something else, it can't be written, or the temporary files are gone. An
        earlier result is then untouched.
    """
    source = _folder(result)
    with claim_output(path, force) as output:
        try:
            copy = output.claim.start()
            shutil.copytree(source, copy, dirs_exist_ok=True)
            if with_scan:
                write_image(result.explanation.scan.image, copy / SCAN)
            _complete_record(copy, result)
        except OSError as error:
            raise _unwritable(output.claim.target, error) from error
        return output.claim.commit()


def export_figure(result: AnyResult, path: str | Path, force: bool = False) -> Path:
    """Copy the figure (PNG): scan, counterfactual and change, side by side.

    Here and below a file that is there is replaced only with `force`; else `OutputError`.
    """
    figure = _folder(result) / FIGURE
    return _write(path, force, lambda partial: shutil.copyfile(figure, partial))


def export_report(result: AnyResult, path: str | Path, force: bool = False) -> Path:
    """Write the report: one HTML page that needs no other file."""
    ready = result.folder / REPORT
    if ready.is_file():
        return _write(path, force, lambda partial: shutil.copyfile(ready, partial))
    from CTCounterfactualLib.outputs.folder import write_any_report

    return _write(path, force, lambda partial: write_any_report(result.explanation, partial))


def export_animation(
    result: NodeResult,
    path: str | Path,
    fps: float | None = None,
    ffmpeg: str | None = None,
    force: bool = False,
) -> Path:
    """Write the change along lambda as .gif, or as .mp4 where ffmpeg is found.

    Parameters
    ----------
    fps : float, optional
        Pictures a second; None takes the writer's own.
    ffmpeg : str, optional
        The program; None takes the one that Screen Capture is set up with, or one on PATH.
    force : bool
        Replace a file that is there.
    """
    from CTCounterfactualLib.outputs.animation import write_animation

    options: dict[str, Any] = {"fps": fps, "ffmpeg": ffmpeg or screen_capture_ffmpeg()}
    options = {name: value for name, value in options.items() if value is not None}
    return _write(
        path, force, lambda partial: write_animation(result.explanation, partial, **options)
    )


def export_views(path: str | Path, view_node=None, force: bool = False) -> Path:
    """Write a picture (PNG) of one view, or of the whole layout, by the Screen Capture module."""
    import ScreenCapture

    capture = ScreenCapture.ScreenCaptureLogic()
    view = None if view_node is None else capture.viewFromNode(view_node)

    def write(partial: Path) -> None:
        try:
            capture.captureImageFromView(view, str(partial))
        except ValueError as error:
            raise OutputError(
                f"The views can't be captured: {error} Show the view in the layout, then try again."
            ) from error

    return _write(path, force, write)


def screen_capture_ffmpeg() -> str | None:
    """Return the ffmpeg that Slicer's Screen Capture module uses, or None."""
    try:
        import ScreenCapture
    except ImportError:  # outside Slicer
        return None
    capture = ScreenCapture.ScreenCaptureLogic()
    if not capture.isFfmpegPathValid() and not capture.findFfmpeg():
        return None
    return capture.getFfmpegPath()


def _folder(result: AnyResult) -> Path:
    if not (result.folder / RECORD).is_file():
        raise OutputError(
            "The result's temporary files are gone (the caches were cleared). Run the explanation "
            "again, or save the scene, which holds its volumes and tables."
        )
    return result.folder


def _complete_record(copy: Path, result: AnyResult) -> None:
    """Let the record list what lies in the folder, and name the scan's own file, not our copy."""
    path = copy / RECORD
    record = json.loads(path.read_text(encoding="utf-8"))
    record["files"] = files_in(copy)
    record["input"]["path"] = result.explanation.scan.path
    write_json(path, record)


def _write(path: str | Path, force: bool, write: Callable[[Path], object]) -> Path:
    """Write a file, and the folders above it that lack, whole or not at all."""
    with whole_file(path, overwrite=force, parents=True) as partial:  # writers go by the suffix
        write(partial)
    return Path(path).absolute()


def _unwritable(path: Path, error: OSError) -> OutputError:
    return OutputError(
        f"Cannot write {path}: {reason(error)}. Choose another place, or free some space."
    )
