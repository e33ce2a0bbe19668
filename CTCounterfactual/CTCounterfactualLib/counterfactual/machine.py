"""What the system gives this process: cores and memory; and whom it killed for lack of memory.

Linux only, as files tell it: control groups (a container's limits) of both versions, else the
whole machine's. Elsewhere, and where nothing can be read, the answer is None, or for the cores
their plain number.
"""

from __future__ import annotations

import math
import os
from contextlib import suppress
from pathlib import Path

ROOT = Path("/")
# Limits above this are none: version 1 writes the greatest number there is.
_NO_LIMIT = 1 << 60
BYTES_PER_KB = 1024


def memory_kills(root: Path = ROOT) -> int | None:
    """Return how many processes the kernel has ended so far for lack of memory, or None.

    Of this process's control group where it is counted there, else of the whole machine.
    """
    for folder, name in (
        (_group("", root), "memory.events"),
        (_group("memory", root), "memory.oom_control"),
        (root / "proc", "vmstat"),
    ):
        found = _number_after("oom_kill", _read(folder / name))
        if found is not None:
            return found
    return None


def forget_peak_memory(root: Path = ROOT) -> None:
    """Let this process's greatest memory count from now on, where the system can (Linux)."""
    with suppress(OSError):
        (root / "proc" / "self" / "clear_refs").write_text("5")


def memory_limit(root: Path = ROOT) -> int | None:
    """Return the bytes of main memory that this process may use: its group's or the machine's."""
    found = []
    for folder, name in (
        (_group("", root), "memory.max"),
        (_group("memory", root), "memory.limit_in_bytes"),
    ):
        with suppress(ValueError):
            found.append(int(_read(folder / name)))
    kilobytes = _number_after("MemTotal:", _read(root / "proc" / "meminfo"))
    found += [kilobytes * BYTES_PER_KB] if kilobytes else []
    return min((limit for limit in found if limit < _NO_LIMIT), default=None)


def cores(root: Path = ROOT) -> int:
    """Return how many cores this process may keep busy, at least 1: affinity and quota counted."""
    allowed = (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )
    quota = _quota(root)
    return allowed if quota is None else max(1, min(allowed, math.floor(quota + 0.5)))


def _quota(root: Path) -> float | None:
    """Return the cores' worth of time that the control group is given, or None for no limit."""
    second, first = _group("", root), _group("cpu", root)
    words = _read(second / "cpu.max").split() or [
        _read(first / "cpu.cfs_quota_us").strip(),
        _read(first / "cpu.cfs_period_us").strip(),
    ]
    with suppress(ValueError, IndexError, ZeroDivisionError):
        share = int(words[0]) / int(words[1])  # "max" and -1 stand for no limit
        return share if share > 0 else None
    return None


def _group(controller: str, root: Path) -> Path:
    """Return the folder of this process's control group: version 1's, or 2's of no name."""
    top = root / "sys" / "fs" / "cgroup" / controller
    for line in _read(root / "proc" / "self" / "cgroup").splitlines():
        _number, names, path = (*line.split(":", 2), "", "")[:3]
        if controller in names.split(","):
            inside = top / path.lstrip("/")
            return inside if inside.is_dir() else top  # a container sees its own group as the top
    return top


def _number_after(word: str, text: str) -> int | None:
    for line in text.splitlines():
        words = line.split()
        if words[:1] == [word] and len(words) > 1 and words[1].isdigit():
            return int(words[1])
    return None


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
