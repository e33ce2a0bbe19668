"""Hosts for tests: a real ssh server on this computer, and what answers there."""

import shlex
import sys
import textwrap
from pathlib import Path
from time import monotonic, sleep

import numpy as np
import pytest
import SimpleITK as sitk

from ssh_server import CAN_RUN, LACKING, TIMEOUT_S, running_server

sys.path.insert(0, str(Path(__file__).parent))  # far_workers, whatever pytest's import mode

import CTCounterfactualLib
from CTCounterfactualLib.jobs.job import GeneratedInput, Job
from CTCounterfactualLib.remote.hosts import FILE_VARIABLE, Host
from CTCounterfactualLib.remote.ssh import PROGRAM_VARIABLE

LIBRARY = Path(CTCounterfactualLib.__file__).parent


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """The configuration for `ssh -F` of a running server, in which it is the host `lab`."""
    if not CAN_RUN:
        pytest.skip(LACKING)
    with running_server(tmp_path_factory.mktemp("ssh")) as config:
        yield config


@pytest.fixture
def ours(server, tmp_path, monkeypatch):
    """Let this program use the server's ssh configuration, and a list of hosts of its own."""
    monkeypatch.setenv(PROGRAM_VARIABLE, f"ssh -F {shlex.quote(str(server))}")
    monkeypatch.setenv(FILE_VARIABLE, str(tmp_path / "hosts.json"))
    return server


@pytest.fixture
def there(tmp_path):
    """The folder where the host keeps its temporary files."""
    folder = tmp_path / "there"
    folder.mkdir()
    return folder


@pytest.fixture
def host(ours, there):
    """The real program as the host has it."""
    command = ("env", "OMP_NUM_THREADS=1", sys.executable, str(LIBRARY))
    return Host("lab", "lab", command, str(there))


@pytest.fixture
def host_of(ours, there, tmp_path):
    """Return a function: a script -> a host whose program it is; by Python, or what `run` says."""

    def make(code: str, *run: str) -> Host:
        script = tmp_path / "program"
        script.write_text(textwrap.dedent(code))
        path = f"PYTHONPATH={LIBRARY.parent}"
        words = run or ("env", path, sys.executable)
        return Host("lab", "lab", (*words, str(script)), str(there))

    return make


# The real host's side; only what it would start for the work is a few lines instead: no PyTorch.
_KEEPER = """
import sys
from CTCounterfactualLib.remote import keeper

WORKER = {worker!r}
keeper.worker_command = lambda python, job: [python, "-c", WORKER]
{more}
folder = sys.argv[sys.argv.index("--folder") + 1]
sys.exit(keeper.Keeper(sys.stdin.buffer, sys.stdout.buffer, folder, SILENCE_S).run())
"""
# What each worker begins with: its folder, and how to tell an event.
_WORKER = """
import json, os, sys, time
folder = os.path.dirname(sys.argv[sys.argv.index("--consent") + 1])
consent = json.load(open(os.path.join(folder, "consent.json")))
def tell(step, **values):
    told = {"step": step, "message": "x", "fraction": 0.5, **values}
    sys.stdout.write(json.dumps(told) + "\\n")
    sys.stdout.flush()
tell("prepared", keeper=os.getppid(), worker=os.getpid(), folder=folder)
"""


@pytest.fixture
def keeper_with(host_of):
    """Return a function: a worker's code, and changes to the host's side -> a host."""

    def make(worker: str, more: str = "", silence_s: float = 60.0) -> Host:
        more = f"SILENCE_S = {silence_s}\n{textwrap.dedent(more)}"
        return host_of(_KEEPER.format(worker=_WORKER + textwrap.dedent(worker), more=more))

    return make


@pytest.fixture
def generated(tmp_path):
    """A job with nothing to send: its chest is made there."""
    return Job(GeneratedInput(3), str(tmp_path / "out" / "result"), scene=False)


@pytest.fixture
def slab_file(tmp_path):
    """A scan of a few kilobytes as a file."""
    path = tmp_path / "slab.nrrd"
    image = sitk.GetImageFromArray((np.arange(4000).reshape(4, 25, 40) % 1800 - 900).astype("<i2"))
    sitk.WriteImage(image, str(path))
    return path


@pytest.fixture
def gone():
    """Return a function that waits until a folder is empty, or a process has ended."""

    def wait(what) -> None:
        end = monotonic() + TIMEOUT_S
        while any(what.iterdir()) if isinstance(what, Path) else _alive(what):
            assert monotonic() < end, f"{what} stays"
            sleep(0.02)

    return wait


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False
