"""A result folder, of the command line or exported, back into the scene."""

from __future__ import annotations

from pathlib import Path

from CTCounterfactualLib.errors import worded_for
from CTCounterfactualLib.outputs.attribution_reading import read_any_result
from CTCounterfactualLib.scene.make.inputs import scan_from_node
from CTCounterfactualLib.wording import Place

from .announce import announce
from .job_nodes import add_result
from .result import AnyResult


def load_result(
    scene, folder: str | Path, volumeNode=None, place: Place = Place.CONSOLE
) -> AnyResult:
    """Add the nodes of a result folder to a scene, beside whatever it holds.

    Parameters
    ----------
    scene : vtkMRMLScene
        Where the nodes go.
    folder : str or Path
        As `explain` and *Export* write it; of a counterfactual or of a method's map.
    volumeNode : vtkMRMLScalarVolumeNode, optional
        The scan that was explained. None reads it from where the result says, and adds it.
    place : Place
        Where the user reads the messages.

    Raises
    ------
    OutputError, ScanError
        If it is no result, or damaged, or of another scan.
    """
    with worded_for(place):
        scan = None if volumeNode is None else scan_from_node(volumeNode, assume_hu=True)
        folder = Path(folder)
        result = add_result(scene, read_any_result(folder, scan), volumeNode, None, folder)
    announce(result)
    return result
