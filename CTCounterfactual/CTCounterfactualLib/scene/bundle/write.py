"""Write an explanation as a Slicer scene bundle (.mrb), whole or not at all."""

from __future__ import annotations

from pathlib import Path

from ...counterfactual.result import Explanation
from ...errors import OutputError
from ...methods.attribution import Attribution
from ...storage.atomic import whole_file
from ..make.build import build_nodes
from ..make.maps import build_map
from ..make.nodes import MapNodes, SceneNodes
from ..mrml import slicer
from .arrange import arrange_headless
from .headless import headless_scene
from .member_names import name_members
from .thumbnail import thumbnail

# The view that becomes the bundle's thumbnail: the scan under its heatmap.
PICTURED_VIEW = "Yellow"


def write_scene(explanation: Explanation | Attribution, path: str | Path) -> Path:
    """Write a scene that opens in Slicer with scan, counterfactual, change and heatmap, or a map.

    Everything is written into a temporary folder beside `path` and then moved, so that a file at
    `path` is either complete or the one that was there before. Volumes are compressed (gzip NRRD).

    Parameters
    ----------
    explanation : Explanation or Attribution
        What to write.
    path : str or Path
        Ends in `.mrb`; its folder exists. A file that is there is replaced.

    Returns
    -------
    Path
        The absolute path written.

    Raises
    ------
    OutputError
        If it can't be written; says why.
    MissingExtraError
        If neither Slicer nor slicer-core is there (on import of this module).
    """
    target = Path(path).resolve()  # MRML reads and writes bundles by absolute path only
    if target.suffix.lower() != ".mrb":
        raise OutputError(
            f"The scene is to be written to '{target}', but a scene bundle ends in .mrb; "
            f"choose such a name."
        )
    with whole_file(target) as partial:  # of the same name: a bundle's inner folder has it
        _write(explanation, partial)
    return target


def _write(explanation: Explanation | Attribution, path: Path) -> None:
    with headless_scene(cache=path.parent) as headless:
        nodes: SceneNodes | MapNodes
        if isinstance(explanation, Attribution):
            nodes = build_map(headless.scene, explanation)
        else:
            nodes = build_nodes(headless.scene, explanation)
        arrange_headless(headless, nodes)
        name_members(headless.scene)
        messages = slicer.vtkMRMLMessageCollection()
        picture = thumbnail(headless.slices[PICTURED_VIEW])
        if not headless.scene.WriteToMRB(str(path), picture, messages):
            cause = messages.GetAllMessagesAsString().strip() or "Slicer gave no reason"
            raise OutputError(f"Cannot write the scene '{path.name}': {cause}")
