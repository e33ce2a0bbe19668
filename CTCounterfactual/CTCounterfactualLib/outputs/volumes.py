"""Image files of a result: counterfactual, difference, heatmaps; every write is verified."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ..counterfactual.result import ChunkHeatmap, Explanation
from ..errors import OutputError

# gzip level: 1 writes three times as fast as the default for about 5 % more bytes.
COMPRESSION_LEVEL = 1


def write_volumes(explanation: Explanation, folder: Path) -> None:
    """Write `counterfactual.nrrd`, `difference.nrrd` and `heatmap.nrrd` on the scan's own grid."""
    scan = explanation.scan
    write_image(scan.with_array(explanation.counterfactual), folder / "counterfactual.nrrd")
    write_image(scan.with_array(explanation.difference), folder / "difference.nrrd")
    write_image(scan.with_array(explanation.heatmap), folder / "heatmap.nrrd")


def write_chunk_heatmaps(heatmaps: tuple[ChunkHeatmap, ...], folder: Path) -> None:
    """Write `heatmaps/chunk_KKK-KKK.nrrd`, named by first and last-but-one prepared slice."""
    if not heatmaps:
        return
    (folder / "heatmaps").mkdir()
    for heatmap in heatmaps:
        name = f"chunk_{heatmap.start:03d}-{heatmap.stop:03d}.nrrd"
        write_image(heatmap.image, folder / "heatmaps" / name)


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
    return f"Cannot write {path.name} completely into {path.parent}: is the disk full?"
