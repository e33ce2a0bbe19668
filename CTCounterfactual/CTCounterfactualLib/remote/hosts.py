"""The user's list of hosts: a name, where ssh finds it, how the program is called there.

Kept as JSON in the user's configuration, for the command line and Slicer alike::

    {"schema": 1, "hosts": [{"name": "gpu", "destination": "ada@gpu.lab", "command":
     ["~/venv/bin/ct-counterfactual"], "folder": "/scratch/ada"}]}

It holds no secret: keys, passwords and jump hosts are ssh's own business.
"""

from __future__ import annotations

import os
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..checked import check_fields, check_known, shown
from ..errors import SettingsError
from ..storage.atomic import write_json
from ..storage.bounded import MOST_SETTINGS_BYTES
from ..storage.names import check_plain_name, reason
from ..storage.objects import read_object
from ..wording import say

# Overrides the place of the list.
FILE_VARIABLE = "CT_COUNTERFACTUAL_HOSTS"
SCHEMA = 1
DEFAULT_COMMAND = ("ct-counterfactual",)
LONGEST_NAME = 64
# What a user@host, an alias or an ssh:// address needs; anything else might mean something to a
# shell that the user's ssh configuration starts with it (ProxyCommand).
_DESTINATION = re.compile(r"[A-Za-z0-9_.%+:/@\[\]~-]{1,255}")


@dataclass(frozen=True)
class Host:
    """One computer to run jobs on.

    Parameters
    ----------
    name : str
        What the user calls it.
    destination : str
        As ssh takes it: an alias of its configuration, HOST, USER@HOST or ssh://USER@HOST:PORT.
    command : tuple of str
        What starts this program there, word by word; `~/` at a word's beginning is the home there.
    folder : str or None
        Where temporary folders are made there; None: in the system's temporary folder.

    Raises
    ------
    SettingsError
        For what ssh or a shell could take for something else.
    """

    name: str
    destination: str
    command: tuple[str, ...] = DEFAULT_COMMAND
    folder: str | None = None

    def __post_init__(self) -> None:
        _check_destination(self.destination)
        check_plain_name(self.name, "The name of the host", SettingsError)
        if self.name.startswith("-") or len(self.name) > LONGEST_NAME:
            raise SettingsError(
                f"The name of the host is {shown(self.name)}; give up to {LONGEST_NAME} characters "
                f"that don't begin with '-'."
            )
        if not self.command or not all(self.command):
            raise SettingsError(
                f"Host {self.name}: its command is empty; give what starts this program there, "
                f"such as {DEFAULT_COMMAND[0]}."
            )
        for word in (*self.command, self.folder or ""):
            if not word.isprintable():
                raise SettingsError(
                    f"Host {self.name}: {word!r} holds a line break or another control character; "
                    f"leave it out."
                )


def hosts_file() -> Path:
    """Return where the list is: $CT_COUNTERFACTUAL_HOSTS, or in the user's configuration."""
    chosen = os.environ.get(FILE_VARIABLE)
    if chosen:
        return Path(os.path.expanduser(chosen))
    home = Path(os.path.expanduser("~"))
    variable, usual = (
        ("APPDATA", home) if os.name == "nt" else ("XDG_CONFIG_HOME", home / ".config")
    )
    return Path(os.environ.get(variable) or usual) / "ct-counterfactual" / "hosts.json"


def read_hosts(path: Path | None = None) -> dict[str, Host]:
    """Return the hosts of the list by their names; none where there is no list.

    Raises
    ------
    SettingsError
        If it can't be read, or isn't what it should be; says where.
    """
    path = path or hosts_file()
    try:
        values = read_object(path, MOST_SETTINGS_BYTES)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise SettingsError(f"Cannot read the list of hosts {path}: {reason(error)}.") from error
    except ValueError as error:
        raise SettingsError(
            f"The list of hosts {path} is no valid JSON: {error}. Mend it, or remove it and add "
            f"the hosts again."
        ) from error
    where = f"The list of hosts {path}"
    check_known(values, ("schema", "hosts"), where)
    if values.get("schema") != SCHEMA or not isinstance(values.get("hosts"), list):
        raise SettingsError(
            f'{where} has no "schema": {SCHEMA} with a list of "hosts", which this version reads.'
        )
    hosts = [_host(value, f"{where}, host {n}") for n, value in enumerate(values["hosts"], start=1)]
    by_name = {host.name: host for host in hosts}
    if len(by_name) < len(hosts):
        raise SettingsError(f"{where} has two hosts of the same name; rename one.")
    return by_name


def find_host(name: str, path: Path | None = None) -> Host:
    """Return the host of a name; what isn't in the list is taken for a destination of ssh's.

    Raises
    ------
    SettingsError
        If the list can't be read, or the name can't be a destination either.
    """
    found = read_hosts(path).get(name)
    return found or Host(re.sub(r"[/:\[\]]+", "_", name)[:LONGEST_NAME] or name, name)


def add_host(host: Host, replace: bool = False, path: Path | None = None) -> Path:
    """Add a host to the list and return the list's path.

    Raises
    ------
    SettingsError
        If there is one of that name, without `replace`.
    OutputError
        If the list can't be written.
    """
    path = path or hosts_file()
    hosts = read_hosts(path)
    if host.name in hosts and not replace:
        raise SettingsError(
            f"There is a host {host.name!r} already ({hosts[host.name].destination}); choose "
            f"another name, or replace it by {say('force')}."
        )
    return _write({**hosts, host.name: host}, path)


def remove_host(name: str, path: Path | None = None) -> Path:
    """Take a host out of the list and return the list's path; nothing is done there."""
    path = path or hosts_file()
    hosts = read_hosts(path)
    if name not in hosts:
        raise SettingsError(
            f"There is no host {name!r} in the list {path}: "
            f"{', '.join(hosts) if hosts else 'it is empty'}."
        )
    del hosts[name]
    return _write(hosts, path)


def _write(hosts: dict[str, Host], path: Path) -> Path:
    rows = [
        {name: value for name, value in asdict(host).items() if value is not None}
        for host in hosts.values()
    ]
    write_json(path, {"schema": SCHEMA, "hosts": rows}, parents=True)
    return path


def _host(values: Any, where: str) -> Host:
    fields = check_fields(Host, values, where)
    if "command" in fields:
        fields["command"] = tuple(fields["command"])
    try:
        return Host(**fields)
    except SettingsError as error:
        raise SettingsError(f"{where}: {error.text}") from error


def _check_destination(destination: str) -> None:
    """Raise `SettingsError` for what could be an option of ssh's, or mean something to a shell."""
    plain = destination.removeprefix("ssh://")
    parts = plain.rpartition("@")
    if not _DESTINATION.fullmatch(destination) or any(
        part.startswith("-") for part in (destination, plain, parts[0], parts[2])
    ):
        raise SettingsError(
            f"The destination is {shown(destination)}; give what you would type behind ssh: an "
            f"alias of its configuration, HOST, or USER@HOST."
        )
