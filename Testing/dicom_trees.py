"""Small DICOM series, written with pydicom, for tests: sound ones, and with one thing wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian

SLICES, PIXELS = 12, 24
SPACING = (4.0, 3.5, 5.0)  # mm along I, J, K
ORIGIN = (-40.0, -50.0, -60.0)  # LPS mm of the first voxel
INTERCEPT = -1024
CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2"
ENHANCED_CT = "1.2.840.10008.5.1.4.1.1.2.1"
ROOT = "1.2.826.0.1.3680043.8.498."
SERIES_UID = ROOT + "1"
PREAMBLE = b"\0" * 128

Edit = Callable[[int, Dataset], None]


def body_hu(slices: int = SLICES) -> np.ndarray:
    """Return air with a block of tissue, lungs and noise, other in each slice: (K, J, I), HU."""
    rng = np.random.default_rng(11)
    hu = rng.integers(-1015, -985, (slices, PIXELS, PIXELS))
    hu[:, 4:20, 3:21] = rng.integers(-120, 80, (slices, 16, 18))
    hu[:, 8:16, 5:10] = rng.integers(-880, -820, (slices, 8, 5))
    hu[:, 17:19, 11:13] = 400 + 20 * np.arange(slices)[:, None, None]
    return hu.astype(np.int16)


def at(k: float) -> list[float]:
    """Return the position of slice k: LPS mm of its first pixel."""
    return [ORIGIN[0], ORIGIN[1], ORIGIN[2] + k * SPACING[2]]


def put_pixels(dataset: Dataset, stored: np.ndarray) -> None:
    """Give a data set stored values: (J, I) or (frames, J, I), of 8 or 16 bits."""
    bits = stored.dtype.itemsize * 8
    dataset.Rows, dataset.Columns = stored.shape[-2:]
    dataset.BitsAllocated = dataset.BitsStored = bits
    dataset.HighBit = bits - 1
    dataset.PixelRepresentation = int(stored.dtype.kind == "i")
    data = np.ascontiguousarray(stored).tobytes()
    dataset.add_new("PixelData", "OB" if bits == 8 else "OW", data)


def _file(path: Path, sop_class: str, sop_uid: str, syntax: str) -> FileDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = sop_class
    meta.MediaStorageSOPInstanceUID = sop_uid
    meta.TransferSyntaxUID = syntax
    dataset = FileDataset(str(path), {}, file_meta=meta, preamble=PREAMBLE)
    dataset.SOPClassUID, dataset.SOPInstanceUID = sop_class, sop_uid
    dataset.SeriesInstanceUID = SERIES_UID
    dataset.StudyInstanceUID = ROOT + "9"
    dataset.Modality = "CT"
    dataset.SeriesDescription = "made"
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    return dataset


def slice_of(k: int, hu: np.ndarray, path: Path = Path("slice.dcm")) -> FileDataset:
    """Return slice k as a CT image: stored = HU - `INTERCEPT`, unsigned 16 bit."""
    dataset = _file(path, CT_IMAGE, f"{ROOT}2.{k + 1}", ExplicitVRLittleEndian)
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    dataset.InstanceNumber = k + 1
    dataset.AcquisitionNumber = 1
    dataset.ImagePositionPatient = at(k)
    dataset.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    dataset.PixelSpacing = [SPACING[1], SPACING[0]]
    dataset.SliceThickness = SPACING[2]
    dataset.RescaleIntercept, dataset.RescaleSlope = INTERCEPT, 1
    dataset.RescaleType = "HU"
    put_pixels(dataset, (hu - INTERCEPT).astype(np.uint16))
    return dataset


def write_slices(
    folder: Path,
    edit: Edit | None = None,
    numbers: Iterable[int] = range(SLICES),
    prefix: str = "",
    hu: np.ndarray | None = None,
) -> Path:
    """Write slices to a folder, each changed by `edit(k, dataset)`; return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    hu = body_hu() if hu is None else hu
    for k in numbers:
        path = folder / f"{prefix}{k:02d}.dcm"
        dataset = slice_of(k, hu[k], path)
        if prefix:
            dataset.SOPInstanceUID += f".{sum(prefix.encode())}"
        if edit is not None:
            edit(k, dataset)
        dataset.save_as(path)
    return folder


def write_enhanced(
    path: Path,
    positions: list[list[float]],
    hu: np.ndarray,
    edit: Callable[[Dataset], None] | None = None,
    edit_frame: Edit | None = None,
    rescale: bool = True,
) -> Path:
    """Write an Enhanced CT file; `edit_frame(n, item)` changes a frame's functional groups."""
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset = _file(path, ENHANCED_CT, f"{ROOT}3.{sum(path.name.encode())}",
                    ExplicitVRLittleEndian)  # fmt: skip
    dataset.NumberOfFrames = len(positions)
    shared = Dataset()
    shared.PlaneOrientationSequence = item(ImageOrientationPatient=[1, 0, 0, 0, 1, 0])
    shared.PixelMeasuresSequence = item(
        PixelSpacing=[SPACING[1], SPACING[0]], SliceThickness=SPACING[2]
    )
    if rescale:
        shared.PixelValueTransformationSequence = item(
            RescaleIntercept=INTERCEPT, RescaleSlope=1, RescaleType="HU"
        )
    dataset.SharedFunctionalGroupsSequence = Sequence([shared])
    frames = []
    for n, position in enumerate(positions):
        own = Dataset()
        own.PlanePositionSequence = item(ImagePositionPatient=position)
        if edit_frame is not None:
            edit_frame(n, own)
        frames.append(own)
    dataset.PerFrameFunctionalGroupsSequence = Sequence(frames)
    put_pixels(dataset, (hu - INTERCEPT).astype(np.uint16))
    if edit is not None:
        edit(dataset)
    dataset.save_as(path)
    return path


def item(**values) -> Sequence:
    """Return a sequence of one item with these values."""
    dataset = Dataset()
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    return Sequence([dataset])
