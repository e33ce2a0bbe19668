"""A job on another computer: sent over ssh, followed while it runs, its result put in place."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import OutputError, RemoteError
from ..events import CancelToken, ProgressCallback, Reporter
from ..jobs.job import Job
from ..models.own.consent import Consent, ConsentNeeded
from ..outputs.earlier import own_files
from ..storage.atomic import made_parents
from ..storage.claim import FolderClaim
from ..storage.folder import claim_folder
from ..storage.names import reason
from ..storage.sizes import in_words
from ..wording import current_place
from .hosts import Host
from .link import Link, failure_of
from .package import Package, make_package
from .result import budget_for, name_as_here, receive_result
from .ssh_words import plain
from .wire import Budget, receive_file

# Shares of the whole that connecting, sending and receiving are given; the work has the rest.
CONNECTED, SENT, DONE = 0.01, 0.05, 0.95
# How often it is told how much has gone or come.
TOLD = 10
MOST_HEATMAPS = 5000
MOST_HEATMAP_BYTES = 1 << 32


def run_on(
    job: Job,
    host: Host,
    progress: ProgressCallback | None = None,
    cancel: CancelToken | None = None,
    consent: Consent | None = None,
) -> Path:
    """Run a job on a host and return the result folder here; as `run_job` does on this computer.

    Events: `connected`, `sent`, those of the run there, `received`, `written`. Scans go as voxels,
    without any header. A yes of this computer to a model's code holds there for this run.

    Raises
    ------
    RemoteError
        If the host can't be reached, has another version, or fails; `kind` is that of the error
        there. Nothing is left here nor there, and an earlier result is untouched.
    ScanError, ModelError, SettingsError, OutputError, Cancelled
        As `run_job`.
    """
    cancel = cancel or CancelToken()
    cancel.check()
    with claim_folder(job.output, own_files, job.force) as claim:
        reporter = Reporter(progress, cancel)
        if claim.notice:
            reporter.report("recovered", claim.notice, 0.0)
        reporter.report("packing", f"Preparing the scan for {host.name}", 0.0)
        package = make_package(job, claim.start())
        cancel.check()
        with _stream_folder(job.stream) as stream:
            run = _Run(job, host, package, claim, progress, reporter, cancel, stream)
            return run.with_consent(consent or Consent())


@dataclass
class _Run:
    """One job that is on its way."""

    job: Job
    host: Host
    package: Package
    claim: FolderClaim
    progress: ProgressCallback | None
    reporter: Reporter
    cancel: CancelToken
    stream: _StreamFolder
    last: dict[str, Any] = field(default_factory=dict)

    def with_consent(self, consent: Consent) -> Path:
        """Run; where code of a model wants a yes, ask for it here, and run again with it."""
        known = consent.known() if self.package.has_code else ()
        try:
            return self._run(known, consent.trust)
        except RemoteError as error:
            if error.kind != ConsentNeeded.__name__:
                raise
            wanted = {name: str(error.data.get(name, "")) for name in ("name", "sha256", "why")}
            consent.require(**wanted)
        self.package = make_package(self.job, self.claim.start())
        return self._run((*known, wanted["sha256"]), consent.trust)

    def _run(self, accepted: tuple[str, ...], trust: bool) -> Path:
        self.reporter.report("connecting", f"Connecting to {self.host.name}", 0.0)
        arguments = ("--folder", self.host.folder) if self.host.folder else ()
        with Link(self.host, arguments, self.cancel) as link:
            folder = str(link.hello.get("folder", ""))
            self.reporter.report("connected", f"Connected to {self.host.name}", CONNECTED)
            self._send(link, folder, accepted, trust)
            new = self.claim.start()  # what was packed has gone
            self._follow(link, new)
        self.cancel.check()
        record = name_as_here(new, self.package.words_back(folder), self.host.name)
        out = self.claim.commit()
        told = {name: self.last.get(name, record.get(name)) for name in ("scores", "flags")}
        text = f"Result of {self.host.name} written to {out}"
        Reporter(self.progress).report("written", text, 1.0, output=str(out), **told)
        return out

    def _send(self, link: Link, folder: str, accepted: tuple[str, ...], trust: bool) -> None:
        size = self.package.size
        gone, said = 0, 0

        def tick(count: int) -> None:
            nonlocal gone, said
            gone += count
            tenth = math.floor(TOLD * gone / size)
            if tenth > said:
                said = tenth
                share = CONNECTED + (SENT - CONNECTED) * gone / size
                text = f"Sent {in_words(gone)} of {in_words(size)} to {self.host.name}"
                self.reporter.report("sent", text, share, bytes=gone)
            self.reporter.check()

        job = {
            "job": self.package.job_there(folder),
            "bytes": size,
            "place": current_place().value,
            "accepted": list(accepted),
            "trust": trust,
        }
        link.send_files(job, self.package.files, tick)

    def _follow(self, link: Link, new: Path) -> None:
        """Hand on what the host says until the result is here."""
        heatmaps = Budget(MOST_HEATMAP_BYTES, MOST_HEATMAPS)
        whole = False
        while (message := link.next())["step"] != "bye":
            step = message["step"]
            if step == "error":
                raise failure_of(message, self.host)
            if step == "event":
                self._hand_on(message)
            elif step == "file":
                self.stream.receive(link, message, heatmaps)
            elif step == "result" and not whole:
                receive_result(link, message, new, budget_for(self.package.voxels), self._received)
                whole = True
            elif step != "log":
                raise RemoteError(
                    f"{self.host.name} says {plain(step, 40)!r}, which means nothing."
                )
        if not whole:
            raise RemoteError(f"{self.host.name} said goodbye without a result. Try again.")

    def _received(self, share: float, words: str) -> None:
        tenth = math.floor(TOLD * share)
        if tenth > self.last.get("tenth", -1):
            self.last["tenth"] = tenth
            text = f"Received {words} from {self.host.name}"
            self.reporter.report("received", text, DONE + (1 - DONE) * share)
        self.reporter.check()

    def _hand_on(self, message: dict[str, Any]) -> None:
        step, text, share = (message.get(name) for name in ("of", "message", "fraction"))
        data = message.get("data")
        if (
            not isinstance(step, str)
            or not isinstance(text, str)
            or isinstance(share, bool)
            or not isinstance(share, (int, float))
            or not isinstance(data, dict)
        ):
            raise RemoteError(f"{self.host.name} sent an event that is none. Nothing was written.")
        data = {name: value for name, value in data.items() if name not in _RESERVED}
        if step == "written":
            self.last |= {name: data[name] for name in ("scores", "flags") if name in data}
            return
        heatmap = data.pop("heatmap", None)
        if isinstance(heatmap, str) and heatmap in self.stream.files:
            data["heatmap"] = str(self.stream.files[heatmap])
        share = SENT + (DONE - SENT) * min(max(float(share), 0.0), 1.0)
        self.reporter.report(plain(step, 40), plain(text, 500), share, **data)


_RESERVED = frozenset({"step", "message", "fraction", "output"})


class _StreamFolder:
    """Where chunk heatmaps go as they come: each whole or not at all."""

    def __init__(self, folder: Path | None, parts: Path | None):
        self.files: dict[str, Path] = {}
        self._folder, self._parts = folder, parts

    def receive(self, link: Link, message: dict[str, Any], budget: Budget) -> None:
        """Take a heatmap that the host sends."""
        if self._folder is None or self._parts is None:
            raise RemoteError(f"{link.host.name} sends a file that nobody asked for.")
        try:
            part = receive_file(link.stream, message, self._parts, budget)
        except EOFError:
            raise link.lost() from None
        self.files[part.name] = part.replace(self._folder / part.name)

    def remove(self) -> None:
        """Remove the files that came."""
        for path in self.files.values():
            with suppress(OSError):
                path.unlink()


@contextmanager
def _stream_folder(folder: str | None) -> Iterator[_StreamFolder]:
    """Yield the folder of heatmaps, made if it lacks; if the block fails, its files go again."""
    if folder is None:
        yield _StreamFolder(None, None)
        return
    path = Path(folder)
    try:
        with made_parents(path / "chunk"):
            parts = path / ".parts"
            parts.mkdir(exist_ok=True)
            stream = _StreamFolder(path, parts)
            try:
                yield stream
            except BaseException:
                stream.remove()
                raise
            finally:
                for left in parts.iterdir():
                    left.unlink()
                parts.rmdir()
    except OSError as error:
        raise OutputError(
            f"Cannot write into {folder}: {reason(error)}. Choose another folder."
        ) from error
