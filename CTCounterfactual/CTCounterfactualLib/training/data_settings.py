"""What a VQ-GAN is trained on, as settings; each default is written here and nowhere else."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from ..checked import built, check_limits, take_types
from ..errors import SettingsError
from ..limits import COUNT, FRACTION, Limit
from .slice_file import LEAVE_OUT

# At least somebody is trained on.
HELD_SHARE = Limit(0, 0.9)


@dataclass(frozen=True)
class VQGANData:
    """Scans, data sets and generated chests, and how they are mixed.

    Parameters
    ----------
    scans : tuple of str
        Files or DICOM folders, each trained on whole.
    folders : tuple of str
        Data sets: folders with scans in any depth, or CSV lists of them (`path`, `patient`); go
        through the slice cache.
    cache : str
        The slice cache's folder; empty: `slices` in the training's own.
    hold_out : float
        Share of the folders' patients that aren't trained on, by a hash of their names.
    workers : int
        Processes that fill the cache; 0: one a core.
    slices : tuple of str
        Files with single slices of many patients (`read_slices`).
    leave_out : int or None
        Of those, leave out patients whose number is a multiple of it.
    generated, generated_share : int, float
        Generated chests, and the share of examples drawn from them.
    planted, planted_share : int, float
        Findings to plant, each into a copy of each of `scans` that has lungs, and the share of the
        real scans' examples drawn from the slices that show them.
    """

    scans: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    cache: str = ""
    hold_out: float = 0.1
    workers: int = 0
    slices: tuple[str, ...] = ()
    leave_out: int | None = None
    generated: int = 30
    generated_share: float = 0.4
    planted: int = 0
    planted_share: float = 0.25

    def __post_init__(self) -> None:
        take_types(self)
        check_limits(
            self,
            hold_out=HELD_SHARE,
            workers=COUNT,
            leave_out=LEAVE_OUT,
            generated=COUNT,
            generated_share=FRACTION,
            planted=COUNT,
            planted_share=FRACTION,
        )
        if not (self.scans or self.folders or self.slices or self.generated):
            raise SettingsError(
                "Nothing to train on: give scans, folders, slices, or generated chests above 0."
            )
        if self.leave_out is not None and not self.slices:
            raise SettingsError("leave_out is of patients in slices; give a file of them, or none.")

    @classmethod
    def from_dict(cls, values: dict) -> VQGANData:
        """Build from a configuration's `data`; raise `SettingsError` naming unknown fields."""
        return built(cls, values)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, as a configuration has them."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}
