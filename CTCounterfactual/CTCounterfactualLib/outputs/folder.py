"""The result folder: claimed before the work, whole or not there, and nothing else replaced."""

from __future__ import annotations

import json
import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from ..counterfactual.result import Explanation
from ..errors import MissingExtraError, OutputError
from ..events import CancelToken
from ..methods.attribution import Attribution
from ..storage.atomic import write_text
from ..storage.claim import FolderClaim, WrittenElsewhere
from ..storage.folder import claim_folder
from ..storage.moving import files_in
from ..storage.names import reason
from ..storage.sizes import in_words
from .attribution_files import fill_with_attribution
from .dicom.export import check_dicom_extra, fill_with_dicom
from .earlier import RECORD, own_files
from .figure import write_figure
from .record import result_record
from .says.files import write_says
from .tables import write_chunk_table
from .texts import cleaned
from .volumes import SCAN_FILE, write_chunk_heatmaps, write_frames, write_image, write_volumes

logger = logging.getLogger(__name__)

SCENE = "scene.mrb"
REPORT = "report.html"
DICOM = "dicom"
# A result's files hold about this many bytes per scan voxel before compression: counterfactual and
# difference (2 each), heatmaps (2), frames (up to 4), and the scene with all of it and the scan
# again (8).
BYTES_PER_VOXEL = 18
# CT compresses to about a third; less free space than that can't be enough.
COMPRESSED_SHARE = 0.25


@dataclass(frozen=True)
class ResultFolder:
    """A folder that is ours until it is written or given up; made by `claim_output`."""

    claim: FolderClaim

    def check_space(self, voxels: int) -> None:
        """Raise `OutputError` if a result of a scan of so many voxels can't find room."""
        needed = voxels * BYTES_PER_VOXEL * COMPRESSED_SHARE
        folder = self.claim.new.parent
        free = shutil.disk_usage(folder).free
        if free < needed:
            raise OutputError(
                f"Too little space in {folder.parent}: {in_words(free)} are free, a result of "
                f"this scan needs about {in_words(needed)}. Free some, or choose another folder."
            )

    def write(
        self,
        explanation: Explanation | Attribution,
        scene: bool | None = None,
        with_scan: bool = False,
        report: bool = False,
        cancel: CancelToken | None = None,
        dicom: bool = False,
    ) -> Path:
        """Write everything of an explanation; see `write_result`.

        A cancel is asked for between the files, and leaves nothing.
        """
        check = (cancel or CancelToken()).check
        wanted = _Wanted(scene, with_scan, report, dicom)
        try:
            _fill(self.claim.start(), explanation, wanted, check)
        except (OSError, OutputError) as error:
            cause = reason(error) if isinstance(error, OSError) else error.text
            shutil.rmtree(self.claim.new, ignore_errors=True)
            place = _write_elsewhere(self.claim.new.parent, explanation, wanted, check)
            if place is None:
                raise OutputError(
                    f"Cannot write the result to {self.claim.target}: {cause.rstrip('.')}. "
                    f"Nothing was written."
                ) from error
            raise WrittenElsewhere(
                f"Cannot write the result to {self.claim.target}: {cause.rstrip('.')}. It was "
                f"written to {place} instead.",
                place,
            ) from error
        check()
        return self.claim.commit()


@contextmanager
def claim_output(
    out: str | os.PathLike[str],
    force: bool = False,
    scene: bool | None = None,
    dicom: bool = False,
) -> Iterator[ResultFolder]:
    """Claim a result folder, so that hours aren't spent on what can't be written then.

    Parameters
    ----------
    out : str or path-like
        The result folder; folders above it that lack are made, and go again if the block fails.
    force : bool
        Allow an earlier result there to be replaced: the files that it lists, if nothing else is
        there.
    scene, dicom : bool, optional
        As for `write_result`: what they need is looked for now.

    Raises
    ------
    LockHeld
        If another run has claimed it; names it.
    OutputError
        If it holds anything but an earlier result, or that without `force`, or can't be written.
    MissingExtraError
        If a package lacks that the figure, or an explicitly asked scene, is made by.
    """
    if find_spec("matplotlib") is None:
        raise MissingExtraError("matplotlib", "figures", "draw figure.png")
    if scene and find_spec("slicer") is None:
        raise MissingExtraError("slicer", "scene", "write the Slicer scene (scene.mrb)")
    if dicom:
        check_dicom_extra()
    with claim_folder(out, own_files, force) as claim:
        yield ResultFolder(claim)


