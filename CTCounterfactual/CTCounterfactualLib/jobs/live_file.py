"""A volume in a file that two processes share: one writes planes into it, the other shows them."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import OutputError
from ..scans.pieces import pieces
from ..storage.names import reason


class LiveFile:
    """Voxels (K, J, I), HU, of a scan's type in a file; `write` makes it, `look` looks at it.

    Attributes
    ----------
    path : Path
        Raw voxels, K slowest, no header: `describe` says the rest.
    voxels : numpy.ndarray
        (K, J, I): the file itself, as memory.
    """

    def __init__(self, path: Path, voxels: np.ndarray):
        self.path = path
        self.voxels = voxels

    @classmethod
    def write(cls, path: Path, scan: np.ndarray) -> LiveFile:
        """Make the file with a scan's voxels in it, so that its space is there once and for all.

        Raises
        ------
        OutputError
            If there is no room.
        """
        try:
            with path.open("wb") as file:
                for part in pieces(scan.shape):
                    file.write(np.ascontiguousarray(scan[part]).data)
        except OSError as error:
            with suppress(OSError):
                path.unlink()
            raise OutputError(
                f"Cannot write the live volume to {path.parent}: {reason(error)}. It takes "
                f"{scan.nbytes / 1e6:.0f} MB; free some space there."
            ) from error
        return cls(path, np.memmap(path, scan.dtype, "r+", shape=scan.shape))

    @classmethod
    def look(cls, described: dict[str, Any]) -> LiveFile:
        """Look at a file that another process writes, as it `describe`s it.

        Raises
        ------
        OutputError
            If it isn't there or not as described.
        """
        try:
            path, kind = Path(described["path"]), np.dtype(described["type"])
            shape = tuple(described["shape"])
            return cls(path, np.memmap(path, kind, "r", shape=shape))
        except (OSError, KeyError, TypeError, ValueError) as error:
            raise OutputError(f"The live volume can't be read: {error}. Prepare again.") from error

    def describe(self) -> dict[str, Any]:
        """Return what `look` needs, as plain JSON values."""
        return {
            "path": str(self.path),
            "type": self.voxels.dtype.str,
            "shape": list(self.voxels.shape),
        }

    def close(self, remove: bool = False) -> None:
        """Let go of the file; with `remove` it goes."""
        self.voxels = np.empty(0, self.voxels.dtype)  # Windows removes no file that is mapped
        if remove:
            with suppress(OSError):
                self.path.unlink()
