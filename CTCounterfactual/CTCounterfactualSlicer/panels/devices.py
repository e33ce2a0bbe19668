"""Which graphics cards there are, asked of their driver: Slicer's own process has no torch."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass

DRIVER_TOOL = "nvidia-smi"
QUERY = ("--query-gpu=index,name,memory.free,memory.total", "--format=csv,noheader,nounits")
MIB_PER_GB = 1e9 / 2**20


@dataclass(frozen=True)
class Gpu:
    """A CUDA card: its number, name, and memory in GB."""

    index: int
    name: str
    free_gb: float
    total_gb: float


def parse(text: str) -> tuple[Gpu, ...]:
    """Return the cards of the driver tool's CSV lines; lines it can't read are left out."""
    cards = []
    for line in text.splitlines():
        fields = [field.strip() for field in line.split(",")]
        try:
            index, name, free, total = fields
            card = Gpu(int(index), name, float(free) / MIB_PER_GB, float(total) / MIB_PER_GB)
        except ValueError:  # "[N/A]", a warning, or a name with a comma
            continue
        cards.append(card)
    return tuple(cards)


class GpuQuery:
    """Asks the driver without waiting: `poll` is None until the answer is there."""

    def __init__(self) -> None:
        tool = shutil.which(DRIVER_TOOL)
        self._process = None
        if tool is not None:
            try:
                self._process = subprocess.Popen(
                    [tool, *QUERY],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    text=True,
                    errors="replace",
                    **_hidden(),
                )
            except OSError:
                self._process = None

    def poll(self) -> tuple[Gpu, ...] | None:
        """Return the cards, none where there is no driver; None while it isn't known."""
        if self._process is None:
            return ()
        if self._process.poll() is None:
            return None
        output, _ = self._process.communicate()
        cards = parse(output) if self._process.returncode == 0 else ()
        self._process = None
        return cards

    def close(self) -> None:
        """Stop asking."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None


def _hidden() -> dict:
    """Return what keeps a console window from flashing up on Windows."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NO_WINDOW}
    return {}
