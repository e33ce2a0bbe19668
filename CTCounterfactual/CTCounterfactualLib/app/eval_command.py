"""The verb `eval-autoencoder`: how well an autoencoder draws scans that it has never seen."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import SettingsError
from ..events import CancelToken
from .interrupt import cancel_on_signal

if TYPE_CHECKING:
    from ..metrics.drawing import Drawing

DEFAULT_CLASSIFIERS = ("lung-volume", "effusion-demo", "findings-demo")
FIGURES, REPORT, PANELS, BENCH = "figures.json", "report.md", "panels.png", "bench"
# Slices in the picture of each scan, spread over its length.
SHOWN = 3


def add_eval_options(parser: argparse.ArgumentParser) -> None:
    """Add the autoencoder, what it is measured on, and where the report goes."""
    parser.add_argument("card", metavar="NAME|CARD", help="autoencoder: catalogue name or card")
    parser.add_argument("scans", nargs="*", metavar="SCAN", help="CT files or DICOM folders")
    parser.add_argument(
        "--slices",
        action="append",
        default=[],
        metavar="NPZ",
        help="single slices of many patients, as train-vqgan takes them; may be repeated",
    )
    parser.add_argument(
        "--leave-out",
        type=int,
        metavar="N",
        help="of --slices, measure only on patients whose number is a multiple of N: those that "
        "train-vqgan --leave-out N has left out",
    )
    parser.add_argument(
        "--classifier",
        action="append",
        metavar="NAME",
        help="tell this one's reconstruction gap; may be repeated "
        f"(default: {', '.join(DEFAULT_CLASSIFIERS)})",
    )
    parser.add_argument(
        "--bench",
        metavar="BENCH",
        help="a truth bench (bench make): tell what counterfactuals by this autoencoder recover "
        "with the ideal classifier; takes half a minute a case",
    )
    parser.add_argument(
        "-o", "--output", required=True, metavar="DIR", help=f"gets {REPORT}, {FIGURES}, {PANELS}"
    )
    parser.add_argument(
        "--write-card", action="store_true", help="write the figures into the card (`quality`)"
    )
    parser.add_argument("--force", action="store_true", help="replace an earlier report in DIR")


def eval_autoencoder(options: argparse.Namespace) -> None:
    """Measure, print the table, write the report; with --write-card also the card's `quality`."""
    from ..models.catalogue import load_autoencoder
    from ..storage.atomic import check_free, write_json, write_text
    from ..training.panels import write_panel

    if not (options.scans or options.slices):
        raise SettingsError("Nothing to measure on: give scans, or --slices.")
    card = Path(options.card)
    if options.write_card and not (card.is_file() and card.suffix == ".json"):
        raise SettingsError("--write-card writes into a JSON card: give its path, not a name.")
    folder = Path(options.output)
    for name in (FIGURES, REPORT, PANELS):
        check_free(folder / name, options.force)
    autoencoder = load_autoencoder(options.card)
    with cancel_on_signal() as cancel:
        found, codes, picture = _measured(options, autoencoder, cancel)
        bench = _recovered(options, folder / BENCH, cancel) if options.bench else {}
    told = {
        "autoencoder": autoencoder.name,
        "sha256": getattr(autoencoder, "sha256", ""),
        "scans": {one.name: _plain(one) for one in found},
        "codebook": _rounded(codes),
        "bench": bench,
    }
    write_json(folder / FIGURES, told, parents=True)
    write_panel(folder / PANELS, picture)
    text = report(told)
    write_text(folder / REPORT, text)
    sys.stdout.write(text)
    if options.write_card:
        _write_card(card, told)


def _measured(
    options: argparse.Namespace, autoencoder: Any, cancel: CancelToken
) -> tuple[list[Drawing], dict[str, float], np.ndarray]:
    import torch

    from ..metrics.drawing import CodeUse, measure_scan, redraw
    from ..models.catalogue import load_classifier
    from ..scans.grid import prepare
    from ..scans.read import read_scan
    from ..training.panels import panel
    from ..training.slice_file import read_slices

    wanted = DEFAULT_CLASSIFIERS if options.classifier is None else options.classifier
    classifiers = [load_classifier(name) for name in wanted]
    found, codes, pictures = [], CodeUse(), []
    for path in options.scans:
        cancel.check()
        sys.stderr.write(f"{path}\n")
        prepared = prepare(read_scan(path))
        drawn = redraw(autoencoder, prepared.volume)
        found.append(measure_scan(prepared, drawn, Path(path).name, classifiers))
        codes.count(autoencoder, torch.from_numpy(prepared.volume)[:, None])
        at = np.linspace(0, prepared.slices - 1, SHOWN + 2).astype(int)[1:-1]
        rows = [
            torch.from_numpy(np.ascontiguousarray(v[at]))[:, None] for v in (prepared.volume, drawn)
        ]
        pictures.append(panel(rows[0], rows[1]))
    for path in options.slices:
        cancel.check()
        sys.stderr.write(f"{path}\n")
        file = read_slices(path)
        file = file if options.leave_out is None else file.split(options.leave_out)[1]
        found.append(_of_patients(autoencoder, file, codes))
    return found, codes.figures(), _stacked(pictures)


