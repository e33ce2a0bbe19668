"""Reading NRRD and MetaImage by ITK, after a look at what ITK would pass over in their headers."""

from __future__ import annotations

import re
from pathlib import Path

import SimpleITK as sitk

from ...errors import ScanError
from ..checks import check_shape
from .detached import check_voxel_files
from .metaimage import check_metaimage
from .metaimage_voxels import check_metaimage_voxels
from .nrrd import check_nrrd, in_millimetres

# Longest part of an ITK message that is shown.
MAX_REASON = 200
# Formats that hold a scan's whole geometry and whose truncated files are recognised; ITK reads
# others too (TIFF, legacy VTK), but a truncated one as fewer slices or random values.
CHECKS = {"NrrdImageIO": check_nrrd, "MetaImageIO": check_metaimage}
# Voxels of a "vector" of one value (an NRRD list axis of length 1) -> of a plain value.
_PLAIN = {
    getattr(sitk, f"sitkVector{kind}"): getattr(sitk, f"sitk{kind}")
    for kind in ("Int8", "UInt8", "Int16", "UInt16", "Int32", "UInt32", "Int64", "UInt64",
                 "Float32", "Float64")
}  # fmt: skip


def read_by_itk(path: Path) -> tuple[sitk.Image, tuple[tuple[str, str], ...]]:
    """Return an NRRD or MetaImage file's image in mm, and warnings on its geometry.

    Raises
    ------
    ScanError
        Another format, no single 3D volume, no voxel size, truncated or damaged.
    """
    check = CHECKS.get(sitk.ImageFileReader.GetImageIOFromFileName(str(path)))
    if check is None:
        raise ScanError(
            f"The file {path} is not in a format that CT scans are read from. Give an NRRD, NIfTI, "
            f"MetaImage or DICOM file, or a folder with a DICOM series."
        )
    scale, warnings = check(path)
    check_voxel_files(path)
    if check is check_metaimage:
        check_metaimage_voxels(path)
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
        check_shape(str(path), reader.GetSize(), reader.GetNumberOfComponents())
        if reader.GetPixelID() in _PLAIN:
            reader.SetOutputPixelType(_PLAIN[reader.GetPixelID()])
        image = reader.Execute()
    except RuntimeError as error:
        raise ScanError(
            f"Cannot read {path} as an image: {_reason(error)} The file may be truncated or "
            f"damaged: export or copy it again."
        ) from error
    if image.GetDimension() > 3:  # trailing axes of length 1, as check_shape made sure
        image = image[(slice(None),) * 3 + (0,) * (image.GetDimension() - 3)]
    in_millimetres(image, scale)
    return image, warnings


def _reason(error: RuntimeError) -> str:
    """Return the one line of an ITK exception that says what is wrong, as a sentence."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    told = next((line for line in reversed(lines) if "ERROR" in line or "Error" in line), None)
    line = told.split(": ", 1)[-1] if told else (lines or ["unknown reason"])[-1]
    # "NrrdImageIO(0x55a3b95fbda0): " tells the user nothing.
    return re.sub(r"\w+\(0x[0-9a-f]+\): ", "", line)[:MAX_REASON].rstrip(":. ") + "."
