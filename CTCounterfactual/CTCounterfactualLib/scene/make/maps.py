"""From a method's map to the nodes of a scene, all of them or none."""

from __future__ import annotations

import numpy as np

from ...methods.attribution import Attribution
from ...methods.levels import strongest
from . import colors, fact_tables, hierarchy, legends, names, provenance, roles, volumes
from .nodes import MapNodes
from .transaction import all_or_nothing

# Values of gradients may be 1e-6, those of responsibility 100: so many digits, whatever the size.
LEGEND_NUMBERS = "%.2g"
# A map without a value is drawn in a window of this, which shows nothing.
EMPTY_LIMIT = 1.0


def build_map(scene, attribution: Attribution, input_node=None) -> MapNodes:
    """Add everything that a method's map consists of to a scene; touches no view, no other node.

    Parameters
    ----------
    scene : vtkMRMLScene
        Slicer's own, or one of `headless.headless_scene`.
    attribution : Attribution
        Its arrays are copied into the scene.
    input_node : vtkMRMLScalarVolumeNode, optional
        The volume that was explained, if the scene has it: outputs share its matrix, parent
        transform and place in the subject hierarchy. None adds the scan itself too.

    Raises
    ------
    ScanError
        If `input_node` is not on the grid of the map's scan.
    """
    if input_node is not None:
        volumes.check_same_grid(input_node, attribution.scan)
    method = attribution.method.name
    main = f"{method} {names.MAP}"
    called = names.Names.unused(scene, attribution.scan.name, main)
    with all_or_nothing(scene):
        scan = input_node
        if scan is None:
            scan = volumes.add_scan(scene, attribution.scan, called.of_scan())
            provenance.mark(scan, roles.SCAN, "The scan that was explained.")
        values = _add_values(scene, attribution, scan, called, main)
        heatmap = _add_heatmap(scene, attribution, scan, called)
        parts = tuple(
            _add_part(scene, attribution, scan, called, number)
            for number in range(len(attribution.parts))
        )
        nodes = MapNodes(
            scan=scan,
            map=values,
            heatmap=heatmap,
            parts=parts,
            score_table=fact_tables.add_numbers(scene, attribution, called.of(f"{method} scores")),
            part_table=fact_tables.add_list(scene, attribution, called.of(f"{method} table")),
            colors=(
                *(node.GetDisplayNode().GetColorNode() for node in (values, heatmap, *parts)),
                colors.legend_table(heatmap.GetDisplayNode().GetColorNode()),
            ),
            folder=hierarchy.add_folder(scene, scan, called.of(f"{method} explanation")),
        )
        _relate(scene, attribution, nodes)
        return nodes


def _add_values(scene, attribution: Attribution, scan, called: names.Names, main: str):
    method = attribution.method
    limit = strongest(attribution.values) or EMPTY_LIMIT
    node = volumes.add_like(
        scene, scan, attribution.values.astype(np.float32), called.of(main), unit=""
    )
    table = colors.add_value_colors(scene, called.of(f"{method.name} map colors"))
    node.GetDisplayNode().SetAndObserveColorNodeID(table.GetID())
    volumes.set_window(node, 2 * limit, 0.0)
    legends.add_legend(node, legend_title(method.name), number_format=LEGEND_NUMBERS)
    provenance.mark(node, roles.MAP, provenance.describe_attribution(attribution))
    provenance.record_attribution(node, attribution)
    return node


def legend_title(method: str) -> str:
    """Return what stands above a map's colours: which map, and what its sides mean."""
    return f"{method}\nred: for the score\nblue: against it"


def _add_heatmap(scene, attribution: Attribution, scan, called: names.Names):
    method = attribution.method
    node = volumes.add_like(
        scene, scan, attribution.heatmap, called.of(f"{method.name} {names.HEATMAP}"), labels=True
    )
    table = colors.add_share_colors(
        scene, attribution.levels, called.of(f"{method.name} heatmap colors")
    )
    node.GetDisplayNode().SetAndObserveColorNodeID(table.GetID())
    legends.add_label_legend(node, method.name)
    provenance.mark(
        node, roles.HEATMAP, f"Shares of the strongest value of {method.name}; {method.sign}."
    )
    return node


def _add_part(scene, attribution: Attribution, scan, called: names.Names, number: int):
    """Add a named set of voxels; the label's name says how large it is."""
    name = list(attribution.parts)[number]
    mask = attribution.parts[name]
    said = f"{name}, {_volume_ml(attribution, mask):.3g} mL"
    node = volumes.add_like(
        scene,
        scan,
        mask.astype(np.uint8),
        called.of(f"{attribution.method.name} {name}"),
        labels=True,
    )
    table = colors.add_part_colors(
        scene,
        said,
        colors.PART_RGB[number % len(colors.PART_RGB)],
        called.of(f"{attribution.method.name} {name} colors"),
    )
    node.GetDisplayNode().SetAndObserveColorNodeID(table.GetID())
    legends.add_label_legend(node, attribution.method.name)
    provenance.mark(node, roles.PART, f"The part '{said}' of the {attribution.method.name} map.")
    provenance.set_attributes(node, part=name)
    return node


def _volume_ml(attribution: Attribution, mask: np.ndarray) -> float:
    return int(np.count_nonzero(mask)) * float(np.prod(attribution.scan.spacing)) / 1000.0


def _relate(scene, attribution: Attribution, nodes: MapNodes) -> None:
    """Describe, reference and file the nodes."""
    tables = {roles.SCORES: nodes.score_table, roles.PARTS: nodes.part_table}
    tables = {role: node for role, node in tables.items() if node is not None}
    for role, node in tables.items():
        provenance.mark(node, role, provenance.describe_attribution(attribution))
    for node, role in zip(
        nodes.colors,
        (
            *(roles.MAP_COLORS, roles.HEATMAP_COLORS),
            *(roles.PART_COLORS for _ in nodes.parts),
            roles.LEGEND_COLORS,
        ),
        strict=True,
    ):
        provenance.mark(node, role)
    shown = (nodes.map, nodes.heatmap, *nodes.parts, *tables.values())
    provenance.refer((*shown, *nodes.colors), nodes.scan, nodes.map)
    hierarchy.place(scene, shown, nodes.folder)
