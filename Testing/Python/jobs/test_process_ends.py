"""The worker process with small programs in place of a worker: all the ways to end."""

import os
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest

from CTCounterfactualLib.jobs.process import LIB_DIR, WorkerProcess, worker_command

# For what hangs; a busy machine must never reach it.
TIMEOUT_S = 600
linux = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks into /proc")
posix = pytest.mark.skipif(os.name != "posix", reason="signals are POSIX")


@linux
@pytest.mark.parametrize("polled", [True, False])
def test_a_worker_that_ignores_all_requests_is_killed_with_its_children(
    polled, descendants, finish, run_python, wait_until
):
    worker = run_python(
        """
        import signal, subprocess, sys, time
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=1)"
        child = subprocess.Popen([sys.executable, "-c", code + "; time.sleep(3600)"],
                                 stdout=subprocess.PIPE)
        child.stdout.readline()  # from here on it ignores the signal too
        print("ready", flush=True)
        time.sleep(3600)
    """,
        on_log=(lines := []).append,
    )
    finish(worker, until=lambda: "ready" in lines)
    tree = descendants(worker.pid)
    assert len(tree) == 2
    worker.cancel()
    wait_until(lambda: (polled and worker.poll(), not any(descendants(pid) for pid in tree))[1])
    assert finish(worker).kind == "cancelled"


def test_what_isnt_an_event_goes_to_the_log(finish, run_python):
    lines, events = [], []
    worker = run_python(
        """
        import sys
        print("a library says hello")
        print('{"no": "event"}')
        print('{"step": "half')
        print('{"step": "read", "message": "Read", "fraction": 0.5, "size": [1]}', flush=True)
        sys.stderr.write("a warning \\xe4\\n")
    """,
        on_log=lines.append,
        on_event=events.append,
    )
    outcome = finish(worker)
    assert sorted(lines) == sorted(
        ["a library says hello", '{"no": "event"}', '{"step": "half', "a warning ä"]
    )
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
        ("import sys; sys.exit(137)", "killed from outside (signal 9)", "Killed"),
        ("import sys; sys.exit('bad_alloc')", "Out of memory: this computer", "OutOfMemory"),
        ("import sys; sys.exit('CUDA out of memory')", "Out of memory: the GPU", "OutOfMemory"),
        (
            "import sys; sys.exit('error: [x] exit abnormally - Report')",
            "killed from outside",
            "Killed",
        ),
        pytest.param("import os; os.abort()", "crashed (SIGABRT)", "", marks=posix),
        pytest.param("import ctypes; ctypes.string_at(0)", "crashed (SIGSEGV)", "", marks=posix),
    ],
)
def test_other_ends_in_words(code, said, error, finish, run_python):
    outcome = finish(run_python(code))
    assert outcome.kind == "failed"
    assert said in outcome.message
    assert outcome.error == error
    assert outcome.advice


def test_a_crash_of_native_code_says_where(finish, run_python):
    outcome = finish(run_python("import ctypes; ctypes.string_at(0)"))
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
def test_nothing_is_left_open_or_unreaped(finish, run_python):
    finish(run_python("pass"))
    before = set(os.listdir("/proc/self/fd"))
    threads = threading.active_count()
    for code in ("pass", "print(1)", "import os; os.abort()"):
        worker = run_python(code)
        finish(worker)
        assert not Path(f"/proc/{worker.pid}").exists()  # no zombie
    worker = run_python("import time; time.sleep(3600)")
    worker.close()
    assert worker.outcome.kind == "cancelled"
    assert not Path(f"/proc/{worker.pid}").exists()
    assert set(os.listdir("/proc/self/fd")) == before
    assert threading.active_count() == threads


@linux
def test_a_grandchild_that_outlives_its_parent_is_killed(descendants, finish, run_python):
    pids = []
    worker = run_python(
        """
        import subprocess, sys
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"])
        print(child.pid, flush=True)
    """,
        on_log=pids.append,
    )
    finish(worker)
    assert not descendants(int(pids[0]))


def test_a_callback_that_fails_doesnt_lose_the_rest(finish, run_python):
    lines = []

    def on_log(line):
        lines.append(line)
        if line == "1":
            raise ValueError("the callback's own")

    worker = run_python("print(1); print(2); print(3)", on_log=on_log)
    with pytest.raises(ValueError, match="own"):
        finish(worker)
    assert finish(worker).kind == "failed"
    assert lines == ["1", "2", "3"]


def test_a_callback_may_close_the_worker(finish, run_python):
    worker = run_python(
        "import time; print('ready', flush=True); time.sleep(3600)",
        on_log=lambda line: worker.close(),
    )
    assert finish(worker).kind == "cancelled"


@linux
def test_leaving_the_program_kills_the_worker(descendants):
    code = textwrap.dedent("""
        import sys
        from CTCounterfactualLib.jobs.process import WorkerProcess
        worker = WorkerProcess([sys.executable, "-c", "import time; time.sleep(3600)"])
        worker.start()
        print(worker.pid)
    """)
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": str(LIB_DIR.parent)},
        capture_output=True,
        text=True,
        check=True,
        timeout=TIMEOUT_S,
    )
    assert not done.stderr
    assert not descendants(int(done.stdout))
