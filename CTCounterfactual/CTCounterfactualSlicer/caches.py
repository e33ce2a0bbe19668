"""Temporary files of this module: how much there is, and taking it away."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from CTCounterfactualLib.jobs.workplace import Workplace, cache_root, clear_root, root_size
from CTCounterfactualLib.storage.sizes import BYTES_PER_MB


def cache_folder() -> Path:
    """Return the folder that holds the files of all jobs of this user."""
    return cache_root()


def cache_size_mb(root: Path | None = None) -> float:
    """Return how much the jobs' files take, in MB."""
    return root_size(root) / BYTES_PER_MB


def clear_caches(keep: Iterable[Workplace] = (), root: Path | None = None) -> float:
    """Remove the files of finished and dead jobs; return how many MB that freed.

    Parameters
    ----------
    keep : iterable of Workplace
        What is still needed: of a running job, of the result that is shown.
    root : Path, optional
        Another folder than `cache_folder`.
    """
    return clear_root(keep, root) / BYTES_PER_MB
