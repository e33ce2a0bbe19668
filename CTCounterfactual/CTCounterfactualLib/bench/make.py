"""Make a bench: plant findings into scans, case by case; what is made isn't made again."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from ..checked import check_limits, take_types
from ..errors import Cancelled, CTCounterfactualError, OutputError, SettingsError
from ..events import CancelToken, ProgressCallback, Reporter
from ..limits import COUNT, SEED
from ..outputs.volumes import write_image
from ..planting import FINDINGS
from ..scans.read import base_name
from ..storage.atomic import STAGING, flush, made_parents, staging, write_text
from ..storage.lock import locked
from ..storage.names import check_name, reason
from ..suggest import suggest
from .draft import PAIR, Draft, Wanted, draft
from .layout import CASES_FILE, EXPIRATION, BenchCase, read_cases, write_cases
from .skipped import SKIPPED_FILE, Skipped, skipped_table
from .subject import Subject, read_subject

LOCK = f"{STAGING}make.lock"
SUFFIX = ".nrrd"
VOLUMES = ("scan", "clean", "mask", "lungs", "other_mask")


@dataclass(frozen=True)
class MakeSettings:
    """What to plant into each scan.

    Parameters
    ----------
    findings : tuple of str
        Of `planting.FINDINGS`.
    per_scan, pairs, expiration : int
        Cases a finding; with two findings, of which one is explained; with smaller lungs.
    seed : int
        Draws looks, places and volumes, together with the scan's content.
    """

    findings: tuple[str, ...] = FINDINGS
    per_scan: int = 1
    pairs: int = 1
    expiration: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        take_types(self)
        check_limits(self, per_scan=COUNT, pairs=COUNT, expiration=COUNT, seed=SEED)
        for finding in self.findings:
            if finding not in FINDINGS:
                raise SettingsError(
                    f"There is no finding '{finding}'. {suggest(finding, FINDINGS)}"
                )
        if not self.wanted():
            raise SettingsError("Nothing to make: give findings, pairs or expirations.")

    def wanted(self) -> list[Wanted]:
        """Return the cases of each scan."""
        counts = {finding: self.per_scan for finding in dict.fromkeys(self.findings)}
        if len(counts) > 1:  # a pair takes two kinds
            counts[PAIR] = self.pairs
        counts[EXPIRATION] = self.expiration
        return [Wanted(kind, n) for kind, count in counts.items() for n in range(1, count + 1)]


@dataclass(frozen=True)
class Made:
    """What `make_bench` has done.

    Parameters
    ----------
    cases : tuple of BenchCase
        All of the bench, earlier ones too.
    skipped : tuple of Skipped
        What couldn't be made of the scans given now.
    """

    cases: tuple[BenchCase, ...]
    skipped: tuple[Skipped, ...]


def make_bench(
    scans: list[str | Path],
    output: str | Path,
    settings: MakeSettings | None = None,
    lungs: str | Path | None = None,
    progress: ProgressCallback | None = None,
    cancel: CancelToken | None = None,
) -> Made:
    """Plant findings into scans and write them as a bench; go on where an earlier run ended.

    A scan or a case that can't be made is told by an event `skipped`, listed in `skipped.csv`, and
    doesn't keep the others.

    Parameters
    ----------
    scans : list of str or Path
        Files or DICOM folders.
    output : str or Path
        The bench's folder; it may hold cases of the same seed, which stay.
    lungs : str or Path, optional
        Lung mask on the scan's own grid; of a single scan only.

    Raises
    ------
    SettingsError
        For several scans with one mask, or none.
    OutputError
        If the bench can't be written, is being made by another process, or holds a case of the
        same name and another seed or scan.
    Cancelled
        If `cancel` was set: finished cases stay, of the one at work nothing is left.
    """
    settings = settings or MakeSettings()
    if not scans:
        raise SettingsError("Nothing to plant into: give scans.")
    if lungs is not None and len(scans) > 1:
        raise SettingsError(f"A lung mask belongs to one scan, and {len(scans)} are given.")
    folder = check_name(output)
    reporter = Reporter(progress, cancel)
    try:
        with made_parents(folder / CASES_FILE), locked(folder / LOCK, f"The bench {folder}"):
            return _Maker(folder, settings, reporter).make(scans, lungs)
    except OSError as error:
        raise OutputError(
            f"Cannot write into {folder.absolute()}: {reason(error)}. Choose another folder."
        ) from error


class _Maker:
    """One run of `make_bench` on a folder that is locked."""

    def __init__(self, folder: Path, settings: MakeSettings, reporter: Reporter):
        self.folder, self.settings, self.reporter = folder, settings, reporter
        known = read_cases(folder) if (folder / CASES_FILE).exists() else ()
        self.cases = {case.case: case for case in known}
        self.skipped: list[Skipped] = []

    def make(self, scans: list[str | Path], lungs: str | Path | None) -> Made:
        names = subject_names(scans)
        for number, (path, name) in enumerate(zip(scans, names, strict=True)):
            at = number / len(scans)
            try:
                self.reporter.report("reading", f"{name}: reading it, finding the lungs", at)
                self._scan(read_subject(path, name, lungs), at, 1 / len(scans))
            except (Cancelled, OutputError):
                raise
            except CTCounterfactualError as error:
                self._skip(name, "", error, at)
        if self.skipped or (self.folder / SKIPPED_FILE).exists():
            write_text(self.folder / SKIPPED_FILE, skipped_table(self.skipped))
        return Made(tuple(self.cases.values()), tuple(self.skipped))

    def _scan(self, subject: Subject, at: float, share: float) -> None:
        _ = subject.chest  # what leaves no room for anything is said once, of the scan
        wanted = self.settings.wanted()
        for number, one in enumerate(wanted, start=1):
            name = one.name(subject.name)
            seed = one.seed(self.settings.seed, subject.scan.sha256)
            fraction = at + share * number / len(wanted)
            if self._is_made(name, seed):
                continue
            try:
                made = draft(subject, one, self.settings.findings, seed)
            except CTCounterfactualError as error:
                self._skip(subject.name, name, error, fraction)
                continue
            self.reporter.check()
            self._write(name, seed, subject, made)
            self.reporter.report(
                "made",
                f"{name}: {made.finding}, {made.ml:.1f} mL, {made.place}",
                fraction,
                case=name,
            )

    def _is_made(self, name: str, seed: int) -> bool:
        if name not in self.cases:
            return False
        if self.cases[name].seed != seed:
            raise OutputError(
                f"{self.folder} holds a case {name} of another seed, or of another scan of that "
                f"name: choose another folder."
            )
        return True

    def _write(self, name: str, seed: int, subject: Subject, made: Draft) -> None:
        images = {
            "scan": subject.image(made.scan),
            "clean": subject.image(made.clean),
            "mask": subject.mask_image(made.mask),
            "lungs": subject.mask_image(subject.lungs),
        }
        if made.other_mask is not None:
            images["other_mask"] = subject.mask_image(made.other_mask)
        target = self.folder / name
        _remove_unlisted(target)
        with staging(target) as folder:
            for volume, image in images.items():
                self.reporter.check()
                write_image(image, folder / f"{volume}{SUFFIX}")
                flush(folder / f"{volume}{SUFFIX}")
            os.rename(folder, target)
            folder.mkdir()  # staging removes it
        paths = {volume: target / f"{volume}{SUFFIX}" for volume in images}
        self.cases[name] = BenchCase(
            case=name,
            finding=made.finding,
            ml=round(made.ml, 2),
            place=made.place,
            seed=seed,
            other=made.other,
            **paths,
        )
        write_cases(self.folder, tuple(self.cases.values()))

    def _skip(self, scan: str, case: str, error: CTCounterfactualError, fraction: float) -> None:
        self.skipped.append(Skipped(scan, case, str(error)))
        self.reporter.report("skipped", f"{case or scan} is left out: {error}", fraction)


def subject_names(scans: list[str | Path]) -> list[str]:
    """Return a plain name for each scan, no two alike."""
    names: list[str] = []
    for path in scans:
        plain = re.sub(r"[^A-Za-z0-9_.-]+", "-", base_name(Path(os.path.abspath(path)))).strip(".-")
        name, number = plain or "scan", 2
        while name in names:
            name, number = f"{plain or 'scan'}_{number}", number + 1
        names.append(name)
    return names


def _remove_unlisted(folder: Path) -> None:
    """Remove a case's folder that a killed run left before its row was written."""
    if not folder.exists():
        return
    foreign = {path.name for path in folder.iterdir()} - {f"{name}{SUFFIX}" for name in VOLUMES}
    if foreign:
        raise OutputError(
            f"{folder} is no case of this bench and holds {sorted(foreign)[0]}: move it away, or "
            f"choose another folder."
        )
    shutil.rmtree(folder)
