"""Scans to try the module on: a chest made on the spot, and Slicer's own chest CT."""

from __future__ import annotations

from pathlib import Path

import slicer

from CTCounterfactualLib.errors import CTCounterfactualError

CATEGORY = "CTCounterfactual"
TITLE = "CT Counterfactual"
GENERATED = "CTCounterfactualGeneratedChest"
SLICER_CHEST = "CTCounterfactualCTChest"
# Name of the chest CT among Slicer's built-in samples.
BUILT_IN_CHEST = "CTChest"
NODE_NAME = "GeneratedChest"
# Fine enough to look like a CT, coarse enough to be made and explained in about a minute.
SPACING_MM = (1.5, 1.5, 2.5)
EFFUSION_ML = 600.0
# Sample Data wants an address of each source; these two are never fetched as such.
NO_ADDRESS = "generated"


class SampleDataError(CTCounterfactualError):
    """A sample scan can't be had; the message says why and what to do."""


def add_generated_chest(scene, settings=None, name: str = NODE_NAME):
    """Make a synthetic chest CT, add it to a scene and return its volume node.

    Parameters
    ----------
    settings : ChestSettings, optional
        Patient and grid; None makes the one that Sample Data offers.
    """
    # Here, because Slicer loads this file when it starts, and the chest needs SciPy.
    from CTCounterfactualLib.scans.generated import ChestSettings, generate_chest
    from CTCounterfactualLib.scans.scan import Scan
    from CTCounterfactualLib.scene.make import volumes

    chest = generate_chest(settings or ChestSettings(SPACING_MM, effusion_ml=EFFUSION_ML))
    scan = Scan.from_array(chest.hu, chest.spacing, chest.origin, name=name)
    return volumes.add_scan(scene, scan, scene.GetUniqueNameByString(name))


def register_sample_data(thumbnail: Path | None = None) -> None:
    """Add the module's scans to Sample Data; call it when Slicer has started. Safe to call twice.

    Parameters
    ----------
    thumbnail : Path, optional
        Picture for the buttons.
    """
    import SampleData

    logic = SampleData.SampleDataLogic
    if hasattr(logic, "registerCustomSampleDataCategory"):  # Slicer 5.12 and later
        logic.registerCustomSampleDataCategory(CATEGORY, TITLE)
    there = {source.sampleName for source in logic.sampleDataSourcesByCategory(CATEGORY)}
    for name, node_name, make in (
        (GENERATED, NODE_NAME, _load_generated),
        (SLICER_CHEST, BUILT_IN_CHEST, _load_slicers),
    ):
        if name in there:
            continue
        logic.registerCustomSampleDataSource(
            category=CATEGORY,
            sampleName=name,
            uris=NO_ADDRESS,
            fileNames=f"{node_name}.nrrd",
            nodeNames=node_name,
            customDownloader=make,
            thumbnailFileName=None if thumbnail is None else str(thumbnail),
        )


def _load_generated(_source=None):
    """Sample Data's button: make the chest and show it."""
    with slicer.util.tryWithErrorDisplay("The chest could not be generated.", waitCursor=True):
        node = add_generated_chest(slicer.mrmlScene)
        slicer.util.setSliceViewerLayers(background=node, fit=True)
        return node


def _load_slicers(_source=None):
    """Sample Data's button: Slicer's own chest CT, downloaded once."""
    with slicer.util.tryWithErrorDisplay("The chest CT could not be loaded.", waitCursor=True):
        return load_slicers_chest()


def load_slicers_chest():
    """Load Slicer's own chest CT by its name in Sample Data and return its volume node.

    Raises
    ------
    SampleDataError
        If this Slicer has no sample of that name, or it couldn't be downloaded.
    """
    import SampleData

    logic = SampleData.SampleDataLogic()
    if logic.sourceForSampleName(BUILT_IN_CHEST) is None:
        raise SampleDataError(
            f"This Slicer has no sample named {BUILT_IN_CHEST}. Take the generated chest instead, "
            f"or load a CT of your own."
        )
    nodes = logic.downloadSamples(BUILT_IN_CHEST)
    if not nodes:
        raise SampleDataError(
            f"The sample {BUILT_IN_CHEST} could not be downloaded. Check the network, or take the "
            f"generated chest, which needs none."
        )
    return nodes[0]
