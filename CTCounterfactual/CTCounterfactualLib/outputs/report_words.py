"""The report's sentences: question, answer, scores, how to read it, settings, provenance."""

from __future__ import annotations

from datetime import datetime

from ..counterfactual.direction import DECREASE, INCREASE
from ..counterfactual.result import Explanation, Flag, ModelInfo, Outcome
from ..counterfactual.scale import has_logit
from ..counterfactual.search import stopping
from ..counterfactual.search.logit import logit
from ..scans.greys import greys_of
from ..scans.modality import CT
from .numbers import MINUS, amount, percent, signed


def question(explanation: Explanation) -> str:
    """Return the headline."""
    verb = {DECREASE: "lower", INCREASE: "raise"}[explanation.settings.direction]
    return (
        f"What would {verb} \N{LEFT DOUBLE QUOTATION MARK}{explanation.target.name}"
        f"\N{RIGHT DOUBLE QUOTATION MARK}?"
    )


def answer(explanation: Explanation) -> str:
    """Return in a sentence or two what was changed and what that did to the score."""
    scores = explanation.scores
    where = (
        f" inside \N{LEFT DOUBLE QUOTATION MARK}{explanation.region_name}"
        f"\N{RIGHT DOUBLE QUOTATION MARK}"
        if explanation.region_name
        else ""
    )
    if any(o.stop_reason == stopping.NOTHING_TO_FLIP for o in _shown(explanation)):
        return (
            "The classifier's decision is the wanted one already, so there is nothing to change. "
            f"The counterfactual is {_unmoved(explanation)}."
        )
    if all(outcome.lam == 0 for outcome in _shown(explanation)):
        return (
            f"No change{where} within the limit of {_limit(explanation)} moved the score the "
            f"wanted way. The counterfactual is {_unmoved(explanation)}."
        )
    moved = scores.counterfactual - scores.original
    verb = "lowers" if moved < 0 else "raises" if moved > 0 else "does not move"
    text = f"{_changed(explanation)}{where} {verb} the score"
    if moved:
        text += (
            f" from {amount(scores.original)} to "
            f"{_with_unit(amount(scores.counterfactual), explanation)}{_share(explanation)}"
        )
    against = " This is against the direction asked for." if explanation.gain < 0 else ""
    return f"{text}.{_decision(explanation)}{against}"


def _decision(explanation: Explanation) -> str:
    """Return whether the decision changed, where that was the aim."""
    aim = explanation.aim
    if aim is None or aim.threshold is None or aim.changed(explanation.scores.original):
        return ""
    threshold = f"(threshold {amount(aim.threshold)})"
    if aim.changed(explanation.scores.counterfactual):
        return f" That changes the classifier's decision {threshold}."
    return f" That does not change the classifier's decision {threshold}."


def scores(explanation: Explanation) -> list[tuple[str, str, str, str, str]]:
    """Return kind, label, value, unit and note of the three scores, in reading order."""
    found, unit = explanation.scores, explanation.target.unit
    redrawn = signed(found.reconstruction - found.original)
    moved = signed(found.counterfactual - found.original)
    return [
        ("scan", "Scan", amount(found.original), unit, "as it is"),
        (
            "redrawn",
            "Reconstruction",
            amount(found.reconstruction),
            unit,
            f"{redrawn} by the autoencoder alone",
        ),
        (
            "changed",
            "Counterfactual",
            amount(found.counterfactual),
            unit,
            f"{moved}{_share(explanation)} against the scan",
        ),
    ]


def flag_title(flag: Flag) -> str:
    """Return a flag's name as a person would write it."""
    return flag.name.replace("-", " ").capitalize()


def how_to_read(explanation: Explanation) -> list[tuple[str, str]]:
    """Return heading and text of what a reader must know who has never seen such a report."""
    scan = explanation.scan
    edge = f"{explanation.settings.level_edges[0]:.4g} {scan.unit}"
    more, less = ("denser", "less dense") if scan.modality == CT else ("brighter", "darker")
    items = [
        (
            "Counterfactual.",
            "The same patient, altered by a program until the classifier's score moved. It is no "
            "prognosis and no treated or earlier state of the patient.",
        ),
        (
            "Change.",
            f"Red tissue was made {more}, blue {less}; below {edge} nothing is drawn. Colour "
            "shows what this classifier reacts to. That need not be where a disease is.",
        ),
        (
            "Reconstruction.",
            "The scan drawn by the autoencoder with nothing changed. If this moves the score about "
            "as far as the counterfactual does, distrust the explanation.",
        ),
    ]
    items.append(
        (
            "Changed.",
            f"Sum of all changes as a share of the {_scope(explanation)}'s brightness; a search "
            "ends at the limit at the latest.",
        )
    )
    if explanation.chunks:
        items.insert(
            2,
            (
                "Slabs.",
                "Each was changed alone, all others left as scanned. A long bar: the score depends "
                "on this slab. No bar: no small change here moves it; that does not mean that "
                "nothing is there. Slabs don't add up to the whole.",
            ),
        )
    return items


