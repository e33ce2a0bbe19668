"""The verb `models`: list, fetch, verify, remove published models' files; open an own model."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from ..errors import Cancelled, ModelError
from ..events import CancelToken, Event, ProgressCallback, Reporter
from ..models.entry import CatalogueEntry, list_models
from ..models.store.cache import ModelCache, default_folder
from ..models.store.manage import (
    ABSENT,
    AS_IT_WAS,
    FETCH,
    clear_files,
    fetch_files,
    remove_files,
    verify_files,
)
from ..models.store.remote import RemoteFile
from ..models.targets import Target
from ..storage.sizes import in_words
from ..suggest import suggest
from ..wording import say
from .convert_command import add_convert_options
from .interrupt import cancel_on_signal, cancel_when_stdin_ends
from .options import add_parent_option, add_progress_option
from .progress import progress_printer

KEPT = "Cancelled: what has arrived is kept, and the next attempt goes on from there if it can."


def add_models_options(parser: argparse.ArgumentParser) -> None:
    """Add the verbs of `models`."""
    parser.add_argument(
        "--cache",
        type=Path,
        default=None,
        metavar="DIR",
        help="folder of fetched files (default: $CT_COUNTERFACTUAL_MODELS, or the user's cache)",
    )
    verbs = parser.add_subparsers(dest="models_verb", required=True, metavar="VERB")
    listing = verbs.add_parser("list", help="all models, and what of them is here")
    listing.set_defaults(models_run=list_command)
    fetch = verbs.add_parser("fetch", help="download the files of models")
    fetch.add_argument("names", nargs="+", metavar="NAME")
    fetch.add_argument(
        "--file",
        type=Path,
        nargs="+",
        metavar="PATH",
        default=[],
        help="take these local files instead (their names as in `models list`)",
    )
    fetch.add_argument("--offline", action="store_true", help="never touch the network")
    fetch.add_argument(
        "--accept-licence",
        action="store_true",
        help="agree to the licence of models that ask for it",
    )
    add_progress_option(fetch)
    add_parent_option(fetch)
    fetch.set_defaults(models_run=fetch_command)
    verify = verbs.add_parser("verify", help="check the digest of every file that is here")
    verify.set_defaults(models_run=verify_command)
    remove = verbs.add_parser("remove", help="remove files and forget their digests")
    remove.add_argument("names", nargs="*", metavar="NAME")
    remove.add_argument(
        "--all", action="store_true", help="all that was fetched, and what was made of it"
    )
    remove.set_defaults(models_run=remove_command)
    opening = verbs.add_parser("open", help="load an own model by its card and say what it is")
    opening.add_argument("card", type=Path, metavar="CARD", help="JSON or TOML")
    opening.add_argument(
        "--trust-code",
        action="store_true",
        help="agree to run the model's code; remembered for exactly these files",
    )
    add_progress_option(opening)
    add_parent_option(opening)
    opening.set_defaults(models_run=open_command)
    add_convert_options(verbs)


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
    """Fetch models, or take local files for them; a cancel keeps what has arrived."""
    cache = replace(cache, offline=options.offline)
    entries = [_find(name, cache) for name in options.names]
    local = {path.name: path for path in options.file}
    files = [file for entry in entries for file in entry.files]
    wanted = {file.name for file in files}
    if set(local) - wanted:
        raise ModelError(
            f"{', '.join(sorted(set(local) - wanted))}: no file of {', '.join(options.names)}. "
            f"Expected: {', '.join(sorted(wanted)) or 'none, the model is embedded'}."
        )
    for entry in entries:
        _ask_licence(entry, options.accept_licence)
    with cancel_on_signal() as cancel, _Bar() as bar:
        try:
            fetch_files(cache, files, local, _reporter(options, cancel, bar))
        except (Cancelled, KeyboardInterrupt):
            raise Cancelled(KEPT) from None


def verify_command(options: argparse.Namespace, cache: ModelCache) -> None:
    """Check all files that are here; raise `ModelError` naming those that aren't as they were."""
    files = [file for entry in list_models(cache=cache) for file in entry.files]
    checks = [check for check in verify_files(cache, files) if check.state != ABSENT]
    for check in checks:
        state = check.state if check.state == AS_IT_WAS else check.state.upper()
        sys.stdout.write(f"{check.file.name}: {state}\n")
    problems = [check.message for check in checks if check.state != AS_IT_WAS]
    if problems:
        raise ModelError(" ".join(problems))


