"""What a computer has to work with: Python, packages, processor, memory, disk, graphics cards."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from ..counterfactual.machine import cores, memory_limit

# PyTorch's first import on a slow disk of a cluster.
TORCH_S = 120.0
# In a process of its own: what hangs or crashes there is a fact, too.
_ASK_TORCH = """
import json, torch
cards = []
for number in range(torch.cuda.device_count()):
    free, total = torch.cuda.mem_get_info(number)
    cards.append({"name": torch.cuda.get_device_name(number), "free": free, "total": total})
print(json.dumps({"torch": torch.__version__, "cards": cards}))
"""


def facts(folder: Path) -> dict[str, Any]:
    """Return what this computer has, as plain JSON values.

    Parameters
    ----------
    folder : Path
        Where jobs would be kept; the disk's free space is its.

    Returns
    -------
    dict
        `system`, `cores`, `memory` and `memory_free` (bytes or None), `folder`, `disk_free`,
        `torch` (version or empty), `torch_fault` (why there is none), `cards` (name, free, total).
    """
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "cores": cores(),
        "memory": memory_limit(),
        "memory_free": _available(),
        "folder": str(folder),
        "disk_free": shutil.disk_usage(folder).free,
        "writable": os.access(folder, os.W_OK | os.X_OK),
        **_torch(),
    }


def _torch() -> dict[str, Any]:
    nothing = {"torch": "", "cards": []}
    try:
        asked = subprocess.run(
            [sys.executable, "-c", _ASK_TORCH],
            capture_output=True,
            timeout=TORCH_S,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return {**nothing, "torch_fault": str(error)}
    if asked.returncode != 0:
        said = asked.stderr.decode("utf-8", "replace").strip().splitlines()
        return {**nothing, "torch_fault": said[-1] if said else f"exit code {asked.returncode}"}
    return {**json.loads(asked.stdout.splitlines()[-1]), "torch_fault": ""}


def _available() -> int | None:
    """Return the bytes of main memory that are free for programs; None where nothing tells."""
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError):
        pass
    return None