def search_note(explanation: Explanation) -> str:
    """Return what the lines of the search chart are."""
    limit = "Dashed: the limit."
    if explanation.whole is None:
        return f"Each line: one slab alone. {limit}"
    slabs = " Blue: one slab alone." if explanation.chunks else ""
    return f"Orange: all slices together, the dot is the counterfactual.{slabs} {limit}"


def slabs_note(explanation: Explanation) -> str:
    """Return what the colours of the table of slabs are; empty without one."""
    if not explanation.chunks:
        return ""
    return "Blue bar: how far this slab alone moves the score. Orange: the one that does most."


def settings(explanation: Explanation) -> list[tuple[str, str]]:
    """Return name and value of every setting; seed and device are told by `run`."""
    values = {**explanation.settings.to_dict(), "change_scope": explanation.settings.scope}
    pairs = [
        (name.replace("_", " "), _plain(value))
        for name, value in values.items()
        if name not in ("seed", "device")
    ]
    black, white = greys_of(explanation.scan)
    window = f"{white - black:.4g} / {(white + black) / 2:.4g} {explanation.scan.unit}"
    window = window.replace("-", MINUS)
    return [*pairs, ("region", explanation.region_name or "none"), ("window / level", window)]


def run(explanation: Explanation, now: datetime) -> list[tuple[str, str]]:
    """Return name and value of how and when it was computed."""
    return [
        ("Versions", ", ".join(f"{name} {v}" for name, v in explanation.versions.items())),
        ("Device", explanation.device),
        ("Seed", str(explanation.settings.seed)),
        ("Time", f"{explanation.timing.total:.0f} s"),
        ("Peak memory", f"{explanation.peak_memory_mb:.0f} MB"),
        ("Report written", now.strftime("%Y-%m-%d %H:%M %Z").strip()),
    ]


def sources(explanation: Explanation) -> list[tuple[str, str, str]]:
    """Return heading, text and SHA-256 (or empty) of scan and models; no paths of the disk."""
    scan, prepared = explanation.scan, explanation.prepared
    grid = (
        f"{times(scan.size)} voxels of {times(scan.spacing)} mm; the models saw "
        f"{prepared.slices} slices, {times(prepared.spacing)} mm."
    )
    return [
        (f"Scan {scan.name}.", grid, scan.sha256),
        *(
            (f"{role} {model.name}.", described(model), model.sha256)
            for role, model in (
                ("Classifier", explanation.classifier),
                ("Autoencoder", explanation.autoencoder),
            )
        ),
    ]


def described(model: ModelInfo) -> str:
    """Return a model's description as a sentence."""
    return f"{model.description.rstrip('.')}." if model.description else "It has no description."


def times(values) -> str:
    """Return sizes as people write them: 512 x 512 x 300, with a real multiplication sign."""
    return " \N{MULTIPLICATION SIGN} ".join(f"{value:.4g}" for value in values)


def _shown(explanation: Explanation) -> tuple[Outcome, ...]:
    """Return the searches whose changes make up the counterfactual."""
    return (explanation.whole,) if explanation.whole else explanation.chunks


def _unmoved(explanation: Explanation) -> str:
    """Return what is shown where no search went anywhere."""
    if explanation.settings.baseline == "scan":
        return "the scan itself"
    return "the autoencoder's reconstruction of the scan"


def _changed(explanation: Explanation) -> str:
    """Return the subject of the answer: how much was changed."""
    if explanation.whole is None:
        return "Changing every slab as far as its own search went"
    return f"Changing the scan by {percent(explanation.whole.change)} (limit {_limit(explanation)})"


def _limit(explanation: Explanation) -> str:
    return f"{percent(explanation.settings.max_change)} of the {_scope(explanation)}"


def _scope(explanation: Explanation) -> str:
    return {"region": "edited region", "volume": "volume"}[explanation.settings.scope]


def _share(explanation: Explanation) -> str:
    """Return the relative change in brackets, where a ratio of the two scores means something.

    Of probabilities the two logits: a ratio near 0 or 1 tells nothing.
    """
    before, after = explanation.scores.original, explanation.scores.counterfactual
    if has_logit(explanation.target.unit):
        return f" (logit {amount(logit(before), 3)} to {amount(logit(after), 3)})"
    if before <= 0 or after < 0:  # a logit, for instance
        return ""
    return f" ({signed(100 * (after - before) / before, 3)} %)"


def _with_unit(value: str, explanation: Explanation) -> str:
    return f"{value} {explanation.target.unit}".strip()


def _plain(value) -> str:
    if value is None:
        return "none"
    if isinstance(value, list):
        return ", ".join(_plain(item) for item in value)
    return f"{value:g}" if isinstance(value, float) else str(value)