def write_result(
    explanation: Explanation | Attribution,
    out: str | os.PathLike[str],
    force: bool = False,
    scene: bool | None = None,
    with_scan: bool = False,
    report: bool = False,
    dicom: bool = False,
) -> Path:
    """Write everything of an explanation into a folder, all or nothing.

    Parameters
    ----------
    explanation : Explanation or Attribution
        What to write: a counterfactual, or a method's map.
    out : str or path-like
        The result folder; created with its parents.
    force : bool
        Replace an earlier result there: the files that it lists, if nothing else is there.
    scene : bool, optional
        Write `scene.mrb`; None does so if slicer-core (extra `scene`) is installed.
    with_scan : bool
        Also write the scan itself as `scan.nrrd` (for one that was generated on the spot).
    report : bool
        Also write `report.html`, one page for a person.
    dicom : bool
        Also write `dicom/`, as `export_dicom` does.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    WrittenElsewhere
        If its place has become impossible: `data["output"]` says where it is instead.
    OutputError
        If it can't be written; then nothing is left behind and an earlier result is untouched.
    MissingExtraError
        If the figure's or an explicitly asked scene's package is missing.
    """
    with claim_output(out, force, scene, dicom) as output:
        if output.claim.notice:
            logger.warning("%s", output.claim.notice)
        return output.write(explanation, scene, with_scan, report, dicom=dicom)


@dataclass(frozen=True)
class _Wanted:
    scene: bool | None
    with_scan: bool
    report: bool
    dicom: bool


def _fill(
    folder: Path, explanation: Explanation | Attribution, wanted: _Wanted, check: Callable[[], None]
) -> None:
    """Write all files of a result into an empty folder, and the record of them last."""
    if isinstance(explanation, Attribution):
        fill_with_attribution(
            folder,
            explanation,
            wanted.with_scan,
            check,
            lambda made: _more(folder, made, wanted, check),
        )
        return
    explanation = cleaned(explanation)
    if wanted.with_scan:
        write_image(explanation.scan.image, folder / SCAN_FILE)
        check()
    write_volumes(explanation, folder, check)
    write_chunk_heatmaps(explanation.chunk_heatmaps, folder, check)
    write_frames(explanation.frames, folder, check)
    write_chunk_table(explanation, folder / "chunks.csv")
    check()
    write_figure(explanation, folder / "figure.png")
    check()
    _more(folder, explanation, wanted, check)
    check()
    record = result_record(explanation, [*files_in(folder), RECORD])
    text = json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False)
    write_text(folder / RECORD, text + "\n")


def _more(
    folder: Path, explanation: Explanation | Attribution, wanted: _Wanted, check: Callable[[], None]
) -> None:
    """Write what it says in words; report, DICOM and scene, where they are wanted."""
    write_says(folder, explanation)
    if wanted.report:
        write_any_report(explanation, folder / REPORT)
    if wanted.dicom:
        (folder / DICOM).mkdir()
        fill_with_dicom(folder / DICOM, explanation, check=check)
    _write_scene(explanation, folder / SCENE, wanted.scene)


def write_any_report(explanation: Explanation | Attribution, path: str | Path) -> None:
    """Write the report of a result of either kind; see `report.write_report`."""
    if isinstance(explanation, Attribution):
        from .map_report import write_map_report

        write_map_report(explanation, path)
        return
    from .report import write_report

    write_report(explanation, path)


def _write_scene(explanation: Explanation | Attribution, path: Path, wanted: bool | None) -> None:
    if wanted is False:
        return
    try:
        from ..scene.bundle.write import write_scene
    except MissingExtraError as error:
        if wanted:
            raise
        logger.warning("No scene.mrb: %s", error)
        return
    write_scene(explanation, path)


def _write_elsewhere(
    tried: Path, explanation: Explanation | Attribution, wanted: _Wanted, check: Callable[[], None]
) -> Path | None:
    """Write into the system's temporary folder if that is another disk; None where it can't be."""
    try:
        if os.stat(tried).st_dev == os.stat(tempfile.gettempdir()).st_dev:
            return None
        place = Path(tempfile.mkdtemp(prefix="ct-counterfactual-result-"))
    except OSError:
        return None
    try:
        _fill(place, explanation, wanted, check)
    except BaseException as error:
        shutil.rmtree(place, ignore_errors=True)
        if isinstance(error, (OSError, OutputError)):
            return None
        raise
    return place
