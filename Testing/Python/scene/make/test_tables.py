"""Tables and charts: the cells a reader sees, and what each curve draws."""

import math
from dataclasses import replace

import pytest

from CTCounterfactualLib.counterfactual.result import TargetInfo
from CTCounterfactualLib.scene.make.build import build_nodes
from CTCounterfactualLib.scene.make.plots import MAX_CHUNK_CURVES, plotted_paths
from CTCounterfactualLib.scene.mrml import vtk


def cells(table, name):
    column = table.GetColumnIndex(name)
    assert column >= 0, f"no column {name}"
    return [table.GetCellText(row, column) for row in range(table.GetNumberOfRows())]


def numbers(table, name):
    return [float(cell) for cell in cells(table, name)]


def test_score_table(nodes):
    table = nodes.score_table
    assert cells(table, "volume") == [
        "scan",
        "reconstruction",
        "counterfactual",
        "reduction (scan - counterfactual)",
    ]
    assert numbers(table, "effusion") == pytest.approx([0.9, 0.85, 0.25, 0.65])
    assert cells(table, "unit") == ["probability"] * 4
    assert table.GetColumnUnitLabel("effusion") == "probability"


def test_chunk_table(nodes):
    table = nodes.chunk_table
    assert cells(table, "slices") == ["slices 000-010", "slices 010-020"]
    assert cells(table, "start") == ["0", "10"]
    assert cells(table, "stop") == ["10", "20"]
    assert numbers(table, "low") == [-150, -120]
    assert numbers(table, "high") == [-120, -90]
    assert numbers(table, "centre") == [-135, -105]
    assert table.GetColumnUnitLabel("low") == "mm"
    assert numbers(table, "lambda") == [-80, -40]
    assert numbers(table, "score before") == [0.9, 0.9]
    assert numbers(table, "score after") == [0.4, 0.875]
    assert numbers(table, "reduction") == pytest.approx([0.5, 0.025])
    assert numbers(table, "change") == [0.05, 0.05]
    assert cells(table, "stop reason") == ["max_change", "flat"]
    assert cells(table, "evaluations") == ["3", "3"]
    assert table.GetColumnType("evaluations") == vtk.VTK_INT
    assert table.GetColumnType("reduction") == vtk.VTK_DOUBLE


def test_whole_table(nodes):
    assert cells(nodes.whole_table, "slices") == ["slices 000-020"]
    assert numbers(nodes.whole_table, "lambda") == [-120]


def test_path_chart_draws_each_search_from_the_scan_on_to_the_right(nodes):
    chart = nodes.path_chart
    names = [chart.GetNthPlotSeriesNode(n).GetName() for n in range(3)]
    assert names == ["whole volume", "slices 000-010", "slices 010-020"]
    assert chart.GetNumberOfPlotSeriesNodes() == 3
    assert chart.GetYAxisTitle() == "effusion (logit)"
    series = chart.GetNthPlotSeriesNode(0)
    assert (series.GetXColumnName(), series.GetYColumnName()) == ("|lambda|", "logit")
    assert series.GetPlotType() == series.PlotTypeScatter
    assert numbers(series.GetTableNode(), "lambda") == [0, -60, -120]
    assert numbers(series.GetTableNode(), "|lambda|") == [0, 60, 120]
    assert numbers(series.GetTableNode(), "score") == pytest.approx([0.9, 0.575, 0.25])
    odds = [math.log(p / (1 - p)) for p in (0.9, 0.575, 0.25)]
    assert numbers(series.GetTableNode(), "logit") == pytest.approx(odds, rel=1e-5)
    assert series.GetTableNode() in nodes.path_tables


def test_evidence_chart_draws_reduction_over_position(nodes):
    chart = nodes.evidence_chart
    assert chart.GetTitle() == "Where the evidence is"
    assert chart.GetNumberOfPlotSeriesNodes() == 1
    bars = chart.GetNthPlotSeriesNode(0)
    assert bars.GetTableNode() is nodes.chunk_table
    assert (bars.GetXColumnName(), bars.GetYColumnName()) == ("centre", "logit reduction")
    assert chart.GetYAxisTitle() == "reduction of effusion (logit)"
    odds = [math.log(p / (1 - p)) for p in (0.9, 0.4, 0.875)]
    moved = [odds[0] - odds[1], odds[0] - odds[2]]
    assert numbers(nodes.chunk_table, "logit reduction") == pytest.approx(moved, rel=1e-5)
    assert numbers(nodes.chunk_table, "logit before") == pytest.approx([odds[0]] * 2, rel=1e-5)
    assert numbers(nodes.chunk_table, "logit after") == pytest.approx(odds[1:], rel=1e-5)
    assert bars.GetLabelColumnName() == "slices"
    assert bars.GetPlotType() == bars.PlotTypeScatterBar


