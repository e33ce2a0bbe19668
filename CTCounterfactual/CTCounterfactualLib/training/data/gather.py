"""From the settings of what to train on to weighed stacks of slices."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from ...errors import SettingsError
from ...scans.read import read_scan
from ...storage.atomic import made_parents
from ...storage.lock import locked
from ..data_settings import VQGANData
from ..planted import stack_with_findings
from ..slice_file import read_slices
from ..slices import SliceStack, build_stacks, stack_from_scan
from .cache import Cache, build_cache
from .duplicates import find_duplicates
from .sources import find_sources
from .split import is_held_out

logger = logging.getLogger(__name__)

CACHE, LOCK = "slices", "cache.lock"
# How long another process may take to fill the cache: a day of reading.
WAIT_S = 86400.0


@dataclass(frozen=True)
class Gathered:
    """What there is to train on.

    Parameters
    ----------
    stacks : list of SliceStack
        Weighed.
    remarks : tuple of str
        What a person should know of it: scans left out, twins, how many are held out.
    """

    stacks: list[SliceStack]
    remarks: tuple[str, ...] = ()


def gather(
    data: VQGANData, folder: Path, say: Callable[[str], None], check: Callable[[], None]
) -> Gathered:
    """Read what there is to train on.

    Parameters
    ----------
    folder : Path
        The training's, for the slice cache.
    say : callable
        Called with what is being done, in words.
    check : callable
        Called now and then; what it raises (a cancel) ends it.

    Raises
    ------
    ScanError
        If a file that is named can't be used; scans found in folders are skipped, and told of.
    SettingsError
        If nobody is left to train on.
    """
    files = [read_slices(path).split(data.leave_out)[0] for path in data.slices]
    real: list[SliceStack] = []
    planted: list[SliceStack] = []
    for seed, path in enumerate(data.scans):
        check()
        say(f"reading {path}")
        scan = read_scan(path)
        real.append(stack_from_scan(scan))
        found = stack_with_findings(scan, data.planted, seed) if data.planted else None
        planted += [found] if found else []
    remarks: tuple[str, ...] = ()
    if data.folders:
        stacks, remarks = _from_folders(data, Path(data.cache or folder / CACHE), say, check)
        real += stacks
    for file in files:
        check()
        real += file.stacks()
    mixed = build_stacks(real, data.generated, data.generated_share, planted, data.planted_share)
    return Gathered(mixed, remarks)


def _from_folders(
    data: VQGANData, cache_folder: Path, say: Callable[[str], None], check: Callable[[], None]
) -> tuple[list[SliceStack], tuple[str, ...]]:
    sources = [source for path in data.folders for source in find_sources(path)]

    def on_scan(done: int, all_: int) -> None:
        check()
        say(f"slices of scan {done} of {all_}")

    workers = data.workers or os.cpu_count() or 1
    # One process fills it (of those that torchrun started, too); the others find it filled.
    with (
        made_parents(cache_folder / LOCK),
        locked(cache_folder / LOCK, f"The slice cache {cache_folder}", WAIT_S),
    ):
        cache = build_cache(sources, cache_folder, workers, on_scan)
    groups = find_duplicates(cache.signatures())
    stacks, people, held = training_part(cache, groups, data.hold_out)
    remarks = [f"{len(cache.entries)} scans in {cache_folder}: {people} people, {held} held out"]
    if cache.skipped:
        first, why = cache.skipped[0]
        remarks.append(
            f"{len(cache.skipped)} scans can't be used, such as {first}: {why} "
            f"All are in {cache_folder / 'skipped.csv'}."
        )
    names = {entry.id: Path(entry.source).name for entry in cache.entries}
    remarks += [
        f"nearly the same, so on one side: {', '.join(names[id_] for id_ in group)}"
        for group in groups
    ]
    return stacks, tuple(remarks)


def training_part(
    cache: Cache, groups: list[list[str]], hold_out: float
) -> tuple[list[SliceStack], int, int]:
    """Return the stacks to train on, how many people there are, and how many are held out.

    Nearly equal scans count as one person's, whatever their names are.

    Raises
    ------
    SettingsError
        If all are held out.
    """
    patient = {entry.id: entry.patient for entry in cache.entries}
    same: dict[str, str] = {}
    for group in groups:
        people = {patient[id_] for id_ in group}
        people |= {name for name, first in same.items() if first in {same.get(p) for p in people}}
        same |= dict.fromkeys(people, min(people))
    out = {p for p in set(patient.values()) if is_held_out(same.get(p, p), hold_out)}
    kept = [cache.stack(entry) for entry in cache.entries if entry.patient not in out]
    if not kept:
        raise SettingsError(
            f"All {len(out)} people of the folders are held out (hold_out is {hold_out:g}); none "
            f"is left to train on. Lower it, or add scans."
        )
    where = f"{len(set(patient.values())) - len(out)} people of {cache.folder.name}"
    return [replace(stack, source=where) for stack in kept], len(set(patient.values())), len(out)
