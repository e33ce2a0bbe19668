"""Texts that several places share, and numbers as people read them."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from pathlib import Path

from slicer.i18n import tr as _

from CTCounterfactualLib.counterfactual import direction as directions
from CTCounterfactualLib.counterfactual.result import DISCLAIMER
from CTCounterfactualLib.counterfactual.scale import gain_on_scale, has_logit
from CTCounterfactualLib.counterfactual.search.logit import logit
from CTCounterfactualLib.outputs.numbers import LARGEST, MINUS, SMALLEST, amount, decimals, fixed
from CTCounterfactualLib.project import HOMEPAGE, ISSUES

# Lies beside the module, so that it opens without a network.
HOW_TO_READ = Path(__file__).resolve().parents[2] / "Resources" / "Help" / "how-to-read.html"
SCORE_DIGITS = 4
# Letters of a word that always fits, and where longer ones may be broken.
LONGEST_WORD = 30
BREAK = "\N{ZERO WIDTH SPACE}"
_LONG_WORD = re.compile(rf"\S{{{LONGEST_WORD},}}")
_SEPARATED = re.compile(r"[^/\\_]*[/\\_]?")
# Code is no text: it is the same in every language.
BLOCKING_EXAMPLE = """\
logic = slicer.modules.ctcounterfactual.widgetRepresentation().self().logic
volumeNode = slicer.util.getNode("MyScan")
result = logic.explain(volumeNode, classifier="lung-volume", chunkSize=10, progress=print)
print(result.scores, result.flags)
result.counterfactualNode, result.differenceNode, result.heatmapNodes, result.tableNode"""
STARTING_EXAMPLE = """\
def finished(job):
    print(job.outcome.kind, job.result.scores if job.result else job.outcome.message)

job = logic.start(volumeNode, mode="chunks", device="cpu", onEvent=print, onFinished=finished)
job.cancel()"""
SESSION_EXAMPLE = """\
session = logic.prepare(volumeNode, classifier="lung-volume")
point = session.at(0.5 * session.ready["limit"]["lam"])
print(point.score, point.change_percent)
result = session.keep()
session.close()"""
REGION_EXAMPLE = """\
segmentationNode = slicer.util.getNode("Segmentation")
segmentId = segmentationNode.GetSegmentation().GetSegmentIdBySegmentName("left lung")
result = logic.explain(volumeNode, region=(segmentationNode, segmentId))"""


def help_text() -> str:
    """Return the module's help: what it does, how to use it, and console examples."""
    sections = (
        (_("Explain and wait"), BLOCKING_EXAMPLE),
        (_("Explain in the background"), STARTING_EXAMPLE),
        (_("Move lambda by hand"), SESSION_EXAMPLE),
        (_("Only inside a segment"), REGION_EXAMPLE),
    )
    examples = "".join(f"<p>{title}:</p><pre>{html.escape(code)}</pre>" for title, code in sections)
    return (
        "<p>"
        + _(
            "What would this CT have to look like for a classifier to change its mind? The module "
            "changes a scan, slice by slice or as a whole, until the classifier's score moves, "
            "and shows what had to change."
        )
        + "</p><p>"
        + _(
            "Select a CT scan and a classifier and click Apply. Click a row of the results to jump "
            "to its slices; Compare shows scan, counterfactual and change side by side."
        )
        + f'</p><p><a href="{html.escape(HOW_TO_READ.as_uri())}">'
        + _("How to read a counterfactual")
        + "</a>"
        + _(": the order in which to look, the colours, a good and a bad example.")
        + f"</p><p><b>{DISCLAIMER}.</b></p>"
        + "<p>"
        + _("In the Python console:")
        + "</p>"
        + examples
        + f'<p><a href="{HOMEPAGE}">'
        + _("Documentation")
        + f'</a>, <a href="{ISSUES}">'
        + _("questions and faults")
        + "</a></p>"
    )


