"""The verbs `explain`, `demo` and `list`: each checks, calls the engine, writes."""

from __future__ import annotations

import argparse
import sys

import numpy as np

from ..events import CancelToken, Reporter
from ..models.catalogue import list_models, load_autoencoder, load_classifier
from ..outputs.folder import check_output, write_result
from ..scans.scan import Scan
from .interrupt import cancel_on_signal
from .options import settings_from
from .progress import progress_printer

# The demo's scan: fine enough to look like a CT, small enough for a minute on two cores.
DEMO_SPACING_MM = (1.0, 1.0, 2.0)
BYTES_PER_KB = 1000


def explain(options: argparse.Namespace) -> None:
    """Explain one scan and write the result folder."""
    from ..scans.read import read_scan

    def read() -> Scan:
        return read_scan(options.input, options.series, options.assume_hu)

    _run(options, read, with_scan=False)


def demo(options: argparse.Namespace) -> None:
    """Generate a chest CT and explain it; the scan is written along with the result."""

    def generate() -> Scan:
        from ..scans.generated import ChestSettings, generate_chest

        chest = generate_chest(
            ChestSettings(
                spacing=DEMO_SPACING_MM, seed=options.seed, effusion_ml=options.effusion
            )
        )
        scan = Scan.from_array(
            chest.hu, chest.spacing, chest.origin, name=f"generated-chest-{options.seed}"
        )
        return Scan(scan.image, scan.name, path=f"generated chest, seed {options.seed}",
                    sha256=_array_sha256(chest.hu))

    _run(options, generate, with_scan=True)


def list_all(options: argparse.Namespace) -> None:
    """Print all classifiers with their targets, and all autoencoders, with their status."""
    for kind, title in (("classifier", "Classifiers"), ("autoencoder", "Autoencoders")):
        sys.stdout.write(f"{title}\n")
        for entry in list_models():
            if entry.kind != kind:
                continue
            size = f", {entry.size_bytes / BYTES_PER_KB:.0f} kB" if entry.size_bytes else ""
            sys.stdout.write(f"  {entry.name:<18} {entry.status}{size}, {entry.licence}\n")
            sys.stdout.write(f"  {'':<18} {entry.description}\n")
            for target in entry.targets:
                sys.stdout.write(f"  {'':<18} target: {target}\n")


def _run(options: argparse.Namespace, make_scan, with_scan: bool) -> None:
    """Check everything that can fail early, explain, write; a signal cancels at any point."""
    settings = settings_from(options)
    check_output(options.output, options.force)
    classifier = load_classifier(options.classifier)
    classifier.find_target(options.target)
    progress = progress_printer(options.progress)
    with cancel_on_signal() as cancel:
        result = _explain(options, settings, classifier, make_scan, progress, cancel)
        cancel.check()
        out = write_result(
            result, options.output, options.force, False if options.no_scene else None, with_scan
        )
    Reporter(progress).report(
        "written", f"Result written to {out}", 1.0, output=str(out),
        flags=[flag.name for flag in result.flags],
    )


def _explain(options, settings, classifier, make_scan, progress, cancel: CancelToken):
    from ..counterfactual.engine import explain as explain_scan

    autoencoder = load_autoencoder(options.autoencoder)
    scan = make_scan()
    cancel.check()
    check_output(options.output, options.force, voxels=int(np.prod(scan.size)))
    return explain_scan(
        scan, classifier, options.target, autoencoder, settings, progress=progress, cancel=cancel
    )


def _array_sha256(array: np.ndarray) -> str:
    import hashlib

    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()
