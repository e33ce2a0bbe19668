"""Charts: the score along lambda, and how far each chunk moved it ("where is the evidence")."""

from __future__ import annotations

from collections.abc import Sequence

from ...counterfactual.direction import noun
from ...counterfactual.result import Explanation, Outcome
from ...counterfactual.scale import gain_on_scale, has_logit, scale_unit
from ...counterfactual.search.logit import logit
from . import names, tables

WHOLE = "whole volume"
# More curves than this can't be told apart; those whose score moved most are drawn.
MAX_CHUNK_CURVES = 6
# Slicer's own sizes (20, 16 and 20) clip titles and cover curves in a third of a window.
TITLE_FONT, AXIS_FONT, LEGEND_FONT = 14, 12, 10
# Shares of the curves' height that stay free below them, and above them for the legend.
BELOW, ABOVE = 0.05, 0.6
# Colour-blind safe (Okabe and Ito, "Color Universal Design", 2008); black is the whole volume.
SERIES_RGB = (
    (0.00, 0.00, 0.00),
    (0.90, 0.62, 0.00),
    (0.34, 0.71, 0.91),
    (0.00, 0.62, 0.45),
    (0.00, 0.45, 0.70),
    (0.84, 0.37, 0.00),
    (0.80, 0.47, 0.65),
)


def plotted_paths(explanation: Explanation) -> list[tuple[str, Outcome]]:
    """Return name and search of each curve: the whole volume, then the chunks in their order."""
    unit = explanation.target.unit
    ranked = sorted(
        explanation.chunks,
        key=lambda o: -abs(gain_on_scale(unit, o.direction, o.score_before, o.score_after)),
    )
    kept = sorted(ranked[:MAX_CHUNK_CURVES], key=lambda chunk: chunk.start)
    chunks = [(names.slices_name(chunk.start, chunk.stop), chunk) for chunk in kept]
    whole = [(WHOLE, explanation.whole)] if explanation.whole is not None else []
    return whole + chunks


def add_path_chart(scene, explanation: Explanation, called: names.Names):
    """Add the chart of score against lambda.

    Returns
    -------
    (chart, tables, series)
        The chart node (None if nothing was searched), and a table and a series for each curve.
    """
    series: list = []
    data: list = []
    unit = explanation.target.unit
    score = tables.LOGIT if has_logit(unit) else tables.SCORE
    for what, outcome in plotted_paths(explanation):
        table = tables.add_path_table(scene, outcome.path, unit, called.of(f"search {what}"))
        curve = _add_series(scene, table, called.of_series(what), tables.WAY, score)
        curve.SetPlotType(curve.PlotTypeScatter)
        curve.SetMarkerStyle(curve.MarkerStyleCircle)
        color = SERIES_RGB[0 if what == WHOLE else 1 + len(series) % (len(SERIES_RGB) - 1)]
        curve.SetColor(*color)
        series.append(curve)
        data.append(table)
    if not series:
        return None, (), ()
    title = "The score on the way"
    axes = ("how far, |lambda|", _with_unit(explanation.target.name, scale_unit(unit)))
    chart = _add_chart(scene, called.of("score along lambda"), title, axes, series)
    values = [_drawn(unit, point.score) for _, o in plotted_paths(explanation) for point in o.path]
    _leave_room_for_the_legend(chart, min(values), max(values))
    return chart, tuple(data), tuple(series)


def add_evidence_chart(scene, explanation: Explanation, table, called: names.Names):
    """Add the bars of how far each chunk alone moved the score, over its S coordinate.

    Returns
    -------
    (chart, series)
        Chart node and its one series; (None, ()) where `table` is None.
    """
    if table is None:
        return None, ()
    word = noun(explanation.settings.direction)
    unit = explanation.target.unit
    gained = tables.gain_column(explanation.settings.direction, unit)
    bars = _add_series(scene, table, called.of_series(word), tables.CENTRE, gained)
    bars.SetPlotType(bars.PlotTypeScatterBar)
    bars.SetLabelColumnName(tables.SLICES)
    bars.SetColor(*SERIES_RGB[4])
    axes = (
        "S coordinate of the slices (mm)",
        _with_unit(f"{word} of {explanation.target.name}", scale_unit(unit)),
    )
    chart = _add_chart(scene, called.of("evidence"), "Where the evidence is", axes, [bars])
    chart.SetLegendVisibility(False)
    return chart, (bars,)


def _drawn(unit: str, score: float) -> float:
    return logit(score) if has_logit(unit) else score


def _leave_room_for_the_legend(chart, least: float, most: float) -> None:
    """Keep the curves below the legend, which Slicer draws at the top of the plot."""
    span = most - least
    if span > 0:
        chart.SetYAxisRangeAuto(False)
        chart.SetYAxisRange(least - BELOW * span, most + ABOVE * span)


def _add_series(scene, table, name: str, x: str, y: str):
    series = scene.AddNewNodeByClass("vtkMRMLPlotSeriesNode", name)
    series.SetAndObserveTableNodeID(table.GetID())
    series.SetXColumnName(x)
    series.SetYColumnName(y)
    return series


def _add_chart(scene, name: str, title: str, axes: tuple[str, str], series: Sequence):
    chart = scene.AddNewNodeByClass("vtkMRMLPlotChartNode", name)
    chart.SetTitle(plain(title))
    chart.SetXAxisTitle(plain(axes[0]))
    chart.SetYAxisTitle(plain(axes[1]))
    chart.SetTitleFontSize(TITLE_FONT)
    chart.SetAxisTitleFontSize(AXIS_FONT)
    chart.SetLegendFontSize(LEGEND_FONT)
    for node in series:
        chart.AddAndObservePlotSeriesNodeID(node.GetID())
    return chart


def plain(text: str) -> str:
    """Return a text as a chart shows it letter by letter: VTK takes what is between "$" for TeX."""
    return text.replace("$", r"\$")


def _with_unit(text: str, unit: str) -> str:
    return f"{text} ({unit})" if unit else text
