"""Run as a program: removes a folder when whoever started this ends without having said goodbye.

    python watchdog.py FOLDER

On its standard input come lines: `pid N`, a process group that is to end with it, and `done`. Where
the input ends without `done` (the worker was killed), these groups are killed and the folder is
removed. Standard library only: it is started without this package on its path.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from contextlib import suppress

# A killed process may still write for a moment.
SETTLE_S = 0.2
TRIES = 25


def main(folder: str) -> None:
    """Watch until the input ends."""
    for number in (signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)):
        signal.signal(number, signal.SIG_IGN)  # what ends the others is what this waits for
    groups = []
    for line in sys.stdin:
        words = line.split()
        if words[:1] == ["done"]:
            return
        if words[:1] == ["pid"]:
            groups.append(int(words[1]))
    for group in groups:
        if sys.platform != "win32":
            with suppress(OSError):
                os.killpg(group, signal.SIGKILL)
    for _ in range(TRIES):
        shutil.rmtree(folder, ignore_errors=True)
        if not os.path.exists(folder):
            with suppress(OSError):  # unless other jobs are there
                os.rmdir(os.path.dirname(folder))
            return
        time.sleep(SETTLE_S)


if __name__ == "__main__":
    main(sys.argv[1])
