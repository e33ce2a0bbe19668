"""The user's ssh as a command: its own configuration, no questions, nothing else opened."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable

from .hosts import Host

# The program and options of its own, as a shell has them: `ssh -F other_config`.
PROGRAM_VARIABLE = "CT_COUNTERFACTUAL_SSH"
CONNECT_S = 20
# A connection that doesn't answer so often, so many seconds apart, is lost: the computer slept, or
# the network went.
ALIVE_S, ALIVE_COUNT = 15, 4
OPTIONS = (
    "BatchMode=yes",  # a password is an error that says so, never a question
    f"ConnectTimeout={CONNECT_S}",
    f"ServerAliveInterval={ALIVE_S}",
    f"ServerAliveCountMax={ALIVE_COUNT}",
    # What is configured for other uses of this host isn't wanted along.
    "ClearAllForwardings=yes",
    "ForwardAgent=no",
    "ForwardX11=no",
    "PermitLocalCommand=no",
    "RemoteCommand=none",
    "RequestTTY=no",
    # One that is shared already is used; ours may be cut at once, so it is none to share.
    "ControlMaster=no",
)


# Set within Slicer's launcher (CTK's), and what it changes for programs that are linked elsewhere.
LAUNCHED = "APPLAUNCHER_LEVEL"
LIBRARY_PATHS = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "LD_PRELOAD")


def program() -> list[str]:
    """Return the user's ssh, word by word."""
    return shlex.split(os.environ.get(PROGRAM_VARIABLE, "")) or ["ssh"]


def ssh_command(host: Host, arguments: Iterable[str]) -> list[str]:
    """Return the command that runs this program on a host.

    ssh gives its last word to the login shell there, so each of ours is quoted for it.
    """
    options = [word for option in OPTIONS for word in ("-o", option)]
    words = " ".join(quoted(word) for word in (*host.command, *arguments))
    return [*program(), "-T", *options, "--", host.destination, words]


def environment() -> dict[str, str]:
    """Return the environment for ssh, without the libraries that Slicer's launcher puts first.

    With Slicer's OpenSSL the system's ssh doesn't start. The launcher keeps what was before it.
    """
    found = dict(os.environ)
    if LAUNCHED in found:
        for name in LIBRARY_PATHS:
            before = found.get(f"APPLAUNCHER_0_{name}", "")
            found.pop(name, None)
            if before:
                found[name] = before
    return found


def quoted(word: str) -> str:
    """Return a word so that a shell takes it as it is, but for `~/` at its beginning."""
    if word.startswith("~/"):
        return "~/" + (shlex.quote(word[2:]) if word[2:] else "")
    return shlex.quote(word)
