"""Test a connection: what a host answers, and what it has to work with, as rows of a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..errors import RemoteError
from ..events import CancelToken
from ..storage.sizes import in_words
from .hosts import Host
from .link import Link
from .ssh_words import plain

_MOST_CARDS = 64


@dataclass(frozen=True)
class HostFacts:
    """What a host has.

    Parameters
    ----------
    version, python, system : str
        Of this program, of Python, of the machine.
    cores : int
        That a job may keep busy.
    memory_free, memory : int or None
        Bytes; None where nothing tells.
    folder : str
        Where jobs are kept while they run.
    disk_free : int
        Bytes there.
    torch : str
        PyTorch's version; empty: there is none, `torch_fault` says why.
    cards : tuple of (name, free bytes, total bytes)
        Graphics cards that PyTorch can use.
    """

    version: str
    python: str
    system: str
    cores: int
    memory_free: int | None
    memory: int | None
    folder: str
    disk_free: int
    torch: str
    torch_fault: str
    cards: tuple[tuple[str, int, int], ...]

    @property
    def fit(self) -> bool:
        """Whether jobs can run there."""
        return bool(self.torch)

    def rows(self) -> list[tuple[str, str]]:
        """Return (what, how much) of each fact, for people."""
        memory = "not known" if self.memory is None else in_words(self.memory)
        free = "" if self.memory_free is None else f"{in_words(self.memory_free)} free of "
        cards = [
            f"{name}, {in_words(left)} free of {in_words(total)}"
            for name, left, total in self.cards
        ]
        return [
            ("CTCounterfactual", f"{self.version}, the same as here"),
            ("Python", self.python),
            ("PyTorch", self.torch or f"can't be used: {self.torch_fault}"),
            ("GPU", "; ".join(cards) or "none that PyTorch can use"),
            ("Processor", f"{self.system}, {self.cores} core{'s' if self.cores > 1 else ''}"),
            ("Memory", f"{free}{memory}"),
            ("Disk", f"{in_words(self.disk_free)} free in {self.folder}"),
        ]


def ask_host(host: Host, cancel: CancelToken | None = None) -> HostFacts:
    """Connect to a host and return what it has; nothing is written there.

    Raises
    ------
    RemoteError
        If it can't be reached, or has another version.
    Cancelled
        If that was asked for.
    """
    arguments = ["--facts", *(("--folder", host.folder) if host.folder else ())]
    with Link(host, arguments, cancel or CancelToken()) as link:
        link.beat()
        hello, message = link.hello, link.next()
        if message["step"] == "facts":
            link.next()
    try:
        return _facts(hello, message)
    except (KeyError, TypeError, ValueError) as error:
        raise RemoteError(
            f"{host.name} answers, but not what was asked ({error!r:.60})."
        ) from error


def _facts(hello: dict[str, Any], said: dict[str, Any]) -> HostFacts:
    if not isinstance(said["cards"], list) or len(said["cards"]) > _MOST_CARDS:
        raise ValueError("cards")
    return HostFacts(
        version=plain(str(hello["version"]), 40),
        python=plain(str(hello["python"]), 40),
        system=plain(str(said["system"]), 60),
        cores=int(said["cores"]),
        memory_free=None if said["memory_free"] is None else int(said["memory_free"]),
        memory=None if said["memory"] is None else int(said["memory"]),
        folder=plain(str(said["folder"])),
        disk_free=int(said["disk_free"]),
        torch=plain(str(said["torch"]), 40),
        torch_fault=plain(str(said["torch_fault"])),
        cards=tuple(
            (plain(str(card["name"]), 80), int(card["free"]), int(card["total"]))
            for card in said["cards"]
        ),
    )