def acknowledgement() -> str:
    """Return whose ideas the module stands on."""
    return _(
        'Based on the method of J. P. Cohen and colleagues, "Explaining 3D Computed Tomography '
        'Classifiers with Counterfactuals", and on Latent Shift by the same group.'
    )


def score(value: float | None, unit: str = "") -> str:
    """Return a score for people: "5.213 L"; a dash where there is none yet."""
    if value is None:
        return "-"
    return f"{value:.{SCORE_DIGITS}g} {unit}".strip()


def score_with_logit(value: float | None, unit: str) -> str:
    """Return a score with its unit, and of a probability with its logit."""
    if value is None or not has_logit(unit):
        return score(value, unit)
    return _("{score} (logit {logit:.3g})").format(score=score(value, unit), logit=logit(value))


def scores(values: Sequence[float | None], unit: str) -> list[str]:
    """Return scores that stand side by side, with the same places behind the point and their unit.

    Of probabilities also the logits; a dash for each that there is none of yet.
    """
    known = [value for value in values if value is not None]
    said = iter(column(known))
    told = ["-" if value is None else f"{next(said)} {unit}".strip() for value in values]
    if not has_logit(unit):
        return told
    with_logit = _("{score} (logit {logit:.2f})")
    return [
        text if value is None else with_logit.format(score=text, logit=logit(value))
        for text, value in zip(told, values, strict=True)
    ]


def column(values: Sequence[float], digits: int = SCORE_DIGITS) -> list[str]:
    """Return the numbers of a column with the same places behind the point.

    The largest one has so many digits; columns of very small or large numbers have exponents.
    """
    largest = max(map(abs, values), default=0.0)
    if largest and not SMALLEST <= largest < LARGEST:
        return [amount(value, digits) for value in values]
    places = decimals(largest, digits)
    return [fixed(value, places) for value in values]


def with_share(text: str, gained: float, original: float, scale: str) -> str:
    """Return a gain with its share of the original score; probabilities have none (`gain`)."""
    if not original or has_logit(scale):
        return text
    share = f"{gained / abs(original):.1%}"
    return f"{text} ({share.replace('-', MINUS) if MINUS in text else share})"


def gain(
    direction: str, original: float | None, final: float | None, unit: str = "", scale: str = ""
) -> str:
    """Return how far a score moved as asked, with its share of the original: "0.52 L (10.0%)".

    `scale` is the unit of the scores: probabilities move on their logit, where a share of the
    original tells nothing. `unit` is written behind the number.
    """
    if original is None or final is None:
        return "-"
    gained = gain_on_scale(scale, direction, original, final)
    return with_share(score(gained, unit), gained, original, scale)


def gain_header(direction: str, unit: str = "") -> str:
    """Return what a gain is called, as a header: "Reduction (L)" or "Increase (L)"."""
    word = _("Increase") if direction == directions.INCREASE else _("Reduction")
    return f"{word} ({unit})" if unit else word


def gain_hint(direction: str) -> str:
    """Return how a gain is made of the scores, as a tool tip."""
    if direction == directions.INCREASE:
        return _("The counterfactual's score minus the scan's.")
    return _("The scan's score minus the counterfactual's.")


def breakable(text: str) -> str:
    """Return a text that can be wrapped within long paths: they would make the panel wider.

    A space without width follows each separator of a long word, and each stretch without one.
    """

    def broken(found: re.Match[str]) -> str:
        parts = _SEPARATED.findall(found.group())
        pieces = (
            part[n : n + LONGEST_WORD] for part in parts for n in range(0, len(part), LONGEST_WORD)
        )
        return BREAK.join(pieces)

    return _LONG_WORD.sub(broken, text)


def megabytes(size: float) -> str:
    """Return a size given in MB: "850 MB", "2.1 GB"."""
    return f"{size / 1000:.1f} GB" if size >= 1000 else f"{size:.0f} MB"
