"""The verb `hosts`: other computers to run on; and `remote-worker`, which answers there."""

from __future__ import annotations

import argparse
import os
import shlex
import sys

from ..errors import RemoteError
from ..events import Event
from ..remote.hosts import DEFAULT_COMMAND, Host, add_host, find_host, hosts_file, read_hosts
from ..remote.hosts import remove_host as take_out
from .interrupt import cancel_on_signal, cancel_when_stdin_ends
from .options import add_parent_option, add_progress_option
from .progress import progress_printer


def add_hosts_options(parser: argparse.ArgumentParser) -> None:
    """Add what to do with the list of hosts."""
    deeds = parser.add_subparsers(dest="deed", required=True, metavar="DEED")
    listing = deeds.add_parser("list", help="list the hosts")
    listing.set_defaults(deal=_list)
    adding = deeds.add_parser("add", help="add a host that your ssh reaches")
    adding.add_argument("name", metavar="NAME", help="what you call it")
    adding.add_argument(
        "destination", metavar="DESTINATION", help="as ssh takes it: an alias, HOST or USER@HOST"
    )
    adding.add_argument(
        "--command",
        metavar="COMMAND",
        default=shlex.join(DEFAULT_COMMAND),
        help="what starts this program there, such as ~/venv/bin/ct-counterfactual (default: "
        "%(default)s)",
    )
    adding.add_argument(
        "--folder", metavar="DIR", help="where temporary files go there (default: the system's)"
    )
    adding.add_argument("--force", action="store_true", help="replace a host of that name")
    adding.set_defaults(deal=_add)
    removing = deeds.add_parser("remove", help="take a host out of the list")
    removing.add_argument("name", metavar="NAME")
    removing.set_defaults(deal=_remove)
    testing = deeds.add_parser("test", help="connect, and say what the host has to work with")
    testing.add_argument("name", metavar="NAME", help="of the list, or a destination of ssh's")
    add_progress_option(testing)
    add_parent_option(testing)
    testing.set_defaults(deal=_test)


def hosts(options: argparse.Namespace) -> None:
    """Do what was asked with the list of hosts."""
    options.deal(options)


def add_worker_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the host's side."""
    parser.add_argument("--folder", metavar="DIR", help="where the job's files go")
    parser.add_argument("--facts", action="store_true", help="only say what this computer has")


def remote_worker(options: argparse.Namespace) -> None:
    """Serve one job to the computer that started this over ssh."""
    from ..remote.keeper import Keeper

    # Whatever else is printed may not get between the messages.
    sink = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    code = Keeper(sys.stdin.buffer, sink, options.folder).run(options.facts)
    if code:
        sys.exit(code)


def _list(options: argparse.Namespace) -> None:
    found = read_hosts().values()
    for host in found:
        more = "" if host.command == DEFAULT_COMMAND else f", command {shlex.join(host.command)}"
        more += f", folder {host.folder}" if host.folder else ""
        sys.stdout.write(f"{host.name:<18} {host.destination}{more}\n")
    if not found:
        sys.stdout.write(
            f"No hosts in {hosts_file()}. Any destination of your ssh will do; for a name and a "
            f"command: ct-counterfactual hosts add NAME DESTINATION --command COMMAND\n"
        )


def _add(options: argparse.Namespace) -> None:
    host = Host(
        options.name, options.destination, tuple(shlex.split(options.command)), options.folder
    )
    path = add_host(host, options.force)
    sys.stdout.write(
        f"Added to {path}. Try it: ct-counterfactual hosts test {shlex.quote(host.name)}\n"
    )


def _remove(options: argparse.Namespace) -> None:
    sys.stdout.write(f"Removed from {take_out(options.name)}.\n")


def _test(options: argparse.Namespace) -> None:
    from ..remote.ask import ask_host

    host = find_host(options.name)
    with cancel_on_signal() as cancel:
        if options.parent_stdin:
            cancel_when_stdin_ends(cancel)
        found = ask_host(host, cancel)
    if not found.fit:
        raise RemoteError(
            f"{host.name} answers, but can't compute: PyTorch can't be used there "
            f"({found.torch_fault})."
        )
    if options.progress == "json":
        told = progress_printer("json")
        assert told is not None
        told(Event("tested", f"{host.name} is ready", 1.0, {"rows": found.rows()}))
        return
    for what, how_much in found.rows():
        sys.stdout.write(f"{what:<17} {how_much}\n")
    sys.stdout.write(f"{host.name} is ready.\n")
