"""What needs a named network's features: a perceptual distance, and distances to real scans."""

from __future__ import annotations

from ..events import Reporter
from ..metrics.feature_distance import perceptual_distance
from . import definitions as d
from .feature_space import LEAST_PLACES, PERCEPTUAL, FeatureSpace, Pair, places_of
from .measure import MAP_ONLY, Measured
from .subject import Subject
from .truth import Truth

NO_REFERENCE = "no reference scans were given"


def add_by_features(
    measured: Measured, subject: Subject, truth: Truth, space: FeatureSpace, reporter: Reporter
) -> None:
    """Add how different scan and counterfactual look to a network, and how far from real scans.

    With a clean scan the perceptual distance that the true change has stands beside, as ceiling.

    Raises
    ------
    ScanError
        If a reference can't be read, or the network is for another modality.
    ModelError
        If the network has no maps for such a scan.
    """
    changed = subject.volumes.changed
    if changed is None:
        measured.absent[d.FEATURES] = MAP_ONLY.format(subject.method)
        return
    before = space.stages(subject.scan, reporter)
    after = space.stages(subject.scan.with_voxels(changed), reporter)
    measured.metrics[PERCEPTUAL] = perceptual_distance(before, after)
    if truth.clean is not None:
        clean = space.stages(subject.scan.with_voxels(truth.clean), reporter)
        measured.metrics[f"{PERCEPTUAL}_ceiling"] = perceptual_distance(before, clean)
    pair: Pair = places_of(before[-1]), places_of(after[-1])
    measured.places = pair
    found = space.distances(pair, reporter)
    few = f"fewer than {LEAST_PLACES} places in the network's last maps"
    measured.add(d.FEATURES, found, few if space.references else NO_REFERENCE)
    reporter.report("features", f"Features of {subject.scan.name}", 0.9)
