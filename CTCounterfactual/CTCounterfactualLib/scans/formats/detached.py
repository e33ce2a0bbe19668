"""Which files hold a scan: a header of text may name others for the voxels.

As in the NRRD definition (https://teem.sourceforge.net/nrrd/format.html, "data file") and MetaIO's
(https://itk.org/Wiki/MetaIO/Documentation, ElementDataFile): one name, a pattern for numbered
files, or a list that follows.
"""

from __future__ import annotations

import re
from pathlib import Path

from ...errors import ScanError
from .metaimage import metaimage_data
from .nifti import is_nifti, nifti_files
from .nrrd import MAGIC, nrrd_data

# "slice%03d.raw 1 60 1": numbered files; NRRD may say behind it how many axes each has.
_PATTERN = re.compile(
    r"(?P<before>[^%]*)(?P<form>%0?\d{0,2}d)(?P<after>[^%]*?)"
    r"\s+(?P<first>-?\d+)\s+(?P<last>-?\d+)\s+(?P<step>-?\d+)(\s+\d+)?"
)


def files_of(path: Path) -> tuple[Path, ...]:
    """Return the files that hold a scan: the header first, then its voxels' in their order.

    Parameters
    ----------
    path : Path
        An NRRD, MetaImage or NIfTI file that can be read; of a NIfTI pair either.

    Returns
    -------
    tuple of Path
        Only `path` where header and voxels are in one file.
    """
    if is_nifti(path):
        return nifti_files(path)
    return (path, *(file for file in voxel_files(path) if file.is_file()))


def voxel_files(path: Path) -> tuple[Path, ...]:
    """Return the files that an NRRD or MetaImage header names; none where voxels follow it."""
    with path.open("rb") as file:
        as_nrrd = file.read(len(MAGIC)) == MAGIC
    told, listed = (nrrd_data if as_nrrd else metaimage_data)(path)
    return tuple(path.parent / name for name in _names(told, listed))


def check_voxel_files(path: Path) -> None:
    """Raise `ScanError` naming the first file of voxels that isn't there, or isn't a file.

    ITK calls the header damaged then, and waits at a pipe for ever.
    """
    for file in voxel_files(path):
        if not file.exists():
            raise ScanError(
                f"{path} says that its voxels lie in {file}, which isn't there. Copy both, or "
                f"export it again as one file."
            )
        if not file.is_file():
            raise ScanError(
                f"{path} says that its voxels lie in {file}, which is no file. Export it again."
            )


def _names(told: str, listed: tuple[str, ...]) -> list[str]:
    """Return the names of the voxels' files; none where they follow the header."""
    if told.lower() in ("", "local"):
        return []
    if told.split()[0].lower() == "list":
        return list(listed)
    pattern = _PATTERN.fullmatch(told)
    if pattern is None:
        return [told]
    first, last, step = (int(pattern[name]) for name in ("first", "last", "step"))
    if step == 0:
        return []
    numbers = range(first, last + (1 if step > 0 else -1), step)
    return [pattern["before"] + pattern["form"] % n + pattern["after"] for n in numbers]
