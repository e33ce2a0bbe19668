"""A small slab of a generated chest as a file, and workers on it."""

import sys
import textwrap
from pathlib import Path
from time import monotonic, sleep

import pytest

from CTCounterfactualLib.counterfactual.settings import ExplainSettings
from CTCounterfactualLib.jobs.job import FileInput, Job
from CTCounterfactualLib.jobs.process import WorkerProcess, worker_command
from CTCounterfactualLib.jobs.workplace import Workplace
from CTCounterfactualLib.outputs.volumes import write_image
from CTCounterfactualLib.scans.generated import ChestSettings, generate_chest
from CTCounterfactualLib.scans.scan import Scan

# For what hangs; a busy machine must never reach it.
TIMEOUT_S = 600


@pytest.fixture(scope="session")
def slab():
    """Eight slices through the lungs; 16 on the prepared grid."""
    chest = generate_chest(ChestSettings(spacing=(3.0, 3.0, 6.0), size=(120, 92, 8), seed=5))
    return Scan.from_array(chest.hu, chest.spacing, chest.origin, name="slab")


@pytest.fixture
def workplace(tmp_path, slab):
    """A workplace that holds the slab, as Slicer's side makes it."""
    made = Workplace.create(tmp_path / "root")
    write_image(slab.image, made.input)
    yield made
    made.remove()


@pytest.fixture
def job(workplace):
    """Two chunks of 8 prepared slices, few evaluations."""
    return Job(
        FileInput(str(workplace.input), name="slab"),
        str(workplace.result),
        scene=False,
        settings=ExplainSettings(mode="chunks", chunk=8, max_evaluations=3, frames=0),
        stream=str(workplace.stream),
    )


@pytest.fixture
def start_worker(workplace, job):
    """Return a function that starts a worker on the job; it is ended whatever happens."""
    started = []

    def start(**options):
        job.write(workplace.job)
        started.append(WorkerProcess(worker_command(sys.executable, workplace.job), **options))
        started[-1].start()
        return started[-1]

    yield start
    for worker in started:
        worker.close()


@pytest.fixture
def run_python():
    """Return a function that starts some code in place of a worker; it is ended at the end."""
    started = []

    def run(code, **options):
        command = [sys.executable, "-c", textwrap.dedent(code)]
        started.append(WorkerProcess(command, **options))
        started[-1].start()
        return started[-1]

    yield run
    for worker in started:
        worker.close()


@pytest.fixture
def finish():
    """Return a function that polls a worker until it has ended, or `until` is true."""

    def poll(worker, until=lambda: False):
        end = monotonic() + TIMEOUT_S
        while worker.poll() and not until():
            assert monotonic() < end, "the worker doesn't end"
            sleep(0.01)
        return worker.outcome

    return poll


@pytest.fixture
def wait_until():
    """Return a function that waits until something is so, as long as it takes."""

    def wait(wanted):
        end = monotonic() + TIMEOUT_S
        while not wanted():
            assert monotonic() < end, "it never comes"
            sleep(0.01)

    return wait


@pytest.fixture
def descendants():
    """Return a function: pid -> the pids of it and all below it that are alive (Linux)."""
    return _descendants


def _descendants(pid: int) -> set[int]:
    found, todo = set(), [pid]
    while todo:
        pid = todo.pop()
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
            children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        except OSError:
            continue
        if state != "Z":
            found.add(pid)
        todo += map(int, children)
    return found
