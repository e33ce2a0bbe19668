"""The worker process on a real slab: events, cancel, a parent's death, a lack of memory."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
from dataclasses import replace
from pathlib import Path

import pytest
import SimpleITK as sitk

from CTCounterfactualLib.events import WORKING
from CTCounterfactualLib.jobs.process import LIB_DIR, WorkerProcess, worker_command
from CTCounterfactualLib.wording import Place

linux = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks into /proc")
posix = pytest.mark.skipif(os.name != "posix", reason="signals are POSIX")


def test_events_come_in_order_and_heatmaps_before_their_chunks(start_worker, workplace, finish):
    events, threads = [], set()

    def on_event(event):
        threads.add(threading.current_thread())
        if event.step == "chunk":
            start, stop = event.data["start"], event.data["stop"]
            path = workplace.stream / f"chunk_{start:03d}-{stop:03d}.nrrd"
            assert event.data["heatmap"] == str(path)
            assert sitk.ReadImage(str(path)).GetPixelID() == sitk.sitkUInt8
        events.append(event)

    worker = start_worker(on_event=on_event)
    outcome = finish(worker)
    assert outcome.kind == "done", outcome
    assert outcome.returncode == 0
    assert outcome.output == str(workplace.result)
    assert (workplace.result / "result.json").is_file()
    assert [event.step for event in events if event.step != WORKING] == [
        "read",
        "prepared",
        "encoded",
        "gradient",
        "chunk",
        "chunk",
        "scored",
        "written",
    ]
    fractions = [event.fraction for event in events]
    assert fractions == sorted(fractions)
    assert events[0].message == "Read slab"
    assert set(events[-1].data["scores"]) == {"original", "reconstruction", "counterfactual"}
    assert threads == {threading.current_thread()}
    assert not worker.poll()  # and stays so


@linux
def test_cancel_during_the_search_ends_the_tree_and_leaves_nothing(
    start_worker, workplace, descendants, finish
):
    steps = []
    worker = start_worker(on_event=lambda event: steps.append(event.step))
    finish(worker, until=lambda: "gradient" in steps)
    before = descendants(worker.pid)
    assert before
    worker.cancel()
    worker.cancel()
    outcome = finish(worker)
    assert outcome.kind == "cancelled"
    assert outcome.message == "Cancelled: nothing was written."
    assert "written" not in steps
    assert not descendants(worker.pid)
    left = {path.name for path in workplace.folder.iterdir()}
    assert left == {"input.nrrd", "job.json", "session.lock", "stream"}
    workplace.remove()
    assert not workplace.folder.exists()


@linux
def test_the_worker_ends_when_its_parent_is_killed(workplace, job, descendants, wait_until):
    job.write(workplace.job)
    parent = subprocess.Popen(
        [
            sys.executable,
            "-c",
            textwrap.dedent("""
            import sys, time
            from CTCounterfactualLib.jobs.process import WorkerProcess, worker_command
            def on_event(event):
                if event.step == "prepared":
                    print(worker.pid, flush=True)
            worker = WorkerProcess(worker_command(sys.executable, sys.argv[1]), None, on_event)
            worker.start()
            while worker.poll():
                time.sleep(0.01)
        """),
            str(workplace.job),
        ],
        env=os.environ | {"PYTHONPATH": str(LIB_DIR.parent)},
        stdout=subprocess.PIPE,
        text=True,
    )
    pid = int(parent.stdout.readline())
    assert descendants(pid)
    parent.kill()
    parent.communicate()
    wait_until(lambda: not descendants(pid))
    assert not workplace.result.exists()


@posix
def test_a_worker_that_is_killed_is_said_to_be(start_worker, finish):
    steps = []
    worker = start_worker(on_event=lambda event: steps.append(event.step))
    finish(worker, until=lambda: "prepared" in steps)
    os.kill(worker.pid, signal.SIGKILL)
    outcome = finish(worker)
    assert outcome.kind == "failed"
    assert "killed from outside (signal 9)" in outcome.message  # by us, not for lack of memory
    assert "If it was the memory" in outcome.advice and "smaller chunk" in outcome.advice
    assert outcome.error == "Killed"
    assert outcome.returncode == -signal.SIGKILL


@linux
def test_a_real_lack_of_memory_is_told_with_advice(start_worker, workplace, finish):
    import resource

    def on_event(event):
        if event.step == "prepared":  # from here on it gets no more than it has
            pages = int(Path(f"/proc/{worker.pid}/statm").read_text().split()[0])
            limit = pages * resource.getpagesize()
            resource.prlimit(worker.pid, resource.RLIMIT_AS, (limit, limit))

    worker = start_worker(on_event=on_event)
    outcome = finish(worker)
    assert outcome.kind == "failed"
    assert outcome.error == "OutOfMemory", outcome
    assert outcome.message.startswith("Out of memory: this computer")
    assert "Close other programs" in outcome.advice
    assert outcome.details
    assert not workplace.result.exists()


def test_an_error_of_the_job_is_told_in_words(start_worker, workplace, finish):
    workplace.input.write_bytes(b"not an image")
    outcome = finish(start_worker())
    assert outcome.kind == "failed"
    assert outcome.error == "ScanError"
    assert outcome.returncode == 2
    assert "'slab'" in outcome.message  # as the user knows it, not our copy of it
    assert str(workplace.folder) not in outcome.message and "input.nrrd" not in outcome.message


@pytest.mark.parametrize(
    ("place", "words"),
    [
        (None, "use baseline='scan'."),
        (Place.CONSOLE, "use baseline='scan'."),
        (Place.PANEL, "use Settings > Advanced > Baseline: Scan."),
    ],
)
def test_errors_have_the_words_of_the_place_that_started_the_worker(
    workplace, job, finish, place, words
):
    settings = replace(job.settings, baseline="reconstruction")
    replace(job, region=job.input.path, settings=settings).write(workplace.job)
    worker = WorkerProcess(worker_command(sys.executable, workplace.job), place=place)
    worker.start()
    outcome = finish(worker)
    assert outcome.error == "SettingsError"
    assert outcome.message.endswith(words)


@linux
def test_a_launcher_around_the_worker_passes_all_on(workplace, job, descendants, finish):
    """As PythonSlicer does: it starts the real Python on its own pipes and waits for it."""
    job.write(workplace.job)
    code = "import subprocess, sys; sys.exit(subprocess.call(sys.argv[1:]))"
    launcher = [sys.executable, "-c", code]
    steps = []
    worker = WorkerProcess(
        launcher + worker_command(sys.executable, workplace.job),
        on_event=lambda event: steps.append(event.step),
    )
    worker.start()
    finish(worker, until=lambda: "encoded" in steps)
    tree = descendants(worker.pid)
    assert len(tree) == 2
    worker.cancel()
    assert finish(worker).kind == "cancelled"
    assert not any(descendants(pid) for pid in tree)
