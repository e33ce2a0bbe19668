"""A result as DICOM files in a folder: whole or not there, in the input's frame of reference."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...counterfactual.result import DISCLAIMER, Explanation
from ...errors import MissingExtraError, OutputError
from ...events import CancelToken, ProgressCallback, Reporter
from ...methods.attribution import Attribution
from ...scans.dicom.headers import quiet
from ...scans.modality import CT
from ...storage.atomic import write_json
from ...storage.folder import claim_folder
from ...storage.moving import files_in
from ...storage.names import reason
from .content import Content, content_of
from .record import RECORD, SCHEMA, own_files
from .source import Source, source_of

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

COUNTERFACTUAL, SCAN = "counterfactual", "scan"
MAP_FILE, HEATMAP_FILE, REPORT_FILE = "map.dcm", "heatmap.dcm", "measurements.dcm"
LAYERS = "layers"


def check_dicom_extra() -> None:
    """Raise `MissingExtraError` if the package that writes DICOM isn't installed."""
    if find_spec("highdicom") is None:
        raise MissingExtraError("highdicom", "dicom", "write DICOM files")


def export_dicom(
    result: Explanation | Attribution,
    out: str | os.PathLike[str],
    place: str | Path | Sequence[Path] | None = None,
    force: bool = False,
    progress: ProgressCallback | None = None,
    cancel: CancelToken | None = None,
) -> Path:
    """Write a result as DICOM files that any viewer lays over the scan, all or nothing.

    Parameters
    ----------
    result : Explanation or Attribution
        A counterfactual, or a method's map.
    out : str or path-like
        The folder; made with those above it.
    place : str, Path or sequence of Path, optional
        The scan's DICOM series: its folder, multi-frame file, or files; there may be others. None:
        where the scan was read from; a scan that was never DICOM gets new UIDs and no patient's
        data.
    force : bool
        Replace an earlier export there: the files that it lists, if nothing else is there.
    progress, cancel
        As for `explain`; a cancel leaves nothing.

    Returns
    -------
    Path
        The folder. `export.json` in it says what each file is, and what is empty in them.

    Raises
    ------
    MissingExtraError
        If highdicom (extra `dicom`) isn't installed.
    ScanError, OutputError
        If the series isn't there or isn't the scan that was explained, the scan is no CT, or the
        folder can't be written.
    """
    check_dicom_extra()
    cancel, report = cancel or CancelToken(), Reporter(progress).report
    with claim_folder(out, own_files, force) as claim:
        try:
            fill_with_dicom(claim.start(), result, place, report, cancel.check)
        except OSError as error:
            raise OutputError(
                f"Cannot write the DICOM files to {claim.target}: {reason(error)}. Nothing was "
                f"written. Free some space, or choose another folder."
            ) from error
        cancel.check()
        written = claim.commit()
    report("written", f"DICOM files written to {written}", 1.0, output=str(written))
    return written


def fill_with_dicom(
    folder: Path,
    result: Explanation | Attribution,
    place: str | Path | Sequence[Path] | None = None,
    report: Callable[..., None] = lambda *told, **data: None,
    check: Callable[[], None] = lambda: None,
) -> None:
    """Write the DICOM files of a result into an empty folder, and what they are last.

    Parameters
    ----------
    report : callable
        Told stage, message and fraction done.
    check : callable
        Called between files; it may raise.
    """
    scan = result.scan
    if scan.modality != CT:
        raise OutputError(
            f"DICOM files are made of CT in HU only, and {scan.name} is {scan.modality}: export "
            f"the result folder instead."
        )
    report("dicom", "Looking for the scan's DICOM images", 0.0)
    source = source_of(scan, place)
    check()
    with quiet():  # highdicom and pydicom would print odd values of the header, names among them
        _Writer(folder, content_of(result), source, report, check).write()


