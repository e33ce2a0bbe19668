"""From a finished explanation to the nodes of a scene, all of them or none."""

from __future__ import annotations

from ...counterfactual.result import Explanation
from . import (
    colors,
    heatmaps,
    hierarchy,
    legends,
    names,
    plots,
    provenance,
    regions,
    roles,
    tables,
    volumes,
)
from .nodes import SceneNodes
from .rows import SearchRow
from .sequences import add_animation
from .surfaces import add_surfaces
from .transaction import all_or_nothing

COLOR_ROLES = (roles.HEATMAP_COLORS, roles.CHANGE_COLORS, roles.LEGEND_COLORS)


def build_nodes(
    scene,
    explanation: Explanation,
    input_node=None,
    *,
    animation: bool = False,
    surfaces: bool = False,
) -> SceneNodes:
    """Add everything an explanation consists of to a scene; touches no view and no other node.

    Parameters
    ----------
    scene : vtkMRMLScene
        Slicer's own, or one of `headless.headless_scene`.
    explanation : Explanation
        Its arrays are copied into the scene.
    input_node : vtkMRMLScalarVolumeNode, optional
        The volume that was explained, if the scene has it: outputs share its matrix, parent
        transform, window and place in the subject hierarchy. None adds the scan itself too.
    animation : bool
        Add the change as a sequence to play too; see `scene.make.sequences`.
    surfaces : bool
        Add surfaces for 3D views too; see `scene.make.surfaces`.

    Raises
    ------
    ScanError
        If `input_node` is not on the grid of the explanation's scan.
    OutputError
        If an animation is asked for and the explanation has no frames.
    """
    if input_node is not None:
        volumes.check_same_grid(input_node, explanation.scan)
    called = names.Names.unused(scene, explanation.scan.name)
    with all_or_nothing(scene):
        nodes = _build(scene, explanation, input_node, called)
        if animation:
            nodes = add_animation(scene, explanation, nodes)
        if surfaces:
            nodes = add_surfaces(scene, explanation, nodes)
        return nodes


def _build(scene, explanation: Explanation, input_node, called: names.Names) -> SceneNodes:
    scan = input_node
    if scan is None:
        scan = volumes.add_scan(scene, explanation.scan, called.of_scan())
        provenance.mark(scan, roles.SCAN, "The scan that was explained.")
    counterfactual = _add_counterfactual(scene, explanation, scan, called)
    change = _add_change(scene, explanation, scan, called)
    heat_colors = colors.add_label_colors(scene, explanation.levels, called.of("heatmap colors"))
    heatmap = heatmaps.add_heatmap(scene, explanation, scan, heat_colors, called)
    chunk_maps = heatmaps.add_chunk_heatmaps(scene, explanation, scan, heat_colors, called)
    whole, chunks = _add_outcomes(scene, explanation, called)
    path_chart, paths, curves = plots.add_path_chart(scene, explanation, called)
    evidence, bars = plots.add_evidence_chart(scene, explanation, chunks, called)
    region = regions.add_region(scene, explanation, scan, called)
    nodes = SceneNodes(
        scan=scan,
        counterfactual=counterfactual,
        change=change,
        heatmap=heatmap,
        chunk_heatmaps=chunk_maps,
        score_table=tables.add_score_table(scene, explanation, called.of("scores")),
        whole_table=whole,
        chunk_table=chunks,
        path_tables=paths,
        path_chart=path_chart,
        evidence_chart=evidence,
        plot_series=(*curves, *bars),
        colors=(
            heat_colors,
            change.GetDisplayNode().GetColorNode(),
            colors.legend_table(heat_colors),
            *region[1:],
        ),
        folder=hierarchy.add_folder(scene, scan, called.of("explanation")),
        region=region[0] if region else None,
    )
    _relate(scene, explanation, nodes)
    return nodes


def _relate(scene, explanation: Explanation, nodes: SceneNodes) -> None:
    """Describe, reference and file the nodes."""
    results = {
        roles.SCORES: nodes.score_table,
        roles.WHOLE_SEARCH: nodes.whole_table,
        roles.CHUNKS: nodes.chunk_table,
        roles.PATH_CHART: nodes.path_chart,
        roles.EVIDENCE_CHART: nodes.evidence_chart,
    }
    results = {role: node for role, node in results.items() if node is not None}
    for role, node in results.items():
        provenance.mark(node, role, provenance.describe(explanation))
    for role, several in ((roles.PATH, nodes.path_tables), (roles.SERIES, nodes.plot_series)):
        for node in several:
            provenance.mark(node, role)
    for role, node in zip(COLOR_ROLES, nodes.colors[:3], strict=True):
        provenance.mark(node, role)
    region = () if nodes.region is None else (nodes.region,)
    shown = (nodes.counterfactual, nodes.change, nodes.heatmap, *region, *results.values())
    plotted = (*nodes.path_tables, *nodes.plot_series)
    mine = (*shown, *nodes.chunk_heatmaps, *plotted, *nodes.colors)
    provenance.refer(mine, nodes.scan, nodes.counterfactual)
    hierarchy.place(scene, shown, nodes.folder)
    for name, inside in (
        (hierarchy.CHUNK_FOLDER, nodes.chunk_heatmaps),
        (hierarchy.PLOT_FOLDER, plotted),
    ):
        if inside:
            hierarchy.place(scene, inside, hierarchy.add_subfolder(scene, nodes.folder, name))


def _add_outcomes(scene, explanation: Explanation, called: names.Names) -> tuple:
    """Add the tables of the whole search and of the chunks; None for each that there isn't."""
    return tuple(
        tables.add_search_table(
            scene,
            [SearchRow.of(outcome) for outcome in outcomes],
            explanation.target.unit,
            called.of(what),
        )
        if outcomes
        else None
        for what, outcomes in (
            ("whole search", (explanation.whole,) if explanation.whole is not None else ()),
            ("chunks", explanation.chunks),
        )
    )


def _add_counterfactual(scene, explanation: Explanation, scan, called: names.Names):
    node = volumes.add_like(
        scene,
        scan,
        explanation.counterfactual,
        called.of(names.COUNTERFACTUAL),
        unit=volumes.unit_code(explanation.scan),
    )
    volumes.copy_window(node, scan)
    provenance.mark(node, roles.COUNTERFACTUAL, provenance.describe(explanation))
    provenance.record_explanation(node, explanation)
    return node


def _add_change(scene, explanation: Explanation, scan, called: names.Names):
    edges = explanation.settings.level_edges
    limit = colors.change_limit(explanation.difference, edges)
    unit = explanation.scan.unit
    node = volumes.add_like(
        scene,
        scan,
        explanation.difference,
        called.of(names.CHANGE.format(unit=unit)),
        unit=volumes.unit_code(explanation.scan),
    )
    table = colors.add_change_colors(scene, edges[0], limit, called.of("change colors"), unit)
    node.GetDisplayNode().SetAndObserveColorNodeID(table.GetID())
    volumes.set_window(node, 2 * limit, 0.0)
    legends.add_legend(node, heatmaps.LEGEND_TITLE.format(unit=unit))
    provenance.mark(node, roles.CHANGE, f"Counterfactual minus scan, {unit}.")
    return node
