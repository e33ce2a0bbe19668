"""The digest of a scan covers its voxels, also where another file than the named one holds them."""

import hashlib

import numpy as np
import pytest

from CTCounterfactualLib.scans.formats.detached import files_of
from CTCounterfactualLib.scans.read import read_scan
from CTCounterfactualLib.storage.hashing import file_sha256, files_sha256

SLICES = 4
NRRD = (
    "NRRD0004\ntype: short\ndimension: 3\nsizes: 24 20 4\nspacings: 2 2 3\nencoding: raw\n"
    "endian: little\n"
)
META = (
    "ObjectType = Image\nNDims = 3\nBinaryData = True\nElementSpacing = 2 2 3\n"
    "DimSize = 24 20 4\nElementType = MET_SHORT\nElementDataFile = "
)
NAMES = [f"s {k:02d}.raw" for k in range(SLICES)]
LISTED = "\n".join(NAMES) + "\n"


def body_hu():
    hu = np.full((SLICES, 20, 24), -1000, "<i2")
    hu[:, 5:15, 6:18] = 40
    return hu


# Header, and the files of the voxels that it names.
FORMS = {
    "nrrd one file": ("a.nhdr", NRRD + "data file: all voxels.raw\n", ["all voxels.raw"]),
    "nrrd old name": ("a.nhdr", NRRD + "datafile: ./all.raw\n", ["all.raw"]),
    "nrrd list": ("a.nhdr", NRRD + "data file: LIST\n" + LISTED, NAMES),
    "nrrd list of slices": ("a.nhdr", NRRD + "data file: LIST 2\n" + LISTED, NAMES),
    "nrrd pattern": ("a.nhdr", NRRD + "data file: p%03d.raw 1 4 1\n",
                     [f"p{n:03d}.raw" for n in (1, 2, 3, 4)]),
    "nrrd pattern down": ("a.nhdr", NRRD + "data file: p%d.raw 9 3 -2 2\n",
                          [f"p{n}.raw" for n in (9, 7, 5, 3)]),
    "meta one file": ("a.mhd", META + "all voxels.raw\n", ["all voxels.raw"]),
    "meta list": ("a.mhd", META + "LIST\n" + LISTED, NAMES),
    "meta pattern": ("a.mhd", META + "p%03d.raw 1 4 1\n",
                     [f"p{n:03d}.raw" for n in (1, 2, 3, 4)]),
}  # fmt: skip


@pytest.fixture(params=FORMS.values(), ids=FORMS)
def form(request, tmp_path):
    """Header and files of the voxels."""
    header, text, names = request.param
    (tmp_path / header).write_bytes(text.encode())
    for name, part in zip(names, np.split(body_hu(), len(names)), strict=True):
        (tmp_path / name).write_bytes(part.tobytes())
    return tmp_path / header, [tmp_path / name for name in names]


def test_voxels_are_in_the_digest(form):
    header, voxels = form
    scan = read_scan(header)
    assert np.array_equal(scan.array, body_hu())  # so ITK reads the same files
    assert scan.sha256 == files_sha256([header, *voxels])
    data = bytearray(voxels[-1].read_bytes())
    data[-1] ^= 1
    voxels[-1].write_bytes(data)
    assert read_scan(header).sha256 != scan.sha256


@pytest.mark.parametrize("name", ["a.nrrd", "a.mha"])
def test_of_one_file_it_is_the_digest_of_its_bytes(tmp_path, name):
    text = NRRD + "\n" if name == "a.nrrd" else META + "LOCAL\n"
    data = text.encode() + body_hu().tobytes()
    (tmp_path / name).write_bytes(data)
    assert read_scan(tmp_path / name).sha256 == hashlib.sha256(data).hexdigest()


def test_a_comment_or_a_key_of_that_name_is_no_file(tmp_path):
    (tmp_path / "other.raw").write_bytes(b"no voxels")
    text = NRRD + "# data file: other.raw\ndata file:=other.raw\n\n"
    (tmp_path / "a.nrrd").write_bytes(text.encode() + body_hu().tobytes())
    path = tmp_path / "a.nrrd"
    assert files_of(path) == (path,)
    assert read_scan(path).sha256 == file_sha256(path)
