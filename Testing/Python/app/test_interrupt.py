"""Signals and the parent's end: a run stops soon, whatever it is doing, and leaves nothing."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import CTCounterfactualLib

LIBRARY = Path(CTCounterfactualLib.__file__).parents[1]
pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals are POSIX")
TIMEOUT_S = 120

# A run that has staged half a result, and then does what `{doing}` says.
RUN = """
import hashlib, os, sys, time
from CTCounterfactualLib.app import interrupt
from CTCounterfactualLib.app.failures import describe
from CTCounterfactualLib.storage.folder import claim_folder

interrupt.SIGNAL_GRACE_S = interrupt.PARENT_GRACE_S = 0.3

def own_files(folder):
    return []

def say(text):
    os.write(1, text.encode() + b"\\n")

try:
    with (
        interrupt.cancel_on_signal() as cancel,
        claim_folder(sys.argv[1], own_files) as claim,
    ):
        if sys.argv[2:] == ["parent"]:
            interrupt.cancel_when_stdin_ends(cancel)
        (claim.start() / "half").write_text("half")
        say("staged")
{doing}
except BaseException as error:
    failure = describe(error)
    say(failure.message)
    sys.exit(failure.exit_code)
"""
ASKS = "while True: cancel.check(); time.sleep(0.01)"
NATIVE = 'hashlib.pbkdf2_hmac("sha256", b"", b"", 2**31 - 1)'  # hours, and asks for no signal
STUBBORN = """
while True:
    try:
        time.sleep(1)
    except BaseException:
        say("ignored")
"""


@pytest.fixture
def start(tmp_path):
    """Return a function: what to do -> a process that has staged half a result and does it."""
    started = []

    def run(doing, *arguments, **options):
        code = RUN.replace("{doing}", textwrap.indent(doing.strip(), " " * 8))
        process = subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path / "a" / "out"), *arguments],
            env=os.environ | {"PYTHONPATH": str(LIBRARY)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **options,
        )
        started.append(process)
        assert process.stdout.readline() == "staged\n"
        return process

    yield run
    for process in started:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            pipe.close()


def hidden(tmp_path):
    return [path.name for path in tmp_path.rglob("*") if path.name != "a"]


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_asks_the_run_to_stop(start, tmp_path, name):
    number = getattr(signal, name)
    # Whoever runs the tests by `nohup` hands down an ignored hangup.
    process = start(ASKS, preexec_fn=lambda: signal.signal(number, signal.SIG_DFL))
    process.send_signal(number)
    assert process.wait(TIMEOUT_S) == 130
    assert process.stdout.read() == "Cancelled: nothing was written.\n"
    assert os.listdir(tmp_path) == []


def test_a_hangup_that_is_ignored_stays_so(start):
    process = start(ASKS, preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    process.send_signal(signal.SIGHUP)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(1)


@pytest.mark.parametrize("doing", [NATIVE, STUBBORN, "time.sleep(1000)"])
def test_the_second_signal_ends_what_cannot_be_asked(start, tmp_path, doing):
    process = start(doing)
    process.send_signal(signal.SIGINT)
    with pytest.raises(subprocess.TimeoutExpired):  # the first alone doesn't
        process.wait(1)
    process.send_signal(signal.SIGTERM)
    assert process.wait(TIMEOUT_S) == 130
    said = process.stdout.read() + process.stderr.read()
    assert "Cancelled: nothing was written." in said
    assert hidden(tmp_path) == []


def test_three_signals_while_clearing_away_leave_nothing(start, tmp_path):
    slow = (
        """
from CTCounterfactualLib.storage import claim as module
real = module._clear

def clear(place):
    say("clearing")
    time.sleep(1)
    real(place)

module._clear = clear
"""
        + ASKS
    )
    process = start(slow)
    process.send_signal(signal.SIGINT)
    assert process.stdout.readline() == "clearing\n"
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGTERM)
    assert process.wait(TIMEOUT_S) == 130
    assert hidden(tmp_path) == []


@pytest.mark.parametrize("doing", [NATIVE, STUBBORN, ASKS])
def test_the_parents_end_ends_a_run_that_hangs(start, tmp_path, doing):
    process = start(doing, "parent")
    process.stdin.close()
    assert process.wait(TIMEOUT_S) == 130
    assert hidden(tmp_path) == []


def test_handlers_and_the_wakeup_descriptor_come_back():
    from CTCounterfactualLib.app.interrupt import cancel_on_signal

    before = signal.getsignal(signal.SIGTERM)
    with cancel_on_signal():
        assert signal.getsignal(signal.SIGTERM) is not before
    assert signal.getsignal(signal.SIGTERM) is before
    assert signal.set_wakeup_fd(-1) == -1
