"""Image files of a result: counterfactual, difference, heatmaps; every write is verified."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ..counterfactual.result import ChunkHeatmap, Explanation, Frame
from ..errors import OutputError
from .record import frame_file
from .region_record import REGION_FILE

# gzip level: 1 writes three times as fast as the default for about 5 % more bytes.
COMPRESSION_LEVEL = 1
SCAN_FILE = "scan.nrrd"
LUNGS_FILE = "lungs.nrrd"


def write_volumes(
    explanation: Explanation, folder: Path, check: Callable[[], None] = lambda: None
) -> None:
    """Write `counterfactual.nrrd`, `difference.nrrd` and `heatmap.nrrd` on the scan's own grid.

    `region.nrrd` joins them if the run found a region, and `lungs.nrrd`, on the prepared grid, if
    the scan shows lungs. `check` is called after
    each file, here and below: it may raise.
    """
    scan = explanation.scan
    for name in ("counterfactual", "difference", "heatmap"):
        write_image(scan.with_array(getattr(explanation, name)), folder / f"{name}.nrrd")
        check()
    if explanation.region_search is not None:
        write_image(explanation.region_search.image, folder / REGION_FILE)
        check()
    if explanation.lungs is not None:
        write_image(explanation.lungs, folder / LUNGS_FILE)


def write_chunk_heatmaps(
    heatmaps: tuple[ChunkHeatmap, ...], folder: Path, check: Callable[[], None] = lambda: None
) -> None:
    """Write each chunk's label map under its `heatmap_file` name."""
    if not heatmaps:
        return
    (folder / "heatmaps").mkdir()
    for heatmap in heatmaps:
        write_image(heatmap.image, folder / heatmap_file(heatmap.start, heatmap.stop))
        check()


def heatmap_file(start: int, stop: int) -> str:
    """Return the name, within the result folder, of the heatmap of slices [start, stop)."""
    return f"heatmaps/chunk_{start:03d}-{stop:03d}.nrrd"


def write_frames(
    frames: tuple[Frame, ...], folder: Path, check: Callable[[], None] = lambda: None
) -> None:
    """Write `frames/frame_NN.nrrd`, from the scan towards the counterfactual."""
    if not frames:
        return
    (folder / "frames").mkdir()
    for number, frame in enumerate(frames, start=1):
        write_image(frame.image, folder / frame_file(number))
        check()


def write_image(image: sitk.Image, path: Path) -> None:
    """Write an image, gzip-compressed, and make sure that it is whole.

    Raises
    ------
    OutputError
        If it can't be written or doesn't read back: ITK doesn't report a full disk.
    """
    try:
        sitk.WriteImage(image, str(path), useCompression=True, compressionLevel=COMPRESSION_LEVEL)
        back = sitk.ReadImage(str(path))
        whole = np.array_equal(sitk.GetArrayViewFromImage(back), sitk.GetArrayViewFromImage(image))
    except RuntimeError as error:
        raise OutputError(_cause(path)) from error
    if not whole:
        raise OutputError(_cause(path))


def _cause(path: Path) -> str:
    return f"{path.name} can't be written completely, most likely because the disk is full."
