"""The files of a method's map: volumes, figure and record, in the folder of any result."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..methods.attribution import Attribution
from ..storage.atomic import write_text
from ..storage.moving import files_in
from .attribution_figure import write_attribution_figure
from .attribution_record import ATTRIBUTION_FILE, HEATMAP_FILE, attribution_record, part_file
from .earlier import RECORD
from .structure_files import FACT as STRUCTURES_FACT
from .structure_files import STRUCTURES_FILE, write_structure_table
from .texts import clean, cleaned_model
from .volumes import SCAN_FILE, write_image


def fill_with_attribution(
    folder: Path,
    attribution: Attribution,
    with_scan: bool,
    check: Callable[[], None],
    more: Callable[[Attribution], None] = lambda _: None,
) -> None:
    """Write all files of a map into an empty folder, and the record of them last.

    `attribution.nrrd` (float32), `heatmap.nrrd` and `parts/NAME.nrrd` (uint8) lie on the scan's own
    grid; `structures.csv` is there if the method compares structures. `check` is called after each
    file; it may raise. `more` writes what else is wanted.
    """
    attribution = cleaned_attribution(attribution)
    scan = attribution.scan
    if with_scan:
        write_image(scan.image, folder / SCAN_FILE)
        check()
    write_image(scan.with_array(attribution.values), folder / ATTRIBUTION_FILE)
    check()
    write_image(scan.with_array(attribution.heatmap), folder / HEATMAP_FILE)
    check()
    if attribution.parts:
        (folder / "parts").mkdir()
    for name, mask in attribution.parts.items():
        write_image(scan.with_array(mask.astype(np.uint8)), folder / part_file(name))
        check()
    if STRUCTURES_FACT in attribution.facts:
        write_structure_table(attribution.facts, folder / STRUCTURES_FILE)
    write_attribution_figure(attribution, folder / "figure.png")
    check()
    more(attribution)
    record = attribution_record(attribution, [*files_in(folder), RECORD])
    text = json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False)
    write_text(folder / RECORD, text + "\n")


def cleaned_attribution(attribution: Attribution) -> Attribution:
    """Return a map all of whose names can be written."""
    scan, target = attribution.scan, attribution.target
    return replace(
        attribution,
        scan=replace(scan, name=clean(scan.name), path=clean(scan.path)),
        classifier=cleaned_model(attribution.classifier),
        autoencoder=attribution.autoencoder and cleaned_model(attribution.autoencoder),
        target=replace(target, name=clean(target.name), unit=clean(target.unit)),
        flags=tuple(
            replace(flag, name=clean(flag.name), message=clean(flag.message))
            for flag in attribution.flags
        ),
    )
