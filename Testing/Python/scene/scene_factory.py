"""A hand-made explanation of a small oblique scan."""

from dataclasses import replace

import numpy as np
import SimpleITK as sitk

from CTCounterfactualLib.counterfactual.heatmap import heat_levels, label_change
from CTCounterfactualLib.counterfactual.result import (
    ChunkHeatmap,
    Explanation,
    Flag,
    Frame,
    ModelInfo,
    Outcome,
    PreparedInfo,
    Scores,
    SearchPoint,
    TargetInfo,
    Timing,
)
from CTCounterfactualLib.counterfactual.settings import ExplainSettings
from CTCounterfactualLib.scans.scan import Scan

SIZE_KJI = (20, 30, 40)
SPACING = (0.7, 0.8, 2.5)  # I, J, K, mm
ORIGIN = (-12.5, 30.25, -140.0)  # LPS, mm
CHUNK_K = ((0, 10), (10, 20))  # slices of the scan that each chunk's cut-out covers
# (K, J, I) of voxels with a known change, one in each chunk.
FALL_AT, RISE_AT = (4, 10, 12), (15, 20, 25)
FALL_HU, RISE_HU = -120, 30


def direction(flipped: bool) -> tuple[float, ...]:
    """Return a rotation by 20 and 10 degrees (LPS, row-major); `flipped` mirrors axis K."""
    about_z, about_x = np.deg2rad(20), np.deg2rad(10)
    cos, sin = np.cos(about_z), np.sin(about_z)
    turn_z = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])
    cos, sin = np.cos(about_x), np.sin(about_x)
    turn_x = np.array([[1, 0, 0], [0, cos, -sin], [0, sin, cos]])
    matrix = turn_z @ turn_x @ np.diag([1, 1, -1 if flipped else 1])
    return tuple(matrix.ravel().tolist())


def make_explanation(flipped: bool = False, name: str = "CHEST") -> Explanation:
    """Return an explanation with one fall and one rise in HU at known voxels."""
    rng = np.random.default_rng(3)
    hu = rng.integers(-1000, 300, SIZE_KJI).astype(np.int16)
    scan = replace(
        Scan.from_array(hu, SPACING, ORIGIN, direction(flipped), name),
        path="/private/patient.nrrd",
        sha256="ab" * 32,
        warnings=(("uneven-slice-spacing", "Gaps differ."),),
    )
    difference = np.zeros(SIZE_KJI, np.int16)
    for (k, j, i), change in ((FALL_AT, FALL_HU), (RISE_AT, RISE_HU)):
        difference[k - 1 : k + 2, j - 3 : j + 4, i - 3 : i + 4] = change
    settings = ExplainSettings()
    labels = label_change(difference, settings.level_edges)
    whole_image = scan.with_array(labels)
    chunks = [
        ChunkHeatmap(
            10 * n,
            10 * n + 10,
            sitk.Extract(whole_image, [SIZE_KJI[2], SIZE_KJI[1], stop - start], [0, 0, start]),
        )
        for n, (start, stop) in enumerate(CHUNK_K)
    ]
    return Explanation(
        scan=scan,
        prepared=PreparedInfo(20, (1.5, 1.5, 3.0)),
        settings=settings,
        classifier=ModelInfo("toy-net", "c1" * 32),
        target=TargetInfo("effusion", "probability"),
        autoencoder=ModelInfo("toy-vqgan", "a2" * 32),
        scores=Scores(0.9, 0.85, 0.25),
        whole=_outcome(0, 20, -120.0, 0.25, "max_change"),
        chunks=(_outcome(0, 10, -80.0, 0.4, "max_change"), _outcome(10, 20, -40.0, 0.875, "flat")),
        counterfactual=hu + difference,
        difference=difference,
        heatmap=labels,
        chunk_heatmaps=tuple(chunks),
        levels=heat_levels(settings.level_edges),
        flags=(Flag("weak", 'Score "moved" little; take care: 5 % & less.'),),
        timing=Timing(1.0, 2.0, 3.0, 6.5),
        peak_memory_mb=512.0,
        versions={"python": "3.11", "torch": "2.13"},
        device="cpu",
    )


def _outcome(start, stop, lam, score, reason) -> Outcome:
    path = (
        SearchPoint(0.0, 0.9, 0.0),
        SearchPoint(lam, score, 0.05),
        SearchPoint(lam / 2, (0.9 + score) / 2, 0.02),
    )
    slab = (-150.0 + 3.0 * start, -150.0 + 3.0 * stop)
    return Outcome(start, stop, slab, lam, 0.9, score, reason, 0.05, path)


def with_frames(explanation: Explanation, count: int = 3, step: int = 1) -> Explanation:
    """Return the explanation with frames on a box around its change, every `step`-th in plane."""
    box = (slice(2, 18), slice(5, 25, step), slice(7, 30, step))  # K, J, I
    k, j, i = box
    place = explanation.scan.image[i, j, k]
    frames = []
    for number in range(1, count + 1):
        fraction = number / (count + 1)
        hu = explanation.scan.array[box] + fraction * explanation.difference[box]
        image = sitk.GetImageFromArray(hu.astype(np.int16))
        image.CopyInformation(place)
        frames.append(Frame(fraction, 0.9 - 0.65 * fraction, image))
    return replace(explanation, frames=tuple(frames))


def add_chest(scene, explanation: Explanation):
    """Add the scan as a user's own volume, with the place in the hierarchy that Slicer gives it."""
    from CTCounterfactualLib.scene.make import hierarchy, volumes

    node = volumes.add_scan(scene, explanation.scan, explanation.scan.name)
    hierarchy.place(scene, [node], scene.GetSubjectHierarchyNode().GetSceneItemID())
    return node


def content(scene) -> tuple[list[str], list[int]]:
    """Return all that a scene holds: identifiers of nodes, and subject-hierarchy items."""
    from CTCounterfactualLib.scene.make import hierarchy

    items = hierarchy.all_items(scene)
    return sorted(scene.GetNthNode(n).GetID() for n in range(scene.GetNumberOfNodes())), items