def remove_command(options: argparse.Namespace, cache: ModelCache) -> None:
    """Remove the files of models that no other needs, or all that was ever fetched or made."""
    if options.all == bool(options.names):
        raise ModelError("Name the models to remove, or --all; not both.")
    everything = list_models(cache=cache)
    if options.all:
        files = [file for entry in everything for file in entry.files]
        freed, left = clear_files(cache, files)
        if left:
            sys.stderr.write(f"Left in {cache.folder}, as no model's files: {', '.join(left)}\n")
    else:
        going = [_find(name, cache) for name in options.names]
        staying = [entry for entry in everything if entry.name not in options.names]
        freed = remove_files(cache, _only_theirs(going, staying, cache))
    sys.stdout.write(f"{in_words(freed)} freed in {cache.folder}\n")


def _only_theirs(
    going: list[CatalogueEntry], staying: list[CatalogueEntry], cache: ModelCache
) -> list[RemoteFile]:
    """Return the files of models that go; those that another model here needs, too, are named."""
    needed = {
        file.name: entry.name
        for entry in staying
        if all(map(cache.has, entry.files))
        for file in entry.files
    }
    files = {file.name: file for entry in going for file in entry.files}
    shared = {name: needed[name] for name in files if name in needed}
    if shared:
        others = sorted(set(shared.values()))
        names = " ".join([*(entry.name for entry in going), *others])
        sys.stderr.write(
            f"Kept, as {', '.join(others)} has the same files: {', '.join(sorted(shared))}. To "
            f"remove them: ct-counterfactual models remove {names}\n"
        )
    return [file for name, file in files.items() if name not in shared]


def open_command(options: argparse.Namespace, cache: ModelCache) -> None:
    """Load the model of a card; the event `opened` says what it is.

    Its `kind`, `name`, `description`, `licence`, `targets` (the fields of `Target`)
    and the `sha256` of the card are what the Slicer module remembers: it has no torch.
    """
    from ..models.describe import describe_card
    from ..models.own.consent import Consent

    with cancel_on_signal() as cancel:
        reporter = _reporter(options, cancel, progress_printer("text"))
        reporter.report("open", f"Loading {options.card.name}", 0.0)
        about = describe_card(options.card, Consent(cache.folder, trust=options.trust_code))
        targets = ", ".join(_told(Target(**one)) for one in about["targets"]) or about["kind"]
        reporter.report("opened", f"{about['name']}: {targets}", 1.0, **about)


def _told(target: Target) -> str:
    """Return a target as it is listed, with its decision."""
    return "; ".join(filter(None, (target.listed, target.decision)))


def _reporter(
    options: argparse.Namespace, cancel: CancelToken, as_text: ProgressCallback | None
) -> Reporter:
    """Return who tells of progress in the style asked for, and ends with the parent if asked."""
    if options.parent_stdin:
        cancel_when_stdin_ends(cancel)
    show = as_text if options.progress == "text" else progress_printer(options.progress)
    return Reporter(show, cancel)


def _find(name: str, cache: ModelCache) -> CatalogueEntry:
    entries = {entry.name: entry for entry in list_models(cache=cache)}
    if name not in entries:
        raise ModelError(f"There is no model named {name!r}. {suggest(name, entries)}")
    return entries[name]


def _ask_licence(entry: CatalogueEntry, accepted: bool) -> None:
    """Ask on a terminal; elsewhere the option must have said it."""
    if entry.embedded or entry.permissive or accepted:
        return
    sys.stderr.write(
        f"{entry.name}: licence {entry.licence}. {entry.description}. Its publisher: "
        f"{entry.files[0].url}\n"
    )
    if sys.stdin is not None and sys.stdin.isatty():
        sys.stderr.write("Do you accept the publisher's terms of use? [y/N] ")
        if sys.stdin.readline().strip().lower() in ("y", "yes"):
            return
    raise ModelError(
        f"The licence of {entry.name} ({entry.licence}) was not accepted; nothing was fetched. "
        f"Read the publisher's terms, then use {say('accept_licence')}."
    )


class _Bar:
    """A line of stderr that is written over as a file arrives, and ended when the next begins."""

    def __init__(self) -> None:
        self._file = ""
        self._shown = ""

    def __enter__(self) -> _Bar:
        return self

    def __exit__(self, *error: object) -> None:
        if self._file:  # an error begins on a line of its own
            sys.stderr.write("\n")

    def __call__(self, event: Event) -> None:
        file = event.data.get("file", "") if event.step == FETCH else ""
        if file != self._file:
            sys.stderr.write("\n" if self._file else "")
            self._file = file
        if event.message != self._shown:
            self._shown = event.message
            sys.stderr.write(f"\r{event.message}" if file else f"{event.message}\n")
            sys.stderr.flush()
