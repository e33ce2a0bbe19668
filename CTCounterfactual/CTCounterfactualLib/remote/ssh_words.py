"""Why a connection ended, in words: from ssh's exit code and what it or the host wrote."""

from __future__ import annotations

import re

from ..errors import RemoteError
from .hosts import Host

# ssh's own exit code for its own failures; all others are the command's.
SSH_FAILED = 255
NOT_FOUND, NOT_EXECUTABLE, WRONG_USAGE = 127, 126, 2
_SHOWN = 200
# What ssh says when an established connection ends.
_LOST = re.compile(
    r"broken pipe|connection reset|closed by remote host|not responding|client_loop|timed out"
    r"|connection to .* closed|network is (down|unreachable)",
    re.IGNORECASE,
)
# Of a connection that never was: what ssh says -> what that means, and what to do.
_REFUSED = (
    (
        r"remote host identification has changed|host key for .* has changed",
        "The key of {host} isn't the one that ssh remembers: it was installed anew, or somebody is "
        "in between. Ask whoever runs it, and correct your known_hosts.",
    ),
    (
        r"host key verification failed",
        "ssh doesn't know the key of {host} yet. Connect once by hand (ssh {destination}), compare "
        "the fingerprint and accept it.",
    ),
    (
        r"permission denied|too many authentication failures|no supported authentication",
        "{host} refused the login ({said}). Make sure that `ssh {destination}` works without a "
        "password: load your key into the agent, or ask for access.",
    ),
    (
        r"could not resolve hostname|name or service not known",
        "There is no host {destination} ({said}). Check the name: it is neither in your list of "
        "hosts, nor known to ssh or the network.",
    ),
    (
        r"connection refused",
        "{host} is there, but takes no ssh connections ({said}). Check the port, or whether its "
        "ssh server runs.",
    ),
    (
        r"timed out|no route to host|network is (down|unreachable)|host is down",
        "{host} can't be reached ({said}). Check the network, a VPN that may be needed, and "
        "whether the computer is on.",
    ),
    (
        r"bad configuration option|bad owner or perm|can't open user config|terminating, \d+ bad",
        "ssh can't use its configuration: {said}. Correct it.",
    ),
)  # fmt: skip


def never_began(returncode: int, log: str, host: Host) -> RemoteError:
    """Return the error of a connection on which the program there never answered.

    Parameters
    ----------
    returncode : int
        Of ssh; negative: the signal that ended it.
    log : str
        What ssh and the host wrote to stderr.
    """
    said = last_line(log)
    words = {"host": host.name, "destination": host.destination, "said": said}
    program = host.command[0] if len(host.command) == 1 else " ".join(host.command)
    if returncode < 0:
        return RemoteError(f"ssh to {host.name} was ended on this computer (signal {-returncode}).")
    if returncode == SSH_FAILED:
        for pattern, text in _REFUSED:
            found = re.search(pattern, log, re.IGNORECASE)
            if found:
                line = next((one for one in log.splitlines() if found.group() in one), said)
                return RemoteError(text.format(**{**words, "said": plain(line)}))
        return RemoteError(
            f"ssh couldn't connect to {host.name}: {said or 'it gave no reason'}. Try by hand: ssh "
            f"{host.destination}"
        )
    missing = re.search(r"no such file or directory|not found|no module named", log, re.IGNORECASE)
    if returncode == NOT_FOUND or (missing and returncode != WRONG_USAGE):
        return RemoteError(
            f"On {host.name} there is no program {program} ({said or 'not found'}). Install "
            f"CTCounterfactual there, or give this host the command that starts it, with its whole "
            f"path."
        )
    if returncode == NOT_EXECUTABLE:
        return RemoteError(
            f"On {host.name} {program} can't be run ({said or 'not executable'}). Check its "
            f"permissions there."
        )
    if returncode == WRONG_USAGE and "invalid choice" in log:
        return RemoteError(
            f"On {host.name} is an older version that can't work for others. Install there the "
            f"version that is here."
        )
    return RemoteError(
        f"On {host.name} {program} ended with exit code {returncode} before it answered: "
        f"{said or 'it said nothing'}."
    )


def broke_off(returncode: int, log: str, host: Host) -> RemoteError:
    """Return the error of a connection that ended before the work there had."""
    if returncode < 0:
        return RemoteError(
            f"ssh to {host.name} was ended on this computer (signal {-returncode}). Nothing was "
            f"written; what is there removes itself."
        )
    if returncode == SSH_FAILED and _LOST.search(log):
        return RemoteError(
            f"The connection to {host.name} was lost ({last_line(log)}). Nothing was written; what "
            f"is there removes itself. Try again; a computer that sleeps loses its connections."
        )
    said = last_line(log)
    return RemoteError(
        f"The work on {host.name} was ended there from outside{f' ({said})' if said else ''}. "
        f"Nothing was written. Try again, or ask whoever runs that computer."
    )


def last_line(log: str) -> str:
    """Return the last line that was written, fit for a sentence; empty if there is none."""
    lines = [line for line in log.splitlines() if line.strip()]
    return plain(lines[-1]).rstrip(". ") if lines else ""


def plain(text: str, most: int = _SHOWN) -> str:
    """Return a text of another computer's on one line, printable and not long."""
    shown = "".join(c if c.isprintable() else "?" for c in " ".join(text.split()))
    return shown if len(shown) <= most else f"{shown[:most]}..."
