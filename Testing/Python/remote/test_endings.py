"""However a run on another computer ends: one sentence, and nothing left on either side.

The ssh server, ssh and the host's side are real; the work there is a few lines without PyTorch.
"""

import os
import shutil
import signal
import subprocess
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from far_workers import HANG, RESULT

from CTCounterfactualLib import __version__
from CTCounterfactualLib.errors import Cancelled, CTCounterfactualError, OutputError
from CTCounterfactualLib.events import CancelToken
from CTCounterfactualLib.jobs.job import FileInput
from CTCounterfactualLib.models.own.consent import Consent, ConsentNeeded
from CTCounterfactualLib.remote import link, result
from CTCounterfactualLib.remote.hosts import Host
from CTCounterfactualLib.remote.run import run_on


def ended(job, host, act=lambda data: None, **options):
    """Run a job, call `act` with the data of its first event, and return the error it ends with."""

    def watch(event):
        if event.step == "prepared":
            act(event.data)

    with pytest.raises(CTCounterfactualError) as caught:
        run_on(job, host, watch, **options)
    assert not Path(job.output).parent.exists()
    text = str(caught.value)
    assert "\n" not in text and text.endswith((".", "lab"))
    return caught.value


def test_a_result_comes_whole_and_is_put_in_place(generated, keeper_with, there):
    out = run_on(generated, keeper_with(RESULT))
    assert (out / "map.bin").read_bytes() == bytes(range(256)) * 1000
    assert sorted(path.name for path in out.iterdir()) == ["map.bin", "result.json"]
    assert list(there.iterdir()) == []
    with pytest.raises(OutputError, match="holds an earlier result"):
        run_on(generated, keeper_with(HANG))  # before anything is connected
    run_on(replace(generated, force=True), keeper_with(RESULT))


def test_a_cancel_ends_the_work_there_and_waits_for_its_end(generated, keeper_with, there, gone):
    cancel, pids = CancelToken(), []

    def act(data):
        pids.extend([data["worker"], data["keeper"]])
        assert Path(data["folder"]).is_dir()
        cancel.cancel()

    # The event after which it is cancelled raises at once; a token set from outside, see below.
    error = ended(generated, keeper_with(HANG), act, cancel=cancel)
    assert isinstance(error, Cancelled)
    assert list(there.iterdir()) == []  # at once: it was waited for
    for pid in pids:
        gone(pid)


def test_a_cancel_while_nothing_is_said_there(generated, keeper_with, there):
    cancel = CancelToken()

    def act(data):
        threading.Timer(0.3, cancel.cancel).start()

    assert isinstance(ended(generated, keeper_with(HANG), act, cancel=cancel), Cancelled)
    assert list(there.iterdir()) == []


def test_ssh_that_is_killed_here(generated, keeper_with, there, gone):
    pids = []

    def act(data):
        pids.extend([data["worker"], data["keeper"]])
        for pid in Path("/proc/self/task").glob("*/children"):
            for child in map(int, pid.read_text().split()):
                if Path(f"/proc/{child}/cmdline").read_bytes().startswith(b"ssh\0"):
                    os.kill(child, signal.SIGKILL)

    error = ended(generated, keeper_with(HANG), act)
    assert "ended on this computer (signal 9)" in str(error)
    gone(there)
    for pid in pids:
        gone(pid)


def test_a_connection_that_is_lost(generated, keeper_with, there, gone):
    """As when the network goes: the server's process of this connection ends without a word."""

    def act(data):
        server = int(Path(f"/proc/{data['keeper']}/stat").read_text().rsplit(")", 1)[1].split()[1])
        os.kill(server, signal.SIGKILL)

    error = ended(generated, keeper_with(HANG), act)
    assert "The connection to lab was lost (" in str(error)
    gone(there)


def test_the_hosts_side_killed_there_is_cleared_up_by_its_watchdog(
    generated, keeper_with, there, gone
):
    pids = []

    def act(data):
        pids.append(data["worker"])
        os.kill(data["keeper"], signal.SIGKILL)

    error = ended(generated, keeper_with(HANG), act)
    assert "The work on lab was ended there from outside" in str(error)
    gone(there)
    gone(pids[0])


@pytest.mark.parametrize(
    ("worker", "said", "kind"),
    [
        ("os.kill(os.getpid(), 9)", "On lab: The computation was killed from outside", "Killed"),
        ("os.abort()", "On lab: The computation crashed (SIGABRT)", "RemoteError"),
        ("sys.exit(3)", "On lab: The computation ended with exit code 3", "RemoteError"),
        (
            "print('RuntimeError: out of memory', file=sys.stderr); os._exit(1)",
            "On lab: Out of memory: this computer has too little free memory",
            "OutOfMemory",
        ),
        (
            "tell('error', kind='ScanError', message='No\\x1b[2J\\nlung.'); sys.exit(2)",
            "On lab: No?[2J lung.",
            "ScanError",
        ),
        (
            "os.kill(os.getppid(), 15); time.sleep(600)",
            "On lab: It was ended there (signal 15)",
            "RemoteError",
        ),
        (
            "open(folder + '/result', 'w'); tell('written', output='x')",
            "lab announces a result of 0 bytes",
            "RemoteError",
        ),
    ],
)
def test_the_work_fails_there(generated, keeper_with, there, worker, said, kind):
    error = ended(generated, keeper_with(worker))
    assert said in str(error)
    assert error.kind == kind
    assert list(there.iterdir()) == []


@pytest.mark.parametrize(
    ("alias", "said"),
    [
        ("unknown", "ssh doesn't know the key of unknown yet"),
        ("changed", "The key of changed isn't the one that ssh remembers"),
        ("closed", "closed refused the login ("),
        ("asleep", "asleep is there, but takes no ssh connections ("),
        ("no-such-host.invalid", "There is no host no-such-host.invalid ("),
    ],
)
def test_no_connection(generated, ours, alias, said):
    error = ended(generated, Host(alias, alias))
    assert said in str(error)
    assert error.kind == "RemoteError"


