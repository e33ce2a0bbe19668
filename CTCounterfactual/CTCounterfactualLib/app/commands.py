"""The verbs `explain`, `demo`, `run` and `list`: the first three make or read a job and run it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ..errors import SettingsError
from ..jobs.job import FileInput, GeneratedInput, Job
from ..jobs.run import run_job
from ..models.entry import list_models
from ..models.targets import Target
from ..remote.hosts import find_host
from ..remote.run import run_on
from ..storage.sizes import BYTES_PER_KB
from .check_command import consent_from
from .interrupt import cancel_on_signal, cancel_when_stdin_ends
from .method_options import method_options_from, print_methods
from .options import settings_from
from .progress import progress_printer

# Of a classifier with very many targets; `list --find` finds the others.
TARGETS_SHOWN = 5


def explain(options: argparse.Namespace) -> None:
    """Explain one scan and write the result folder."""
    given = FileInput(options.input, options.series, options.assume_hu)
    run_or_save(options, given, with_scan=False)


def demo(options: argparse.Namespace) -> None:
    """Generate a chest CT and explain it; the scan is written along with the result."""
    run_or_save(options, GeneratedInput(options.seed, options.effusion), with_scan=True)


def run(options: argparse.Namespace) -> None:
    """Run a job file."""
    _run(Job.read(options.job), options, options.parent_stdin)


def list_all(options: argparse.Namespace) -> None:
    """Print classifiers with their targets, autoencoders, backbones, and methods."""
    titles = {"classifier": "Classifiers", "autoencoder": "Autoencoders", "backbone": "Backbones"}
    for kind, title in titles.items():
        sys.stdout.write(f"{title}\n")
        for entry in list_models():
            if entry.kind != kind:
                continue
            weighs = entry.embedded and entry.size_bytes > 0
            size = f", {entry.size_bytes / BYTES_PER_KB:.0f} kB" if weighs else ""
            sys.stdout.write(f"  {entry.name:<18} {entry.status}{size}, {entry.licence}\n")
            sys.stdout.write(f"  {'':<18} {entry.description}\n")
            for line in _target_lines(entry.targets, options.find):
                sys.stdout.write(f"  {'':<18} {line}\n")
    if not options.find:
        print_methods()


def _target_lines(targets: tuple[Target, ...], word: str) -> list[str]:
    """Return the targets as lines: those with the word, or without one the first few."""
    lines = [
        "; ".join(filter(None, (f"target: {target.listed}", target.decision))) for target in targets
    ]
    if word:
        return [
            line
            for line, target in zip(lines, targets, strict=True)
            if word.casefold() in target.listed.casefold()
        ]
    lines = lines[:TARGETS_SHOWN]
    left_out = len(targets) - len(lines)
    return lines + ([f"... and {left_out} more; see --find WORD"] if left_out else [])


def job_from(
    options: argparse.Namespace, given: FileInput | GeneratedInput, with_scan: bool
) -> Job:
    """Return the job that parsed options describe."""
    return Job(
        input=given,
        output=options.output,
        classifier=options.classifier,
        target=options.target,
        autoencoder=options.autoencoder,
        settings=settings_from(options),
        method=options.method,
        method_options=method_options_from(options),
        region=options.region,
        force=options.force,
        scene=False if options.no_scene else None,
        with_scan=with_scan,
        report=options.report,
        dicom=options.dicom,
    )


def run_or_save(
    options: argparse.Namespace, given: FileInput | GeneratedInput, with_scan: bool
) -> Path | None:
    """Run what parsed options ask for and return the result folder; or write it as a job: None."""
    job = job_from(options, given, with_scan)
    if options.save_job:
        path = job.write(options.save_job, options.force)
        on = f" --on {options.on}" if options.on else ""
        sys.stderr.write(f"Job written to {path}; run it with: ct-counterfactual run {path}{on}\n")
        return None
    return _run(job, options)


def _run(job: Job, options: argparse.Namespace, parent_stdin: bool = False) -> Path:
    with cancel_on_signal() as cancel:
        if parent_stdin:
            cancel_when_stdin_ends(cancel)
        progress, consent = progress_printer(options.progress), consent_from(options)
        if options.on is not None:
            _check_elsewhere(job)
            return run_on(job, find_host(options.on), progress, cancel, consent)
        return run_job(job, progress, cancel, consent)


def _check_elsewhere(job: Job) -> None:
    """Raise `SettingsError` for what needs the scan's headers, which go to no other computer."""
    if job.dicom:
        raise SettingsError(
            "DICOM files need the scan's own headers, which aren't sent to another computer: leave "
            "--dicom out, and run `ct-counterfactual export-dicom` on the result."
        )
