"""Run commands of ours in this process and watch what they touch; see `test_nothing_runs`.

    python watch.py COMMANDS.json REPORT.json ALLOWED

COMMANDS is a list of command lines; `@resume FILE` reads a training's checkpoint, `@load FILE` and
`@script FILE` open a file as it must not be opened, to show that the watching works. The report has
for each: its exit code, the last line of stderr, its seconds, and what was written outside ALLOWED,
connected to, started, or compiled.
"""

import contextlib
import importlib
import io
import json
import os
import socket
import sys
import time
import warnings
from pathlib import Path

import torch

from CTCounterfactualLib.app.cli import main
from CTCounterfactualLib.errors import ModelError
from CTCounterfactualLib.training.files import read_checkpoint

WATCHED = (
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "os.spawn",
    "os.fork",
    "os.forkpty",
    "subprocess.Popen",
    "socket.",
    "urllib.Request",
    "http.client.",
    "ftplib.",
    "smtplib.",
    "pickle.find_class",
    "ctypes.dlopen",
    "shutil.",
    "os.remove",
    "os.rename",
    "os.mkdir",
    "os.link",
    "os.symlink",
    "os.putenv",
    "os.chmod",
    "code.__new__",
    "webbrowser.",
)
# Paths are their first arguments.
ON_FILES = ("shutil.", "os.remove", "os.rename", "os.mkdir", "os.link", "os.symlink", "os.chmod")
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
# What the commands would import in any case, before the watching begins.
BEFORE = (
    "safetensors.torch",
    "yaml",
    "monai.bundle",
    "monai.networks.nets",
    "onnxruntime",
    "onnx",
    "SimpleITK",
    "scipy.ndimage",
    "CTCounterfactualLib.counterfactual.engine",
    "CTCounterfactualLib.models.published",
    "CTCounterfactualLib.models.describe",
)
REBUILD = torch._utils._rebuild_tensor_v2
DEFAULTS = REBUILD.__defaults__


class Watcher:
    """Notes audit events while it is `on`."""

    def __init__(self, allowed: str, hostile: str):
        self.allowed, self.hostile = allowed, hostile
        self.on, self.seen = False, []

    def __call__(self, event: str, arguments: tuple) -> None:
        if not self.on:
            return
        self.on = False
        try:
            if self._matters(event, arguments):
                self.seen.append(f"{event} {str(arguments)[:200]}")
        finally:
            self.on = True

    def _matters(self, event: str, arguments: tuple) -> bool:
        if event == "open":
            path, mode, flags = (*arguments, None, None)[:3]
            writes = (flags or 0) & WRITING or set(str(mode or "")) & set("wax+")
            return bool(writes) and self._outside(path)
        if event == "exec":
            return self.hostile in str(getattr(arguments[0], "co_filename", ""))
        if event == "import":
            return "canary" in str(arguments[0])
        if not event.startswith(WATCHED) or event == "socket.gethostname":  # of a lock's holder
            return False
        if event == "socket.__new__":  # pairs of them, within the process, wake it up on a signal
            return arguments[1] in (socket.AF_INET, socket.AF_INET6)
        return self._outside(arguments[0]) if event.startswith(ON_FILES) else True

    def _outside(self, path) -> bool:
        if isinstance(path, int):
            return False  # opened before
        name = os.path.abspath(os.fsdecode(path))
        return name != os.devnull and not name.startswith(self.allowed)


def carry_out(command: list[str]) -> int:
    """Run one command and return its exit code."""
    verb, path = command[0], Path(command[-1])
    if verb == "@load":
        torch.load(path, weights_only=False)
    elif verb == "@script":
        torch.jit.load(path)
    elif verb == "@resume":
        try:
            read_checkpoint(path, ("net",))
        except ModelError as error:
            sys.stderr.write(str(error))
            return 2
    else:
        return main(command)
    return 0


def run(commands: list[list[str]], watcher: Watcher) -> list[dict]:
    """Run all commands; return what was seen of each."""
    rows = []
    for command in commands:
        out, watcher.seen, began = io.StringIO(), [], time.monotonic()
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(out):
            watcher.on = True
            try:
                code = carry_out(command)
            except SystemExit as error:
                code = error.code
            except Exception as error:
                code = f"{type(error).__name__}: {error}"
            finally:
                watcher.on = False
        if REBUILD.__defaults__ != DEFAULTS:
            watcher.seen.append("torch._utils._rebuild_tensor_v2 was changed")
            REBUILD.__defaults__ = DEFAULTS
        last = (out.getvalue().strip().splitlines() or [""])[-1]
        rows.append(
            {
                "command": command,
                "code": code,
                "said": last,
                "seen": watcher.seen,
                "seconds": time.monotonic() - began,
            }
        )
    return rows


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    sys.stdin = io.StringIO()
    warnings.simplefilter("ignore")
    for module in BEFORE:
        with contextlib.suppress(ImportError):
            importlib.import_module(module)
    wanted, report, allowed = sys.argv[1:]
    watch = Watcher(allowed, os.path.dirname(wanted))
    sys.addaudithook(watch)
    found = run(json.loads(Path(wanted).read_text()), watch)
    Path(report).write_text(json.dumps(found))