HELLO = '{"step": "hello", "protocol": %s, "version": "%s", "python": "3", "folder": "/x"}'


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("exit 127", "On lab there is no program"),
        ("echo 'No module named X' >&2; exit 1", "On lab there is no program"),
        ("echo \"error: invalid choice: 'remote-worker'\" >&2; exit 2", "is an older version"),
        ("echo nonsense >&2; exit 5", "ended with exit code 5 before it answered: nonsense."),
        (f"echo '{HELLO % (1, '0.0.9')}'; cat", "lab has version 0.0.9 of CTCounterfactual"),
        ("yes 'Welcome to the cluster'", "lab answers with other text than this program's"),
        # Its own text before the program speaks is passed over, and later taken for nothing.
        (f"echo Welcome; echo '{HELLO % (1, 'OURS')}'; read x; echo '[1]'; cat >&2", "isn't what"),
        (
            f"""echo '{HELLO % (1, "OURS")}'; echo '{{"step": "file", "name": "a"}}'; cat""",
            "sends a file that nobody asked for",
        ),
        (f"""echo '{HELLO % (1, "OURS")}'; echo '{{"step": "bye"}}'; cat""", "without a result"),
        (
            f"""echo '{HELLO % (1, "OURS")}'; echo '{{"step": "result", "bytes": 1e9}}'; cat""",
            "announces a result of 1000000000.0 bytes",
        ),
    ],
)
def test_what_answers_isnt_this_program(generated, host_of, script, said):
    error = ended(generated, host_of(script.replace("OURS", __version__), "sh"))
    assert said in str(error)


def test_a_program_that_isnt_there(generated, ours, slab_file):
    for command, said in (
        (("/nowhere/ct counterfactual",), "there is no program /nowhere/ct counterfactual ("),
        ((str(slab_file),), f"{slab_file} can't be run ("),
    ):
        assert said in str(ended(generated, Host("lab", "lab", command)))


def test_no_ssh_here(generated, monkeypatch):
    monkeypatch.setenv("CT_COUNTERFACTUAL_SSH", "/nowhere/ssh")
    assert "need OpenSSH here" in str(ended(generated, Host("lab", "lab")))


def test_too_little_space_there_and_here(generated, keeper_with, there, monkeypatch):
    full = """
        from types import SimpleNamespace
        keeper.shutil.disk_usage = lambda folder: SimpleNamespace(free=10)
    """
    error = ended(generated, keeper_with(HANG, full))
    assert error.kind == "OutputError"
    assert f"On lab: Too little space in {there}" in str(error)
    assert list(there.iterdir()) == []
    usage = shutil.disk_usage(there)._replace(free=10)
    monkeypatch.setattr(result.shutil, "disk_usage", lambda folder: usage)
    error = ended(generated, keeper_with(RESULT))
    assert "10 bytes are free, the result has 256 kB" in str(error)


def test_a_disk_there_that_fills_up_while_files_come(keeper_with, there, generated, slab_file):
    """The system refuses to write on; nobody could have known before."""
    small = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))"
    job = replace(generated, input=FileInput(str(slab_file)))
    error = ended(job, keeper_with(HANG, small))
    assert "On lab: The files can't be kept there: File too large" in str(error)
    assert list(there.iterdir()) == []


def test_a_folder_there_that_cant_be_written(generated, keeper_with, there):
    (there / "file").write_text("")
    host = replace(keeper_with(HANG), folder=str(there / "file"))
    error = ended(generated, host)
    assert "On lab: Cannot make a temporary folder in" in str(error)


def test_consent_is_asked_for_here_and_holds_there_once(generated, keeper_with, there, tmp_path):
    """Code of a model runs there only if the user agrees here; there nothing is remembered."""
    worker = """
        if "d" * 64 not in consent["accepted"]:
            data = {"name": "mine", "sha256": "d" * 64, "why": "It is a program."}
            tell("error", kind="ConsentNeeded", message="Nobody agreed.", data=data)
            sys.exit(2)
    """
    host = keeper_with(worker + RESULT.replace("\n", "\n        "))
    asked = []
    no = Consent(tmp_path / "record", lambda question: asked.append(question) or False)
    with pytest.raises(ConsentNeeded, match="mine is code"):
        run_on(generated, host, consent=no)
    yes = Consent(tmp_path / "record", lambda question: asked.append(question) or True)
    assert run_on(generated, host, consent=yes).is_dir()
    assert len(asked) == 2
    assert yes.knows("d" * 64)
    assert list(there.iterdir()) == []


def test_silence_ends_the_work_there(keeper_with, there, gone):
    """A computer that sleeps says nothing, and its connection may stay open for hours."""
    host = keeper_with(HANG, silence_s=1.0)
    running = subprocess.Popen(
        [*host.command, "--folder", str(there)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        link.put(running.stdin, "job", job={}, bytes=0, accepted=[], trust=False, place="panel")
        link.put(running.stdin, "go")
        said = [link.get(running.stdout)["step"] for _ in range(2)]
        assert said == ["hello", "event"]
        message = link.get(running.stdout)
        assert message["message"] == "The other computer fell silent."
        assert running.wait() == 1
        assert list(there.iterdir()) == []
    finally:
        running.kill()
        running.communicate()


def test_heartbeats_keep_long_work_alive(generated, keeper_with, monkeypatch):
    monkeypatch.setattr(link, "HEARTBEAT_S", 0.2)
    assert run_on(generated, keeper_with("time.sleep(6)\n" + RESULT, silence_s=4.0)).is_dir()
