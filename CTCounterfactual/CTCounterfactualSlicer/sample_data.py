"""Scans to try the module on: a chest made on the spot, and Slicer's own chest CT."""

from __future__ import annotations

import time
from pathlib import Path

import slicer

from CTCounterfactualLib.errors import CTCounterfactualError

from .chest_job import ChestJob

CATEGORY = "CTCounterfactual"
TITLE = "CT Counterfactual"
# What stands on the buttons.
GENERATED = "Generated chest with effusion"
SLICER_CHEST = "Chest CT of Slicer's own"
# Name of the chest CT among Slicer's built-in samples.
BUILT_IN_CHEST = "CTChest"
NODE_NAME = "GeneratedChest"
# Sample Data wants an address of each source; these two are never fetched as such.
NO_ADDRESS = "generated"
PICTURE = Path(__file__).resolve().parents[1] / "Resources" / "Icons" / "GeneratedChest.png"
PUMP_S = 0.05  # between two looks at the worker


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
    from CTCounterfactualLib.app.generate_command import EFFUSION_ML, SPACING_MM
    from CTCounterfactualLib.scans.generated import ChestSettings, generate_chest
    from CTCounterfactualLib.scans.scan import Scan
    from CTCounterfactualLib.scene.make import volumes

    chest = generate_chest(settings or ChestSettings(SPACING_MM, effusion_ml=EFFUSION_ML))
    scan = Scan.from_array(chest.hu, chest.spacing, chest.origin, name=name)
    return volumes.add_scan(scene, scan, scene.GetUniqueNameByString(name))


def generate_in_worker(scene, name: str = NODE_NAME, pump=None, onEvent=None):
    """Make the same chest in a process of its own, and return its volume node when it is there.

    Parameters
    ----------
    pump : callable, optional
        Called while it is waited for: `slicer.app.processEvents` keeps Slicer alive.
    onEvent : callable, optional
        Gets each event.

    Raises
    ------
    SampleDataError
        If it can't be made, or the user cancels it.
    """
    job = ChestJob(scene, name, onEvent=onEvent)
    job.start()
    try:
        while job.poll():
            if pump is not None:
                pump()
            time.sleep(PUMP_S)
    except BaseException:
        job.abandon()
        raise
    if job.node is None:
        assert job.outcome is not None
        raise SampleDataError(f"The chest could not be generated: {job.outcome.message}")
    return job.node


def register_sample_data() -> None:
    """Add the module's scans to Sample Data, when Slicer has started; safe to call twice."""
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
            thumbnailFileName=_picture(logic, name),
        )


def _picture(logic, name: str) -> str | None:
    """Return the picture of a button: our own, or Slicer's of its own scan if it has one."""
    if name == GENERATED:
        return str(PICTURE)
    source = logic().sourceForSampleName(BUILT_IN_CHEST)
    return getattr(source, "thumbnailFileName", None)


def _load_generated(_source=None):
    """Sample Data's button: make the chest, while Slicer goes on, and show it."""
    with slicer.util.tryWithErrorDisplay("The chest could not be generated."):
        slicer.util.showStatusMessage("Generating a chest CT...")
        node = generate_in_worker(slicer.mrmlScene, pump=slicer.app.processEvents)
        slicer.util.showStatusMessage("")
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
