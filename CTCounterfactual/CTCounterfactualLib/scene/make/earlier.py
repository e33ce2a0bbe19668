"""Explanations that a scene holds already: found by what their nodes refer to, and removed whole.

Works in a scene that was saved and opened again, and after a user renamed or moved nodes: a set is
known by references and roles, never by names.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ...methods.registry import LATENT_SHIFT
from . import hierarchy, roles
from .nodes import Animation, MapNodes, SceneNodes
from .provenance import (
    INPUT_REFERENCE,
    LIVE,
    MAIN_REFERENCE,
    METHOD,
    ROLE,
    get_attribute,
    get_number,
)
from .transaction import remove_nodes

# Views show a node's displays and files it was read from belong to it: they go with it.
_HELPERS = ("GetNthDisplayNode", "GetNthStorageNode")


@dataclass(frozen=True)
class ResultSet:
    """The nodes of one explanation in a scene.

    Parameters
    ----------
    name : str
        For a person: the name of the set's folder, else of its main node.
    main : vtkMRMLScalarVolumeNode or None
        Its counterfactual, or its map; None for what is left of a set whose main node was deleted.
    nodes : tuple
        Every node of the set, in the scene's order; never the input volume.
    folder : int
        Its subject-hierarchy folder, 0 if there is none.
    """

    name: str
    main: Any
    nodes: tuple
    folder: int

    @property
    def method(self) -> str:
        """Name of the method that made it; scenes of earlier versions know one only."""
        said = None if self.main is None else get_attribute(self.main, METHOD)
        return said or LATENT_SHIFT


def find_sets(scene, scan_node) -> list[ResultSet]:
    """Return the explanations of a volume that the scene holds, oldest first.

    Results that come in while a run goes on (`scene.make.live`) are none.
    """
    sets: dict[str, list] = {}
    for node in _nodes(scene):
        if node.GetNodeReferenceID(INPUT_REFERENCE) != scan_node.GetID():
            continue
        if get_attribute(node, LIVE) is not None:
            continue
        sets.setdefault(_set_of(node), []).append(node)
    return [_result_set(scene, scene.GetNodeByID(key), nodes) for key, nodes in sets.items()]


def remove_set(scene, found: ResultSet) -> None:
    """Remove a set's nodes with all that only serves them, and its folder unless others use it.

    The scan stays, and so does every node of the user's own.
    """
    remove_nodes(scene, _with_helpers(found.nodes))
    if found.folder:
        hierarchy.remove_empty_folders(scene, found.folder)


def result_nodes(scene, main) -> SceneNodes | MapNodes:
    """Return the nodes of the explanation that a counterfactual, or a map, belongs to.

    Raises
    ------
    LookupError
        If the node is neither of this extension, or of no finished explanation in `scene`, or
        nodes were deleted that every explanation has; says which.
    """
    scan = main.GetNodeReference(INPUT_REFERENCE)
    if scan is None or get_attribute(main, ROLE) not in roles.MAIN_ROLES:
        raise LookupError(
            f"'{main.GetName()}' is not the counterfactual or the map of a volume in this scene."
        )
    sets = [
        each
        for each in find_sets(scene, scan)
        if each.main is not None and each.main.GetID() == main.GetID()
    ]
    if not sets:
        raise LookupError(
            f"'{main.GetName()}' belongs to no finished explanation in this scene: it lies in "
            f"another one, or was removed."
        )
    nodes = _Nodes(sets[0])
    is_map = get_attribute(main, ROLE) == roles.MAP
    return nodes.of_map(scan) if is_map else nodes.of_counterfactual(scan)


class _Nodes:
    """The nodes of a set by their roles."""

    def __init__(self, found: ResultSet):
        self._found = found
        self._by_role: dict[str, list] = {}
        for node in found.nodes:
            self._by_role.setdefault(get_attribute(node, ROLE) or "", []).append(node)

    def of_counterfactual(self, scan) -> SceneNodes:
        one, needed, every = self._one, self._needed, self._every
        sequence, browser = one(roles.SEQUENCE), one(roles.BROWSER)
        # Not by its role: what is played replaces the attributes of the volume that plays it.
        proxy = browser.GetProxyNode(sequence) if sequence and browser else None
        return SceneNodes(
            scan=scan,
            counterfactual=self._found.main,
            change=needed(roles.CHANGE),
            heatmap=needed(roles.HEATMAP),
            chunk_heatmaps=tuple(sorted(every(roles.CHUNK_HEATMAP), key=_first_slice)),
            score_table=needed(roles.SCORES),
            whole_table=one(roles.WHOLE_SEARCH),
            chunk_table=one(roles.CHUNKS),
            path_tables=every(roles.PATH),
            path_chart=one(roles.PATH_CHART),
            evidence_chart=one(roles.EVIDENCE_CHART),
            plot_series=every(roles.SERIES),
            colors=every(
                roles.HEATMAP_COLORS,
                roles.CHANGE_COLORS,
                roles.LEGEND_COLORS,
                roles.REGION_COLORS,
            ),
            folder=self._found.folder,
            animation=Animation(sequence, browser, proxy) if proxy else None,
            surfaces=every(roles.FALL_SURFACE, roles.RISE_SURFACE, roles.LUNG_SURFACE),
            region=one(roles.REGION),
        )

    def of_map(self, scan) -> MapNodes:
        return MapNodes(
            scan=scan,
            map=self._found.main,
            heatmap=self._needed(roles.HEATMAP),
            parts=self._every(roles.PART),
            score_table=self._needed(roles.SCORES),
            part_table=self._one(roles.PARTS),
            colors=self._every(
                roles.MAP_COLORS, roles.HEATMAP_COLORS, roles.PART_COLORS, roles.LEGEND_COLORS
            ),
            folder=self._found.folder,
        )

    def _every(self, *wanted: str) -> tuple:
        return tuple(node for role in wanted for node in self._by_role.get(role, ()))

    def _one(self, role: str):
        return next(iter(self._by_role.get(role, ())), None)

    def _needed(self, role: str):
        node = self._one(role)
        if node is None:
            name = self._found.name
            raise LookupError(f"Of the explanation '{name}' the node '{role}' was deleted.")
        return node


def _result_set(scene, main, nodes: list) -> ResultSet:
    folder = next(filter(None, (hierarchy.folder_with(scene, node) for node in nodes)), 0)
    if folder:
        name = scene.GetSubjectHierarchyNode().GetItemName(folder)
    else:
        name = (main or nodes[0]).GetName()
    return ResultSet(name, main, tuple(nodes), folder)


def _set_of(node) -> str:
    """Return the identifier of a set's main node, its own if it is that, "" if deleted."""
    if get_attribute(node, ROLE) in roles.MAIN_ROLES:
        return node.GetID()
    return node.GetNodeReferenceID(MAIN_REFERENCE) or ""


def _first_slice(node) -> int:
    return int(get_number(node, "start"))


def _with_helpers(nodes: Iterable) -> list[str]:
    """Return identifiers of nodes, preceded by those of their displays and storage nodes.

    Browsers come first: while there is one, it makes the volume that it plays anew.
    """
    ids: list[str] = []
    for node in sorted(nodes, key=lambda node: not node.IsA("vtkMRMLSequenceBrowserNode")):
        for getter in _HELPERS:
            ids += _helpers(node, getter)
        ids.append(node.GetID())
    return ids


def _helpers(node, getter: str) -> list[str]:
    if not hasattr(node, getter):
        return []
    count = getattr(node, getter.replace("GetNth", "GetNumberOf") + "s")()
    found = (getattr(node, getter)(number) for number in range(count))
    return [helper.GetID() for helper in found if helper is not None]


def _nodes(scene) -> list:
    return [scene.GetNthNode(number) for number in range(scene.GetNumberOfNodes())]
