"""What a benchmark found, and the goals that it is held against."""

from __future__ import annotations

from dataclasses import dataclass, field

from .table import Row

# Keys of the JSON file that others read.
KEYS = (
    "flops_ratio",
    "wall_ratio_reference",
    "wall_ratio_adaptive",
    "memory_ratio",
    "overhead",
    "gradient_memory_growth",
    "evaluations_median",
    "score_not_worse",
    "machine",
    "date",
)
# Goals, as the project's issue states them.
FLOPS_RATIO, MEMORY_RATIO, GROWTH = 8.0, 5.0, 1.2
WALL_REFERENCE, WALL_ADAPTIVE, OVERHEAD = 6.0, 25.0, 1.15
PREDICTIONS, EVALUATIONS, NOT_WORSE = 1e-4, 6.0, 0.95
COUNTS_AGREE = 0.01
# In double precision both sides are the same up to the order of sums.
EXACTLY = 1e-12
GPU_SECONDS, GPU_GB = 5.0, 8.0
TERA = 1e12
PUBLISHED_NAME = "published size, 100 slices"


@dataclass
class Report:
    """What a benchmark found."""

    rows: list[Row] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    values: dict = field(default_factory=lambda: dict.fromkeys(KEYS))
    details: dict = field(default_factory=dict)

    def to_dict(self) -> dict:
        """Return the values of `KEYS`, and everything else under `details`."""
        return {**self.values, "details": self.details}


def their_counts(sides) -> list[int]:
    """Return the evaluations of each of the paper's chunks."""
    return [len(chunk.path) for chunk in sides.theirs]


def as_range(counts: list[int]) -> str:
    return f"{min(counts)}" if min(counts) == max(counts) else f"{min(counts)} to {max(counts)}"