def raised(explanation):
    """The same in mL, asked to raise it: 0.9 -> 1.4 as a whole, 1.0 and 0.7 (the wrong way)."""
    whole, (low, high) = explanation.whole, explanation.chunks
    return replace(
        explanation,
        settings=replace(explanation.settings, direction="increase"),
        target=TargetInfo("effusion", "mL"),
        scores=replace(explanation.scores, counterfactual=1.4),
        whole=replace(whole, lam=120.0, score_after=1.4, direction="increase"),
        chunks=(
            replace(low, lam=80.0, score_after=1.0, direction="increase"),
            replace(high, lam=40.0, score_after=0.7, direction="increase"),
        ),
    )


def test_where_the_score_shall_rise_tables_and_chart_tell_its_increase(scene, explanation):
    nodes = build_nodes(scene, raised(explanation))
    assert cells(nodes.score_table, "volume")[-1] == "increase (counterfactual - scan)"
    assert numbers(nodes.score_table, "effusion")[-1] == pytest.approx(0.5)
    assert numbers(nodes.chunk_table, "increase") == pytest.approx([0.1, -0.2])
    assert nodes.chunk_table.GetColumnIndex("reduction") < 0
    assert numbers(nodes.whole_table, "increase") == pytest.approx([0.5])
    bars = nodes.evidence_chart.GetNthPlotSeriesNode(0)
    assert (bars.GetYColumnName(), bars.GetName()) == ("increase", "increase")
    assert nodes.evidence_chart.GetYAxisTitle() == "increase of effusion (mL)"
    assert nodes.chunk_table.GetColumnIndex("logit before") < 0
    gains = [node.GetAttribute("CTCounterfactual.gain") for node in nodes.chunk_heatmaps]
    assert [float(gain) for gain in gains] == pytest.approx([0.1, -0.2])


def test_only_the_chunks_that_moved_the_score_most_are_drawn(explanation):
    chunk = explanation.chunks[0]
    many = tuple(
        replace(chunk, start=n, stop=n + 1, score_after=0.9 - (0.01 * n if n % 2 else -0.01 * n))
        for n in range(20)
    )
    litres = TargetInfo("lung", "L")  # of a probability it is the logit that counts
    drawn = plotted_paths(replace(explanation, target=litres, chunks=many, whole=None))
    assert len(drawn) == MAX_CHUNK_CURVES == 6
    assert [outcome.start for _, outcome in drawn] == [14, 15, 16, 17, 18, 19]


def test_mode_whole_has_no_chunk_nodes(scene, explanation):
    nodes = build_nodes(scene, replace(explanation, chunks=(), chunk_heatmaps=()))
    assert nodes.chunk_table is nodes.evidence_chart is None
    assert nodes.chunk_heatmaps == ()
    assert nodes.path_chart.GetNumberOfPlotSeriesNodes() == 1


def test_mode_chunks_has_no_whole_nodes(scene, explanation):
    nodes = build_nodes(scene, replace(explanation, whole=None))
    assert nodes.whole_table is None
    assert nodes.path_chart.GetNumberOfPlotSeriesNodes() == 2


def test_a_dollar_sign_in_a_name_is_no_formula(scene, explanation):
    target = TargetInfo("cost $x$ of", "US$ or A$")
    nodes = build_nodes(scene, replace(explanation, target=target))
    renderer = vtk.vtkTextRenderer.GetInstance()
    assert renderer.DetectBackend("$x$") == vtk.vtkTextRenderer.MathText  # so it could go wrong
    chart = nodes.evidence_chart
    for shown, text in (
        (nodes.path_chart.GetYAxisTitle(), "cost $x$ of (US$ or A$)"),
        (chart.GetYAxisTitle(), "reduction of cost $x$ of (US$ or A$)"),
    ):
        assert renderer.DetectBackend(shown) == vtk.vtkTextRenderer.FreeType
        assert shown.replace("\\", "") == text