def _of_patients(autoencoder: Any, file: Any, codes: Any) -> Drawing:
    """Return the medians over patients of a file; a patient's own figure is the mean of slices."""
    import torch

    from ..metrics.drawing import Drawing, likeness, redraw
    from ..scans.body import find_body
    from ..scans.grid import GridSpec

    spec, people = GridSpec(), []
    for patient in np.unique(file.patient):
        own = []
        for index in np.flatnonzero(file.patient == patient):
            x = file.prepared(int(index))[None]
            codes.count(autoencoder, torch.from_numpy(x)[:, None])
            body = find_body(spec.window.to_hu(x), spec.spacing)
            own.append(likeness(x, redraw(autoencoder, x), body))
        people.append(
            {
                n: float(np.mean([one[n] for one in own]))
                for n in own[0]
                if all(n in one for one in own)
            }
        )
    names = sorted({name for one in people for name in one})
    figures = {n: float(np.median([one[n] for one in people if n in one])) for n in names}
    worst = {"psnr_body_db_least": min(one["psnr_body_db"] for one in people)}
    return Drawing(file.name, figures | worst | {"patients": float(len(people))})


def _recovered(options: argparse.Namespace, folder: Path, cancel: CancelToken) -> dict[str, Any]:
    """Return the bench's medians by finding, explained with the ideal classifier."""
    from ..bench.bench_settings import BenchRun
    from ..bench.ideal import IDEAL
    from ..bench.run import run_bench
    from ..bench.score import score_bench
    from ..bench.summary import summarise
    from ..counterfactual.settings import ExplainSettings

    wanted = BenchRun(
        classifier=IDEAL, autoencoder=options.card, settings=ExplainSettings(mode="whole", frames=0)
    )

    def tell(event: Any) -> None:
        sys.stderr.write(f"{event}\n")

    failed = run_bench(options.bench, folder, wanted, tell, cancel)
    summary = summarise(score_bench(options.bench, folder, pictures=False, cancel=cancel))
    names = ("recovered", "direction", "slice_roughness")
    medians = {
        finding: {n: one[n]["median"] for n in names if n in one}
        | {"cases": max((one[n]["n"] for n in names if n in one), default=0)}
        for finding, one in summary["findings"].items()
    }
    return {"classifier": IDEAL, "findings": medians, "failed": failed}


def report(told: dict[str, Any]) -> str:
    """Return the figures as a page of Markdown."""
    lines = [
        f"# How {told['autoencoder']} draws",
        "",
        f"Weights {told['sha256'][:12] or 'none'}.",
        "",
    ]
    names = sorted({name for one in told["scans"].values() for name in one["figures"]})
    lines += [f"| scan | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|"]
    for scan, one in told["scans"].items():
        cells = [f"{one['figures'][name]:g}" if name in one["figures"] else "" for name in names]
        lines.append(f"| {scan} | {' | '.join(cells)} |")
    gaps = [(scan, gap) for scan, one in told["scans"].items() for gap in one["gaps"]]
    if gaps:
        lines += ["", "Reconstruction gaps: what drawing alone does to scores.", ""]
        lines += [
            "| scan | classifier | target | of the scan | of its drawing | gap |",
            "|---" * 6 + "|",
        ]
        lines += [
            f"| {scan} | {g['classifier']} | {g['target']} ({g['unit']}) | {g['original']:g} | "
            f"{g['reconstruction']:g} | {g['gap']:+g} |"
            for scan, g in gaps
        ]
    lines += [
        "",
        *(f"{scan}: {words}" for scan, one in told["scans"].items() for words in one["remarks"]),
    ]
    if told["codebook"]:
        c = told["codebook"]
        lines += [
            "",
            f"Codes used: {c['codes_used']:g} of {c['codes']:g}, perplexity {c['perplexity']:g}.",
        ]
    for finding, one in told["bench"].get("findings", {}).items():
        figures = ", ".join(f"{name} {value:g}" for name, value in one.items())
        lines.append(f"\nTruth bench, ideal classifier, {finding}: {figures}.")
    lines += [
        "",
        f"![Slices of each scan, their drawings, the difference (black, white: 200 HU)]({PANELS})",
        "",
    ]
    return "\n".join(lines)


def _plain(one: Drawing) -> dict[str, Any]:
    gaps = [
        {
            "classifier": gap.classifier,
            "target": gap.target,
            "unit": gap.unit,
            **_rounded(
                {"original": gap.original, "reconstruction": gap.reconstruction, "gap": gap.gap}
            ),
        }
        for gap in one.gaps
    ]
    return {"figures": _rounded(one.figures), "gaps": gaps, "remarks": list(one.remarks)}


def _rounded(values: dict[str, float]) -> dict[str, float]:
    return {name: float(f"{value:.4g}") for name, value in values.items() if np.isfinite(value)}


def _stacked(pictures: list[np.ndarray]) -> np.ndarray:
    """Return pictures of any width one above the other; a white dot if there is none."""
    if not pictures:
        return np.full((1, 1), 255, np.uint8)
    width = max(picture.shape[1] for picture in pictures)
    return np.concatenate(
        [np.pad(p, ((0, 8), (0, width - p.shape[1])), constant_values=255) for p in pictures]
    )


def _write_card(path: Path, told: dict[str, Any]) -> None:
    """Put the figures into the card in place of what it said of its quality."""
    from ..models.files.cards import read_card
    from ..storage.atomic import write_json

    quality: dict[str, Any] = {
        name: one["figures"]
        | {"gaps": {f"{g['classifier']}, {g['target']}": g["gap"] for g in one["gaps"]}}
        for name, one in told["scans"].items()
    }
    for name in ("codebook", "bench"):
        if told[name]:
            quality[name] = told[name]
    write_json(path, {**read_card(path), "quality": quality})
    sys.stderr.write(f"Card written: {path}\n")