class _Writer:
    """Writes the files one after the other, remembering what they are."""

    def __init__(
        self,
        folder: Path,
        content: Content,
        source: Source,
        report: Callable[..., None],
        check: Callable[[], None],
    ):
        self._folder, self._content, self._source = folder, content, source
        self._report, self._check = report, check
        self._what: dict[str, str] = {}
        self._off: dict[str, float] = {}
        self._images: list[Dataset] = []

    def write(self) -> None:
        """Write everything."""
        base = list(self._source.headers)
        if not self._source.referable:
            base = self._ct(SCAN, self._content.scan.array, 0, "Scan", self._why_scan())
        if self._content.counterfactual is not None:
            self._images += self._ct(
                COUNTERFACTUAL,
                self._content.counterfactual,
                1,
                "Counterfactual",
                "The scan, altered by a program until a classifier's score moved. "
                f"{DISCLAIMER}: it is no image of a patient's state.",
            )
        heatmap = self._heatmaps(base)
        self._map(base)
        self._measurements(base, heatmap)
        write_json(self._folder / RECORD, self._record())

    def _why_scan(self) -> str:
        if self._source.series:
            return "The input's own voxels as single-frame images, for others to refer to."
        return "The voxels of a file that isn't DICOM; nothing is known of patient and study."

    def _ct(
        self, name: str, volume: np.ndarray, order: int, what: str, derivation: str
    ) -> list[Dataset]:
        from .ct import write_ct
        from .series import new_series
        from .values import rescale_of

        self._report("dicom", f"Writing the {what.lower()} as CT images", 0.1 + 0.2 * order)
        volume = self._turned(volume)
        rescale = rescale_of(volume)
        self._off[name] = rescale.off(volume)
        self._what[name] = f"{what}, CT images"
        return write_ct(
            self._folder / name,
            self._source.headers,
            volume,
            rescale,
            new_series(order, what),
            derivation,
            self._source.frames,
            bool(self._source.series),
            name == COUNTERFACTUAL,
            self._check,
        )

    def _heatmaps(self, base: Sequence[Dataset]) -> Dataset | None:
        from .images import write_segmentation
        from .series import new_series

        content = self._content
        self._report("dicom", "Writing the heatmaps as segmentations", 0.5)
        whole = write_segmentation(
            self._folder / HEATMAP_FILE,
            base,
            self._turned(content.labels),
            content.bands,
            new_series(2, "Heatmap"),
            1,
            f"Heatmap: {content.values_name}",
        )
        if whole is not None:
            self._what[HEATMAP_FILE] = f"{content.values_name}: its levels, segmentation"
            self._images.append(whole)
        series = new_series(3, "Evidence by part")
        for number, layer in enumerate(content.layers, start=1):
            self._check()
            name = f"{LAYERS}/layer_{number:03d}.dcm"
            (self._folder / LAYERS).mkdir(exist_ok=True)
            labels = self._turned(layer.labels)
            made = write_segmentation(
                self._folder / name, base, labels, layer.bands, series, number, layer.name
            )
            if made is not None:
                self._what[name] = f"{layer.name}, segmentation"
                self._images.append(made)
        return whole

    def _map(self, base: Sequence[Dataset]) -> None:
        from .images import write_map
        from .series import new_series

        content = self._content
        self._check()
        self._report("dicom", "Writing the change as a parametric map", 0.8)
        made = write_map(
            self._folder / MAP_FILE,
            base,
            self._turned(content.values),
            new_series(4, "Change in HU" if content.values_unit else "Map"),
            content.values_name,
            content.values_unit,
            content.limit,
        )
        if made is not None:
            self._what[MAP_FILE] = f"{content.values_name}, parametric map"
            self._images.append(made)

    def _measurements(self, base: Sequence[Dataset], heatmap: Dataset | None) -> None:
        from .measurements import write_measurements
        from .series import new_series

        content = self._content
        self._check()
        self._report("dicom", "Writing the measurement report", 0.9)
        voxel_ml = abs(float(np.linalg.det(content.scan.ijk_to_ras()[:3, :3]))) / 1000.0
        counts = np.bincount(content.labels.ravel(), minlength=len(content.bands) + 1)
        write_measurements(
            self._folder / REPORT_FILE,
            content,
            heatmap,
            [float(counts[band.label]) * voxel_ml for band in content.bands],
            [*base, *self._images],
            new_series(5, "Scores"),
        )
        self._what[REPORT_FILE] = "Scores, models, settings and flags, measurement report"

    def _turned(self, volume: np.ndarray) -> np.ndarray:
        return self._source.turn.apply(volume)

    def _record(self) -> dict[str, Any]:
        source = self._source
        return {
            "schema": SCHEMA,
            "disclaimer": DISCLAIMER,
            "content": self._what,
            "series": source.series,
            "refers_to": "the input's images" if source.referable else SCAN,
            "empty": list(source.empty),
            "left_out": list(source.left_out),
            "largest_rounding_hu": self._off,
            "files": [*files_in(self._folder), RECORD],
        }
