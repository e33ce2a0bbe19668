"""Single slices of many patients in one file, as data sets keep them: an .npz of four arrays."""

from __future__ import annotations

import zipfile
import zlib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..errors import ScanError, SettingsError
from ..limits import Limit
from ..scans.grid import GridSpec, prepare
from ..scans.hu_likeness import what_speaks_against_hu
from ..scans.scan import Scan
from ..storage.names import printable, reason
from .slices import SliceStack

# What must be there; other arrays (a patient's position, say) are left alone.
KEYS = ("hu", "spacing_mm", "patient")
# Pixels of any CT of a person; another unit lies far outside.
PIXEL_MM = Limit(0.1, 5.0)
# Held out are patients whose number is a multiple; of 1 all would be.
LEAVE_OUT = Limit(2)


@dataclass(frozen=True)
class SliceFile:
    """Axial slices without neighbours, by patient.

    Parameters
    ----------
    name : str
        For the model's card.
    hu : numpy.ndarray
        (N, H, W), HU; rows from Anterior to Posterior, columns from the patient's Right to Left.
    spacing_mm : numpy.ndarray
        (N, 2), mm between rows and between columns.
    patient : numpy.ndarray
        (N,), whole numbers from 0; slices of one number are of one person.
    """

    name: str
    hu: np.ndarray
    spacing_mm: np.ndarray
    patient: np.ndarray

    def split(self, every: int | None) -> tuple[SliceFile, SliceFile]:
        """Return the slices to train on, and those of every n-th patient, to measure on.

        Parameters
        ----------
        every : int or None
            Patients whose number is a multiple of it are held out; None holds nobody out.

        Raises
        ------
        SettingsError
            If nobody is left to train on, or `every` is below 2.
        """
        if every is None:
            return self, self._of(np.zeros(len(self.patient), bool), self.name)
        if not LEAVE_OUT.holds(every):
            raise SettingsError(f"Setting leave_out is {every}; it must be {LEAVE_OUT}.")
        held = self.patient % every == 0
        if held.all():
            raise SettingsError(
                f"{self.name}: all its patients' numbers are multiples of {every}, so none is left "
                f"to train on; leave out others, or none."
            )
        return (
            self._of(~held, f"{self.name} without patients whose number is a multiple of {every}"),
            self._of(held, f"{self.name}, patients whose number is a multiple of {every}"),
        )

    def _of(self, which: np.ndarray, name: str) -> SliceFile:
        return replace(
            self,
            name=name,
            hu=self.hu[which],
            spacing_mm=self.spacing_mm[which],
            patient=self.patient[which],
        )

    def prepared(self, index: int) -> np.ndarray:
        """Return a slice as models see it: (J, I), 0..1, rows to Anterior, columns to Right."""
        rows_mm, columns_mm = (float(mm) for mm in self.spacing_mm[index])
        thickness = GridSpec().spacing[2]
        # A scan of this one slice: then its pixels are smoothed and sampled like any scan's.
        scan = Scan.from_array(self.hu[index : index + 1], (columns_mm, rows_mm, thickness))
        return prepare(scan).volume[0]

    def stacks(self) -> list[SliceStack]:
        """Return one stack a patient, so that people weigh and not slices."""
        people = np.unique(self.patient)
        source = f"{self.name} ({len(people)} patients)"
        return [
            SliceStack(
                f"{self.name}, patient {person}",
                [
                    self.prepared(int(index)).astype(np.float16)
                    for index in np.flatnonzero(self.patient == person)
                ],
                1.0,
                source,
            )
            for person in people
        ]


def read_slices(path: str | Path) -> SliceFile:
    """Read an .npz with `hu` (N, H, W), `spacing_mm` (N, 2) and `patient` (N,); see `SliceFile`.

    Raises
    ------
    ScanError
        If it can't be read, lacks an array, or one isn't what it must be; says which and why.
    """
    path = Path(path)
    try:
        with path.open("rb") as opened:
            file = np.load(opened, allow_pickle=False)
            missing = [key for key in KEYS if key not in getattr(file, "files", ())]
            if missing:
                raise ScanError(
                    f"{path} lacks the array(s) {', '.join(missing)}; an .npz with hu (N, H, W), "
                    f"spacing_mm (N, 2) and patient (N,) is expected."
                )
            hu, spacing, patient = (np.asarray(file[key]) for key in KEYS)
    except OSError as error:
        raise ScanError(f"Cannot read {path}: {reason(error)}.") from error
    except (
        ValueError,
        EOFError,
        zipfile.BadZipFile,
        zlib.error,
        NotImplementedError,
        MemoryError,
    ) as error:
        raise ScanError(
            f"{path} is no .npz of numbers: {printable(str(error) or type(error).__name__)}."
        ) from error
    _check(path, hu, spacing, patient)
    return SliceFile(path.stem, hu, spacing.astype(float), patient)


def _check(path: Path, hu: np.ndarray, spacing: np.ndarray, patient: np.ndarray) -> None:
    """Raise `ScanError` unless the arrays are slices, their pixels' sizes and whose they are."""
    count = len(hu) if hu.ndim else 0
    for key, array, fits, expected in (
        ("hu", hu, hu.ndim == 3 and hu.size and hu.dtype.kind in "iuf", "numbers (N, H, W) in HU"),
        (
            "spacing_mm",
            spacing,
            spacing.shape == (count, 2) and spacing.dtype.kind in "iuf",
            f"numbers ({count}, 2) in mm: rows, columns",
        ),
        (
            "patient",
            patient,
            patient.shape == (count,) and patient.dtype.kind in "iu",
            f"whole numbers ({count},)",
        ),
    ):
        if not fits:
            raise ScanError(
                f"{path}: {key} is an array of shape {array.shape} and type {array.dtype}; "
                f"{expected} are expected."
            )
    if patient.min() < 0:
        raise ScanError(f"{path}: patient {patient.min()} is below 0; number them from 0.")
    for index, pair in enumerate(spacing):
        if not all(PIXEL_MM.holds(mm) for mm in pair):
            raise ScanError(
                f"{path}: the pixels of slice {index} measure {pair[0]:g} x {pair[1]:g}; "
                f"{PIXEL_MM} mm are expected."
            )
    if not np.isfinite(hu).all():
        raise ScanError(f"{path}: hu has values that are no finite numbers; mend them first.")
    against = what_speaks_against_hu(hu)
    if against:
        raise ScanError(f"{path}: hu isn't in HU: {against}.")
