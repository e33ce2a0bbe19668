"""Measuring every result below a folder, and what they come to together."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ..counterfactual.result import DISCLAIMER
from ..errors import OutputError
from ..events import Reporter
from ..metrics.realism import realism
from ..outputs.earlier import RECORD
from ..outputs.report_measured import METRICS_FILE
from ..storage.atomic import write_json
from ..storage.names import check_name
from . import definitions as d
from .evaluate import SCHEMA, Evaluation, in_order
from .feature_space import FRECHET, KERNEL, PLACES, FeatureSpace

# Of sets of slices or places: of several results they are those of all together, no median.
OF_SETS = frozenset(
    {name for name, metric in d.METRICS.items() if metric.group == d.REALISM}
    | {FRECHET, KERNEL, PLACES}
)


def evaluate_folder(
    folder: str | Path,
    one: Callable[[Path], Evaluation],
    space: FeatureSpace | None = None,
    reporter: Reporter | None = None,
) -> tuple[dict[str, Evaluation], dict[str, Any]]:
    """Measure every result below a folder, and write their summary into it as `metrics.json`.

    Parameters
    ----------
    folder : str or Path
        That holds result folders, as `bench run` makes them.
    one : callable
        Measures one of them.
    space : FeatureSpace, optional
        The network that it measures by, for the distances of all results together.

    Returns
    -------
    dict, dict
        Name -> evaluation, and the summary: of each metric its median, its mean, and how many have
        it; and the realism of all changed slices together.

    Raises
    ------
    OutputError
        If there is no result in it, or they are of scans in different units.
    """
    folder = check_name(folder)
    inside = sorted(path.parent for path in folder.glob(f"*/{RECORD}"))
    if not inside:
        raise OutputError(
            f"{folder} holds no result: there is no {RECORD} in it, nor in a folder in it. Choose "
            f"the folder that a result was written to."
        )
    made = {path.name: one(path) for path in inside}
    units = sorted({each.unit for each in made.values()})
    if len(units) > 1:
        raise OutputError(
            f"{folder} holds results in {' and in '.join(units)}, of which no mean can be taken. "
            f"Each has been measured; put them into folders of their own to sum them up."
        )
    summary = {
        "schema": SCHEMA,
        "disclaimer": DISCLAIMER,
        "results": len(made),
        "unit": units[0],
        **({"features": space.words} if space else {}),
        "metrics": pooled(list(made.values()), space, reporter),
    }
    write_json(folder / METRICS_FILE, summary)
    return made, summary


def pooled(
    made: list[Evaluation], space: FeatureSpace | None = None, reporter: Reporter | None = None
) -> dict[str, dict[str, float]]:
    """Return of each metric {median, mean, n} over results; realism is that of all their slices."""
    found = {}
    for name in in_order({name: 0.0 for one in made for name in one.metrics}):
        values = [one.metrics[name] for one in made if name in one.metrics]
        if d.base_of(name) not in OF_SETS:
            found[name] = {
                "median": float(np.median(values)),
                "mean": float(np.mean(values)),
                "n": len(values),
            }
    together = {}
    slices = [one.features for one in made if one.features is not None]
    if slices:
        for name, value in realism(*_joined(slices)).items():
            together[name] = (value, len(slices))
    places = [one.places for one in made if one.places is not None]
    if space is not None and places:
        for name, value in space.distances(_joined(places), reporter or Reporter()).items():
            together[name] = (value, len(places))
    return found | {
        name: {"median": value, "mean": value, "n": count}
        for name, (value, count) in together.items()
    }


def _joined(pairs: list[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    before, after = zip(*pairs, strict=True)
    return np.concatenate(before), np.concatenate(after)
