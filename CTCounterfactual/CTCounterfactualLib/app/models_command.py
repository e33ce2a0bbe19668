"""The verb `models`: list, fetch, verify and remove the files of published models."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from ..errors import ModelError
from ..models.catalogue import CatalogueEntry, list_models
from ..models.classifier import suggest
from ..models.store.cache import ModelCache, default_folder
from .interrupt import cancel_on_signal

BYTES_PER_MB = 1e6


def add_models_options(parser: argparse.ArgumentParser) -> None:
    """Add the verbs of `models`."""
    parser.add_argument(
        "--cache", type=Path, default=None, metavar="DIR",
        help="folder of fetched files (default: $CT_COUNTERFACTUAL_MODELS, or the user's cache)",
    )
    verbs = parser.add_subparsers(dest="models_verb", required=True, metavar="VERB")
    listing = verbs.add_parser("list", help="all models, and what of them is here")
    listing.set_defaults(models_run=list_command)
    fetch = verbs.add_parser("fetch", help="download the files of models")
    fetch.add_argument("names", nargs="+", metavar="NAME")
    fetch.add_argument("--file", type=Path, nargs="+", metavar="PATH", default=[],
                       help="take these local files instead (their names as in `models list`)")
    fetch.add_argument("--offline", action="store_true", help="never touch the network")
    fetch.add_argument("--accept-licence", action="store_true",
                       help="agree to the licence of models that ask for it")
    fetch.set_defaults(models_run=fetch_command)
    verify = verbs.add_parser("verify", help="check the digest of every file that is here")
    verify.set_defaults(models_run=verify_command)
    remove = verbs.add_parser("remove", help="remove files and forget their digests")
    remove.add_argument("names", nargs="*", metavar="NAME")
    remove.add_argument("--all", action="store_true", help="clear the whole cache")
    remove.set_defaults(models_run=remove_command)


def models(options: argparse.Namespace) -> None:
    """Run one of the verbs."""
    options.models_run(options, ModelCache(options.cache or default_folder()))


def list_command(options: argparse.Namespace, cache: ModelCache) -> None:
    """Print each model with its status, licence, source and files."""
    sys.stdout.write(f"Fetched files: {cache.folder}\n")
    for entry in list_models(cache=cache):
        sys.stdout.write(f"{entry.name:<20} {entry.kind:<12} {entry.status}\n")
        sys.stdout.write(f"{'':<20} {entry.description}\n")
        trained = f"; trained on {entry.trained_on}" if entry.trained_on else ""
        sys.stdout.write(f"{'':<20} licence: {entry.licence}{trained}\n")
        for file in entry.files:
            here = "here" if cache.has(file) else "not here"
            sys.stdout.write(f"{'':<20} {file.name} ({here})\n{'':<20}   from {file.url}\n")


def fetch_command(options: argparse.Namespace, cache: ModelCache) -> None:
    """Fetch models, or take local files for them; Ctrl-C keeps what has arrived."""
    cache = replace(cache, offline=options.offline)
    entries = [_find(name, cache) for name in options.names]
    local = {path.name: path for path in options.file}
    wanted = {file.name for entry in entries for file in entry.files}
    if set(local) - wanted:
        raise ModelError(
            f"{', '.join(sorted(set(local) - wanted))}: no file of {', '.join(options.names)}. "
            f"Expected: {', '.join(sorted(wanted)) or 'none, the model is embedded'}."
        )
    for entry in entries:
        _ask_licence(entry, options.accept_licence)
    with cancel_on_signal() as cancel:
        for entry in entries:
            for file in entry.files:
                if file.name in local:
                    cache.adopt(file, local[file.name])
                else:
                    cache.fetch(file, _Bar(file.name, cancel.check))
            sys.stderr.write(f"{entry.name} is ready.\n")


def verify_command(options: argparse.Namespace, cache: ModelCache) -> None:
    """Check all files that are here; raise `ModelError` naming those that changed."""
    problems = []
    files = {file.name: file for entry in list_models(cache=cache) for file in entry.files}
    for file in files.values():
        if not cache.has(file):
            continue
        try:
            cache.path(file)
        except ModelError as error:
            problems.append(str(error))
            sys.stdout.write(f"{file.name}: CHANGED\n")
        else:
            sys.stdout.write(f"{file.name}: as it was\n")
    if problems:
        raise ModelError(" ".join(problems))


def remove_command(options: argparse.Namespace, cache: ModelCache) -> None:
    """Remove the files of models, or everything in the cache."""
    if options.all == bool(options.names):
        raise ModelError("Name the models to remove, or --all; not both.")
    if options.all:
        freed = cache.clear()
    else:
        entries = [_find(name, cache) for name in options.names]
        freed = sum(cache.remove(file) for entry in entries for file in entry.files)
    sys.stdout.write(f"{freed / BYTES_PER_MB:.0f} MB freed in {cache.folder}\n")


def _find(name: str, cache: ModelCache) -> CatalogueEntry:
    entries = {entry.name: entry for entry in list_models(cache=cache)}
    if name not in entries:
        raise ModelError(f"There is no model named {name!r}. {suggest(name, list(entries))}")
    return entries[name]


def _ask_licence(entry: CatalogueEntry, accepted: bool) -> None:
    """Ask on a terminal; elsewhere the option must have said it."""
    if entry.embedded or entry.permissive or accepted:
        return
    sys.stderr.write(
        f"{entry.name}: licence {entry.licence}. {entry.description}. Its publisher: "
        f"{entry.files[0].url}\n"
    )
    if sys.stdin.isatty():
        sys.stderr.write("Do you accept the publisher's terms of use? [y/N] ")
        if sys.stdin.readline().strip().lower() in ("y", "yes"):
            return
    raise ModelError(
        f"The licence of {entry.name} ({entry.licence}) was not accepted; nothing was fetched. "
        f"Read the publisher's terms, then use --accept-licence."
    )


class _Bar:
    """Percent and megabytes on one line of stderr; `check` may stop the download."""

    def __init__(self, name: str, check):
        self.name = name
        self.check = check
        self.shown = -1

    def __call__(self, done: int, total: int) -> None:
        percent = 100 * done // total if total else 0
        if percent != self.shown:
            self.shown = percent
            sys.stderr.write(f"\r{self.name}: {percent} %, {done / BYTES_PER_MB:.0f} MB")
            sys.stderr.write("\n" if done == total else "")
            sys.stderr.flush()
        self.check()
