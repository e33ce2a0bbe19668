"""The worker process: real workers on a real slab, and small programs for what may go wrong."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
from pathlib import Path
from time import monotonic, sleep

import pytest
import SimpleITK as sitk

from CTCounterfactualLib.jobs.process import LIB_DIR, WorkerProcess, worker_command

TIMEOUT_S = 120
linux = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks into /proc")
posix = pytest.mark.skipif(os.name != "posix", reason="signals are POSIX")


def finish(worker, until=lambda: False):
    """Poll until the worker has ended or `until` is true."""
    end = monotonic() + TIMEOUT_S
    while worker.poll() and not until():
        assert monotonic() < end, "the worker doesn't end"
        sleep(0.01)
    return worker.outcome


def python(code, **options):
    """Return a started worker process that runs some code instead of a job."""
    worker = WorkerProcess([sys.executable, "-c", textwrap.dedent(code)], **options)
    worker.start()
    return worker


def test_events_come_in_order_and_heatmaps_before_their_chunks(start_worker, workplace):
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
    assert [event.step for event in events] == [
        "read", "prepared", "encoded", "gradient", "chunk", "chunk", "scored", "written"
    ]
    fractions = [event.fraction for event in events]
    assert fractions == sorted(fractions)
    assert events[0].message == "Read slab"
    assert set(events[-1].data["scores"]) == {"original", "reconstruction", "counterfactual"}
    assert threads == {threading.current_thread()}
    assert not worker.poll()  # and stays so


@linux
def test_cancel_during_the_search_ends_the_tree_and_leaves_nothing(
    start_worker, workplace, descendants
):
    steps = []
    worker = start_worker(on_event=lambda event: steps.append(event.step))
    finish(worker, until=lambda: "gradient" in steps)
    before = descendants(worker.pid)
    assert before
    asked = monotonic()
    worker.cancel()
    worker.cancel()
    outcome = finish(worker)
    assert monotonic() - asked < 2.0
    assert outcome.kind == "cancelled"
    assert outcome.message == "Cancelled: nothing was written."
    assert "written" not in steps
    assert not descendants(worker.pid)
    left = {path.name for path in workplace.folder.iterdir()}
    assert left == {"input.nrrd", "job.json", "session.lock", "stream"}
    workplace.remove()
    assert not workplace.folder.exists()


@linux
@pytest.mark.parametrize("polled", [True, False])
def test_a_worker_that_ignores_all_requests_is_killed_with_its_children(polled, descendants):
    worker = python("""
        import signal, subprocess, sys, time
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(99)"
        subprocess.Popen([sys.executable, "-c", code])
        time.sleep(0.5)
        print("ready", flush=True)
        time.sleep(99)
    """, on_log=(lines := []).append)
    finish(worker, until=lambda: "ready" in lines)
    tree = descendants(worker.pid)
    assert len(tree) == 2
    asked = monotonic()
    worker.cancel()
    while any(descendants(pid) for pid in tree):
        assert monotonic() - asked < 2.0
        if polled:
            worker.poll()
        sleep(0.01)
    assert finish(worker).kind == "cancelled"


@linux
def test_the_worker_ends_when_its_parent_is_killed(workplace, job, descendants):
    job.write(workplace.job)
    parent = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent("""
            import sys, time
            from CTCounterfactualLib.jobs.process import WorkerProcess, worker_command
            def on_event(event):
                if event.step == "prepared":
                    print(worker.pid, flush=True)
            worker = WorkerProcess(worker_command(sys.executable, sys.argv[1]), None, on_event)
            worker.start()
            while worker.poll():
                time.sleep(0.01)
        """), str(workplace.job)],
        env=os.environ | {"PYTHONPATH": str(LIB_DIR.parent)}, stdout=subprocess.PIPE, text=True,
    )
    pid = int(parent.stdout.readline())
    assert descendants(pid)
    parent.kill()
    parent.communicate()
    killed = monotonic()
    while descendants(pid):
        assert monotonic() - killed < 10
        sleep(0.02)
    assert not workplace.result.exists()


@posix
def test_a_worker_that_the_system_kills_is_said_to_lack_memory(start_worker):
    steps = []
    worker = start_worker(on_event=lambda event: steps.append(event.step))
    finish(worker, until=lambda: "prepared" in steps)
    os.kill(worker.pid, signal.SIGKILL)
    outcome = finish(worker)
    assert outcome.kind == "failed"
    assert "ended by the operating system, most likely for want of memory" in outcome.message
    assert "smaller chunk" in outcome.advice
    assert outcome.error == "OutOfMemory"
    assert outcome.returncode == -signal.SIGKILL


@linux
def test_a_real_lack_of_memory_is_told_with_advice(start_worker, workplace):
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


def test_an_error_of_the_job_is_told_in_words(start_worker, workplace):
    workplace.input.write_bytes(b"not an image")
    outcome = finish(start_worker())
    assert outcome.kind == "failed"
    assert outcome.error == "ScanError"
    assert outcome.returncode == 2
    assert str(workplace.input) in outcome.message


def test_what_isnt_an_event_goes_to_the_log():
    lines, events = [], []
    worker = python("""
        import sys
        print("a library says hello")
        print('{"no": "event"}')
        print('{"step": "half')
        print('{"step": "read", "message": "Read", "fraction": 0.5, "size": [1]}', flush=True)
        sys.stderr.write("a warning \\xe4\\n")
    """, on_log=lines.append, on_event=events.append)
    outcome = finish(worker)
    assert sorted(lines) == sorted([
        "a library says hello", '{"no": "event"}', '{"step": "half', "a warning ä"
    ])
    (event,) = events
    assert (event.step, event.message, event.fraction) == ("read", "Read", 0.5)
    assert event.data == {"size": [1]}
    assert outcome.kind == "failed"  # it said nothing of a result
    assert outcome.message == "The computation ended before it had a result."
    assert "a warning" in outcome.details


@pytest.mark.parametrize(
    ("code", "said", "error"),
    [
        ("import sys; sys.exit(7)", "ended with exit code 7", ""),
        ("import sys; sys.exit(137)", "ended by the operating system", "OutOfMemory"),
        ("import sys; sys.exit('bad_alloc')", "Out of memory: this computer", "OutOfMemory"),
        ("import sys; sys.exit('CUDA out of memory')", "Out of memory: the GPU", "OutOfMemory"),
        ("import sys; sys.exit('error: [x] exit abnormally - Report')", "ended by the operating",
         "OutOfMemory"),
        pytest.param("import os; os.abort()", "crashed (SIGABRT)", "", marks=posix),
        pytest.param("import ctypes; ctypes.string_at(0)", "crashed (SIGSEGV)", "", marks=posix),
    ],
)
def test_other_ends_in_words(code, said, error):
    outcome = finish(python(code))
    assert outcome.kind == "failed"
    assert said in outcome.message
    assert outcome.error == error
    assert outcome.advice


def test_a_crash_of_native_code_says_where():
    outcome = finish(python("import ctypes; ctypes.string_at(0)"))
    assert "ctypes" in outcome.details


def test_a_program_that_isnt_there_is_a_failure_in_words(tmp_path):
    worker = WorkerProcess(worker_command(tmp_path / "PythonSlicer", "job.json"))
    worker.start()
    assert not worker.poll()
    assert worker.outcome.kind == "failed"
    assert "PythonSlicer: No such file" in worker.outcome.message
    worker.cancel()
    worker.close()


@linux
def test_nothing_is_left_open_or_unreaped():
    finish(python("pass"))
    before = set(os.listdir("/proc/self/fd"))
    threads = threading.active_count()
    for code in ("pass", "print(1)", "import os; os.abort()"):
        worker = python(code)
        finish(worker)
        assert not Path(f"/proc/{worker.pid}").exists()  # no zombie
    worker = python("import time; time.sleep(99)")
    worker.close()
    assert worker.outcome.kind == "cancelled"
    assert not Path(f"/proc/{worker.pid}").exists()
    assert set(os.listdir("/proc/self/fd")) == before
    assert threading.active_count() == threads


@linux
def test_a_grandchild_that_outlives_its_parent_is_killed(descendants):
    pids = []
    worker = python("""
        import subprocess, sys
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(99)"])
        print(child.pid, flush=True)
    """, on_log=pids.append)
    finish(worker)
    assert not descendants(int(pids[0]))


def test_a_callback_that_fails_doesnt_lose_the_rest():
    lines = []

    def on_log(line):
        lines.append(line)
        if line == "1":
            raise ValueError("the callback's own")

    worker = python("print(1); print(2); print(3)", on_log=on_log)
    with pytest.raises(ValueError, match="own"):
        finish(worker)
    assert finish(worker).kind == "failed"
    assert lines == ["1", "2", "3"]


def test_a_callback_may_close_the_worker():
    worker = python(
        "import time; print('ready', flush=True); time.sleep(99)",
        on_log=lambda line: worker.close(),
    )
    assert finish(worker).kind == "cancelled"


@linux
def test_a_launcher_around_the_worker_passes_all_on(workplace, job, descendants):
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
    asked = monotonic()
    worker.cancel()
    assert finish(worker).kind == "cancelled"
    assert monotonic() - asked < 2.0
    assert not any(descendants(pid) for pid in tree)


@linux
def test_leaving_the_program_kills_the_worker(descendants):
    code = textwrap.dedent("""
        import sys
        from CTCounterfactualLib.jobs.process import WorkerProcess
        worker = WorkerProcess([sys.executable, "-c", "import time; time.sleep(99)"])
        worker.start()
        print(worker.pid)
    """)
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": str(LIB_DIR.parent)},
        capture_output=True, text=True, check=True, timeout=TIMEOUT_S,
    )
    assert not done.stderr
    assert not descendants(int(done.stdout))
