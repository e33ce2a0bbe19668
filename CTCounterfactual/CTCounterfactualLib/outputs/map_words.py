"""The sentences of a map's report: question, answer, how to read it, options, provenance."""

from __future__ import annotations

from datetime import datetime

from ..methods.attribution import Attribution
from ..methods.facts import cell, in_words, listed, sentence, single, unit_of
from ..methods.levels import EDGES
from .numbers import MINUS, amount
from .report_words import described, times


def question(attribution: Attribution) -> str:
    """Return the headline."""
    return (
        f"What speaks for \N{LEFT DOUBLE QUOTATION MARK}{attribution.target.name}"
        f"\N{RIGHT DOUBLE QUOTATION MARK}?"
    )


def answer(attribution: Attribution) -> str:
    """Return in a sentence or two what was asked, how, and of which score."""
    method, target = attribution.method, attribution.target
    score = f"{amount(attribution.score)} {target.unit}".strip()
    text = (
        f"{method.description.rstrip('.')} ({method.name}). {attribution.classifier.name} scores "
        f"the scan {score}."
    )
    if sentence(attribution.facts):
        text = f"{sentence(attribution.facts)} {text}"
    if attribution.partial:
        text += " The run was cancelled: this is what was there."
    return text


# What the ends of a map's colours mean.
SIDES = ("against the score", "for the score")


def ticks(top: float) -> tuple[str, ...]:
    """Return the texts below the colours of values up to `top`."""
    strong, half = (f"{value:.2g}" for value in (top, top / 2))
    return (f"{MINUS}{strong}", f"{MINUS}{half}", "0", half, strong)


def how_to_read(attribution: Attribution) -> list[tuple[str, str]]:
    """Return heading and text of what a reader must know who has never seen such a map."""
    sign = attribution.method.sign
    items = [
        ("Sign.", f"{sign[0].upper()}{sign[1:]}." if sign else "The method states none."),
        (
            "Colours.",
            f"Shares of the strongest value of this map; below {EDGES[0]:.0%} nothing is drawn. "
            "Two maps' colours can't be compared in strength, only in place.",
        ),
        (
            "What it is not.",
            "A map shows what this classifier reacts to, by the rules of this method. That need "
            "not be where a disease is, and other methods may show other places.",
        ),
    ]
    if attribution.parts:
        items.append(
            (
                "Parts.",
                f"Sets of voxels that the method names: {', '.join(attribution.parts)}. Their "
                "sizes and scores are in the table.",
            )
        )
    return items


def listing(attribution: Attribution) -> tuple[list[str], list[list[str]]]:
    """Return headers and rows of what the method lists; empty where it lists nothing."""
    rows = listed(attribution.facts, attribution.method.name)
    if not rows:
        return [], []
    unit = attribution.target.unit
    heads = []
    for key in rows[0]:
        of = unit_of(key, attribution.facts, unit)
        heads.append(f"{in_words(key).capitalize()}{f' ({of})' if of else ''}")
    return heads, [[cell(row.get(key)) for key in rows[0]] for row in rows]


def options(attribution: Attribution) -> list[tuple[str, str]]:
    """Return name and value of the method's options, then of its single facts."""
    unit = attribution.target.unit
    chosen = [
        (name.replace("_", " "), cell(value) or "none")
        for name, value in attribution.method.options.items()
    ]
    facts = [
        (in_words(key), f"{cell(value)} {unit_of(key, attribution.facts, unit)}".strip())
        for key, value in single(attribution.facts).items()
        if key != "sentence"
    ]
    return [("method", attribution.method.name), *chosen, *facts]


def run(attribution: Attribution, now: datetime) -> list[tuple[str, str]]:
    """Return name and value of how and when it was computed."""
    return [
        ("Versions", ", ".join(f"{name} {v}" for name, v in attribution.versions.items())),
        ("Device", attribution.device),
        ("Seed", str(attribution.seed)),
        *((name.capitalize(), f"{value:.0f} s") for name, value in attribution.seconds.items()),
        ("Peak memory", f"{attribution.peak_memory_mb:.0f} MB"),
        ("Report written", now.strftime("%Y-%m-%d %H:%M %Z").strip()),
    ]


def sources(attribution: Attribution) -> list[tuple[str, str, str]]:
    """Return heading, text and SHA-256 (or empty) of scan and models; no paths of the disk."""
    scan, prepared = attribution.scan, attribution.prepared
    grid = (
        f"{times(scan.size)} voxels of {times(scan.spacing)} mm; the classifier saw "
        f"{prepared.slices} slices, {times(prepared.spacing)} mm."
    )
    models = [("Classifier", attribution.classifier), ("Autoencoder", attribution.autoencoder)]
    return [
        (f"Scan {scan.name}.", grid, scan.sha256),
        *(
            (f"{role} {model.name}.", described(model), model.sha256)
            for role, model in models
            if model is not None
        ),
    ]
