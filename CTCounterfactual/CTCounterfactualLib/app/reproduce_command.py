"""The verb `reproduce`: a published evaluation again, beside its published numbers."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from .check_command import add_trust_option, consent_from
from .interrupt import cancel_on_signal
from .options import add_progress_option
from .progress import progress_printer

STUDIES = ("cohen2025",)


def add_reproduce_options(parser: argparse.ArgumentParser) -> None:
    """Add which study, the data, and where it is computed."""
    parser.add_argument(
        "study",
        choices=STUDIES,
        help="cohen2025: Table 1 and Figure 5 of the paper that this project implements",
    )
    parser.add_argument(
        "--data",
        required=True,
        metavar="DIR",
        help="NSCLC-Radiomics as DICOM, and PleThora's folders Effusions and Thoracic_Cavities",
    )
    parser.add_argument(
        "-o",
        "--output",
        required=True,
        metavar="OUT",
        help="gets the manifest, the cohort and its report; the same command goes on",
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--workers", type=int, default=0, metavar="N", help="processes of this computer"
    )
    where.add_argument(
        "--scheduler", default="", metavar="ADDRESS", help="a running Dask scheduler: tcp://..."
    )
    parser.add_argument(
        "--threads", type=int, default=1, metavar="N", help="of each worker (default: %(default)s)"
    )
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda ... (default: auto)")
    parser.add_argument(
        "--chunk",
        default="5,10,12",
        metavar="SLICES,...",
        help="sizes for Figure 5; 12, the table's, is always among them (default: %(default)s)",
    )
    parser.add_argument(
        "--notice", default="", help="said on top of the report: what stands in for what"
    )
    parser.add_argument(
        "--accept-licence",
        action="store_true",
        help="fetch models that lack, and accept their licences without being asked",
    )
    add_progress_option(parser)
    add_trust_option(parser)


def reproduce_study(options: argparse.Namespace) -> None:
    """Fetch what lacks, explain all scans, write the report."""
    from dataclasses import replace

    from ..archives.plethora import check_plethora
    from ..cohort.cluster import Cluster
    from ..cohort.report.reproduce import AUTOENCODER, CLASSIFIER, SETTINGS, reproduce
    from ..errors import SettingsError

    try:
        chunks = tuple(int(part) for part in options.chunk.split(","))
    except ValueError:
        raise SettingsError(f"The chunks are {options.chunk!r}; give numbers: 5,10,12.") from None
    check_plethora(Path(options.data))
    _fetch_missing((CLASSIFIER, AUTOENCODER), options)
    with cancel_on_signal() as cancel:
        page = reproduce(
            options.data,
            options.output,
            Cluster(options.scheduler, options.workers, options.threads),
            options.notice,
            chunks,
            replace(SETTINGS, device=options.device),
            progress_printer(options.progress),
            cancel,
            consent_from(options),
        )
    if options.progress != "json":
        sys.stdout.write(f"{page}\n")


def _fetch_missing(names: tuple[str, ...], options: argparse.Namespace) -> None:
    """Fetch the models that aren't here; licences are asked for as `models fetch` does."""
    from ..models.entry import list_models
    from ..models.store.cache import ModelCache, default_folder
    from .models_command import fetch_command

    cache = ModelCache(default_folder())
    lacking = [
        entry.name
        for entry in list_models(cache=cache)
        if entry.name in names and not all(map(cache.has, entry.files))
    ]
    if lacking:
        given = {"names": lacking, "file": [], "offline": False, "parent_stdin": False}
        told = {"accept_licence": options.accept_licence, "progress": options.progress}
        fetch_command(argparse.Namespace(**given, **told), cache)
