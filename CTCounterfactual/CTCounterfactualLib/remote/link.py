"""One connection to a host: ssh as a process, its messages, heartbeats, and a sure end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Any, BinaryIO, cast

from .. import __version__
from ..errors import Cancelled, RemoteError
from ..events import CancelToken
from .hosts import Host
from .ssh import CONNECT_S, environment, ssh_command
from .ssh_words import broke_off, never_began, plain
from .wire import HEARTBEAT_S, MOST_LINE_BYTES, PROTOCOL, VERB, get, parsed, put, send_file

# From the cancel until the connection is cut; the host's side needs about two seconds to clear up.
CANCEL_S = 8.0
# Of a connection that said its last word.
CLOSE_S = 3.0
LOOK_S = 0.1
# From the start of ssh to the first word of the program there: login, and Python's start.
ANSWER_S = 6.0 * CONNECT_S
# What a login shell may print before the program there speaks.
MOST_NOISE_BYTES = 1 << 16
LOG_LINES = 50
_EXIT_S = 2.0


class Link:
    """A connection on which the verb `remote-worker` answers; a context that surely ends.

    Parameters
    ----------
    host : Host
        Where to.
    arguments : iterable of str
        Of the verb.
    cancel : CancelToken
        Once it is set, the other side is told by the end of its input; after `CANCEL_S` the
        connection is cut.

    Attributes
    ----------
    hello : dict
        What the other side said first.
    """

    def __init__(self, host: Host, arguments: Iterable[str], cancel: CancelToken):
        self.host = host
        self.hello: dict[str, Any] = {}
        self._cancel = cancel
        self._command = ssh_command(host, (VERB, *arguments))
        self._log: deque[str] = deque(maxlen=LOG_LINES)
        self._beating = False  # while its owner writes, no heartbeat may come in between
        self._over = threading.Event()
        self._threads: list[threading.Thread] = []
        self._clean = False
        self._late = False

    def __enter__(self) -> Link:
        try:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=environment(),
                **_apart(),
            )
        except OSError as error:
            raise RemoteError(
                f"Cannot start {self._command[0]}: {error.strerror}. Runs on other computers need "
                f"OpenSSH here; install it."
            ) from error
        assert self._process.stdin and self._process.stdout and self._process.stderr
        self._in = cast(BinaryIO, self._process.stdin)
        self._out = cast(BinaryIO, self._process.stdout)
        for work in (self._watch, self._read_log):
            self._threads.append(threading.Thread(target=work, daemon=True, name="ssh"))
            self._threads[-1].start()
        try:
            self._greet()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        with suppress(OSError, ValueError):
            self._in.close()
        try:
            if not self._clean:
                self._drain()
            self._process.wait(_EXIT_S)
        except subprocess.TimeoutExpired:
            pass
        finally:
            if self._process.poll() is None:
                self._kill()
                self._process.wait()
            for thread in self._threads:
                thread.join(_EXIT_S)
            self._out.close()

    def send_files(self, job: dict[str, Any], files: dict[str, Path], tick) -> None:
        """Send the job and its files; what the other side says of it is for `messages`."""
        try:
            put(self._in, "job", **job)
            for name, path in files.items():
                send_file(self._in, path, name, tick)
            put(self._in, "go")
        except BrokenPipeError:  # it ended early, and says why in its messages
            self._cancel.check()
        self.beat()

    def beat(self) -> None:
        """Write nothing more: from now on only heartbeats go there, until the end."""
        self._beating = True

    def next(self) -> dict[str, Any]:
        """Return the next message.

        Raises
        ------
        RemoteError
            If the connection ended, or what came is none.
        Cancelled
            If that is why.
        """
        message = get(self._out)
        if message is None:
            self._cancel.check()
            raise broke_off(self._returncode(), self._text(), self.host)
        self._clean = message["step"] == "bye"
        return message

    @property
    def stream(self) -> BinaryIO:
        """What comes from the other side, for the bytes of a file."""
        return self._out

    def lost(self) -> RemoteError:
        """Return the error of a connection that ended in the middle of a file."""
        return broke_off(self._returncode(), self._text(), self.host)

    def _greet(self) -> None:
        """Read up to the other side's first word; check that it is the same program."""
        read = 0
        while True:
            line = self._out.readline(MOST_LINE_BYTES)
            if not line:
                self._cancel.check()
                if self._late:
                    raise RemoteError(
                        f"{self.host.name} didn't answer within {ANSWER_S:.0f} s: it can't be "
                        f"reached, or its login waits for something. Try by hand: ssh "
                        f"{self.host.destination}"
                    )
                raise never_began(self._returncode(), self._text(), self.host)
            message = parsed(line)
            if message is not None and message["step"] in ("hello", "error"):
                break
            read += len(line)
            if read > MOST_NOISE_BYTES:
                self._kill()  # it may never end
                raise RemoteError(
                    f"{self.host.name} answers with other text than this program's: "
                    f"{plain(line.decode('utf-8', 'replace'), 60)!r}. Check the command of this "
                    f"host, and what its login shell prints."
                )
        if message["step"] == "error":
            raise failure_of(message, self.host)
        theirs = message.get("version"), message.get("protocol")
        if theirs != (__version__, PROTOCOL):
            raise RemoteError(
                f"{self.host.name} has version {plain(str(theirs[0]), 20)} of CTCounterfactual, "
                f"and here is {__version__}: results could differ. Install the same version there."
            )
        self.hello = message

    def _returncode(self) -> int:
        """Return ssh's exit code; it has closed its output, so it is about to end."""
        try:
            code = self._process.wait(CLOSE_S)
        except subprocess.TimeoutExpired:
            self._kill()
            code = self._process.wait()
        for thread in self._threads[1:]:
            thread.join(_EXIT_S)  # its last words
        return code

    def _text(self) -> str:
        return "\n".join(self._log)

    def _drain(self) -> None:
        """Read on to the goodbye, so that the other side has cleared up; not for long."""
        timer = threading.Timer(CANCEL_S, self._kill)
        timer.daemon = True
        timer.start()
        with suppress(OSError, ValueError):
            while self._out.read1(MOST_LINE_BYTES):  # type: ignore[attr-defined]
                pass
        timer.cancel()

    def _watch(self) -> None:
        """Send heartbeats; pass a cancel on, and cut the connection if that isn't answered."""
        beat = monotonic()
        deadline = None
        began = monotonic()
        while not self._over.wait(LOOK_S):
            now = monotonic()
            if deadline is None and self._cancel.cancelled:
                deadline = now + CANCEL_S
                if not self.hello:
                    deadline = now  # nobody is there yet who would have to clear up
                if self._beating:
                    with suppress(OSError, ValueError):
                        self._in.close()
            if deadline is not None:
                if now >= deadline:
                    self._kill()
                    return
            elif self._beating and now - beat > HEARTBEAT_S:
                beat = now
                with suppress(OSError, ValueError):
                    self._in.write(b"\n")
                    self._in.flush()
            if not self.hello and now - began > ANSWER_S:
                self._late = True
                self._kill()
                return

    def _kill(self) -> None:
        """End ssh with what it had started, such as the way over a jump host."""
        if self._process.poll() is not None:
            return
        if sys.platform == "win32":
            self._process.kill()
            return
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def _read_log(self) -> None:
        assert self._process.stderr is not None
        with suppress(OSError, ValueError):
            while line := self._process.stderr.readline(MOST_LINE_BYTES):
                self._log.append(line.decode("utf-8", "replace").rstrip("\r\n"))
            self._process.stderr.close()


def failure_of(message: dict[str, Any], host: Host) -> RemoteError | Cancelled:
    """Return the error that the other side told of."""
    kind = str(message.get("kind", ""))
    if kind == Cancelled.__name__:
        return Cancelled()
    text = plain(str(message.get("message", "")), 2000)
    error = RemoteError(f"On {host.name}: {text}", kind if kind.isidentifier() else "")
    error.advice = plain(str(message.get("advice", "")), 2000)
    data = message.get("data")
    error.data = data if isinstance(data, dict) else {}
    return error


def _apart() -> dict[str, Any]:
    """Return the arguments of `Popen` that keep Ctrl-C from ssh: its end is ours to bring about."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}
    return {"start_new_session": True}
