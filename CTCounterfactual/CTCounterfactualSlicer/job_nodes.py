"""The scene's side of a job: from nodes to the worker's files, from its results to nodes."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import SimpleITK as sitk
import slicer

from CTCounterfactualLib.counterfactual.result import Explanation
from CTCounterfactualLib.errors import OutputError
from CTCounterfactualLib.events import Event
from CTCounterfactualLib.jobs.workplace import Workplace
from CTCounterfactualLib.methods.attribution import Attribution
from CTCounterfactualLib.outputs.attribution_reading import read_any_result
from CTCounterfactualLib.scans.scan import Scan
from CTCounterfactualLib.scene.make.earlier import find_sets, remove_set
from CTCounterfactualLib.scene.make.inputs import region_from_segment, scan_from_node
from CTCounterfactualLib.scene.make.live import LiveNodes
from CTCounterfactualLib.scene.make.segment_labels import labels_from_segmentation
from CTCounterfactualLib.storage.atomic import write_json

from .listed_targets import find_listed
from .options import REPLACE, Options
from .own_models import list_all
from .result import AnyResult, MapResult, NodeResult

CHUNK_STEP = "chunk"
SEGMENTS_FILE = "segments.nrrd"
Made = Explanation | Attribution


class JobNodes:
    """The nodes of one job: the scan's, the live ones while it runs, the result's at the end."""

    def __init__(self, scene, volume, options: Options):
        self.scene = scene
        self.volume = volume
        self.live: LiveNodes | None = None
        self._options = options
        self._scan: Scan | None = None

    def write(self, workplace: Workplace) -> Path:
        """Write scan, region and job file for the worker; return the job file's path."""
        scan = self._scan = scan_from_node(self.volume, self._options.assume_hu)
        region = None
        if isinstance(self._options.region, (tuple, list)):
            mask = region_from_segment(*self._options.region, self.volume)
            region = workplace.region
            write_plainly(mask, region, compressed=True)
        segments = None
        if self._options.segments is not None:
            segments = workplace.folder / SEGMENTS_FILE
            labels, called = labels_from_segmentation(self._options.segments, self.volume)
            write_plainly(labels, segments)
            write_json(segments.with_suffix(".json"), called)  # found beside the label map
        write_plainly(scan.image, workplace.input)
        job = self._options.to_job(
            workplace.input, scan.name, workplace.result, region, workplace.stream, segments
        )
        return job.write(workplace.job)

    def show(self, event: Event) -> None:
        """Add a finished chunk's row and heatmap to the scene; other events add nothing."""
        if event.step != CHUNK_STEP:
            return
        if self.live is None:
            self.live = LiveNodes(self.scene, self.volume, self._options.settings, self._unit())
        self.live.add_chunk(event.data, event.data.get("heatmap"))

    def read(self, workplace: Workplace) -> Made:
        """Read the finished result; touches no node, so that another thread may do it."""
        return read_any_result(workplace.result, self._scan)

    def build(self, explanation: Made, workplace: Workplace) -> AnyResult:
        """Turn the result into nodes; earlier ones give way only if all went well."""
        self.remove_live()
        there = self.volume.GetScene() is self.scene  # else the user removed it meanwhile
        with _replacing(self.scene, self._earlier() if there else ()):
            made = add_result(
                self.scene,
                explanation,
                self.volume if there else None,
                workplace,
                workplace.result,
            )
        workplace.input.unlink(missing_ok=True)  # what stays is there for exports
        (workplace.folder / SEGMENTS_FILE).unlink(missing_ok=True)
        shutil.rmtree(workplace.stream, ignore_errors=True)
        return made

    def remove_live(self) -> None:
        """Take away what showed finished chunks, if anything did."""
        if self.live is not None:
            self.live.remove()
            self.live = None

    def _earlier(self) -> tuple:
        if self._options.outputs != REPLACE:
            return ()
        return tuple(
            found
            for found in find_sets(self.scene, self.volume)
            if found.method == self._options.method
        )

    def _unit(self) -> str:
        """Unit of the target's score for a table's header, as far as the catalogue tells it."""
        entries = [entry for entry in list_all() if entry.name == self._options.classifier]
        found = find_listed(entries[0].targets if entries else (), self._options.target)
        return found.unit if found else ""


def add_result(
    scene, explanation: Made, volume, workplace: Workplace | None, folder: Path
) -> AnyResult:
    """Add the nodes of a result of either kind to a scene; `volume` None adds the scan, too.

    The result has the nodes' own memory as its volumes, so that each is there once: 1.3 GB less for
    a scan of 512 x 512 x 1000.
    """
    # Here, because they need SciPy, and Slicer loads this file when it starts.
    if isinstance(explanation, Attribution):
        from CTCounterfactualLib.scene.make.maps import build_map

        of_map = build_map(scene, explanation, volume)
        shared = _shared(explanation, values=of_map.map, heatmap=of_map.heatmap)
        return MapResult(replace(explanation, **shared), of_map, workplace, folder)
    from CTCounterfactualLib.scene.make.build import build_nodes

    nodes = build_nodes(scene, explanation, volume)
    shared = _shared(
        explanation,
        counterfactual=nodes.counterfactual,
        difference=nodes.change,
        heatmap=nodes.heatmap,
    )
    return NodeResult(replace(explanation, **shared), nodes, workplace, folder)


def _shared(explanation: Made, **nodes) -> dict[str, Any]:
    """Return the nodes' voxels (K, J, I), as views, by the fields of the result that they equal."""
    shared = {}
    for name, node in nodes.items():
        voxels = slicer.util.arrayFromVolume(node)
        if voxels.dtype == getattr(explanation, name).dtype:  # MRML has no type for some
            shared[name] = voxels
    return shared


@contextmanager
def _replacing(scene, earlier: tuple) -> Iterator[None]:
    """Free the earlier sets' names for the block; remove those sets if it succeeds.

    New nodes are named by the first number that is free (`scene.make.names`). The earlier sets must
    stay until the new one is complete, so their main nodes have another name meanwhile.
    """
    there = [one.main for one in earlier if one.main is not None]
    kept = [(node, node.GetName()) for node in there]
    for node, name in kept:
        node.SetName(f"{name} (being replaced)")
    try:
        yield
    except BaseException:
        for node, name in kept:
            node.SetName(name)
        raise
    for one in earlier:
        remove_set(scene, one)


def observe_closing(scene, callback: Callable[[], None]) -> Callable[[], None]:
    """Call back once when the scene begins to close; returns a function that ends that."""
    tags = [scene.AddObserver(slicer.vtkMRMLScene.StartCloseEvent, lambda *_: callback())]

    def stop() -> None:
        while tags:
            scene.RemoveObserver(tags.pop())

    return stop


def write_plainly(image: sitk.Image, path: Path, compressed: bool = False) -> None:
    """Write an image, without compression where it lives for one run only: the user waits."""
    try:
        sitk.WriteImage(image, str(path), useCompression=compressed)
    except RuntimeError as error:
        raise OutputError(
            f"Cannot write the scan for the computation to {path.parent}: is the disk full? Free "
            f"some space there, then try again."
        ) from error
