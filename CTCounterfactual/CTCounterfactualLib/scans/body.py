"""Where the patient is: everything inside the skin, in any field of view, without table and air.

What isn't patient is told in three steps, on a grid of about 3 mm in plane. *Solid* is the tissue
that is thick enough to be no table shell. *Holes* of the solid in a slice are inside, but for gaps
(between arm and chest) that open to the air around the patient in other slices. What is light and
*open* to the edge of the image is lung (or bowel gas) cut by the field of view if it lies between
solid walls, and mattress, blanket or air if it doesn't.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from .hounsfield import AIR_HU

# Half-way between air and tissue or fat, and darker than the foam and shell of a table.
SOLID_ABOVE_HU = -300.0
# Averaged over 3 mm, air is below, lung above; padding (-2048, -3024) is air, too.
AIR_BELOW_HU = -960.0
# The skin is half air: what is next to the body and denser than this is body.
SKIN_ABOVE_HU = -900.0
# In-plane voxel that decisions are made on: finer than any wall of the body, coarse against noise.
COARSE_MM = 3.0
# Pieces of patient beside the largest one (arms, a chest wall that the field of view cuts off) are
# larger in cross-section and thicker than the rails and plates of a table, and no lighter than fat.
LEAST_PIECE_ML = 3.0
LEAST_PIECE_MM2 = 1000.0
PIECE_ABOVE_HU = -180.0
# Holes of a slice up to this size are airways; larger ones may be gaps beside an arm.
AIRWAY_MM2 = 900.0
# In-plane coarse voxels that a thin part reaches beyond what the opening leaves of it.
THIN_VOXELS = 2
# Lung that the field of view cuts open, told from mattress, pillow and cloth (all as light). Looked
# at on four scans cut in several ways and on single slices: lung had tissue to its left or right
# nearly everywhere and hardly any air along it; few regions that aren't lung did, all small.
LUNG_BESIDE_SHARE = 0.9
LUNG_ALONG_AIR = 0.01
# Bowel gas that the field of view cuts open lies between tissue; air between breasts mostly not.
GAS_WALLED_SHARE = 0.5
# Of a share: more than nothing.
ANY = 1e-9

_IN_PLANE = ndimage.generate_binary_structure(3, 1)
_IN_PLANE[[0, 2]] = False


def find_body(hu: np.ndarray, spacing: tuple[float, float, float]) -> np.ndarray:
    """Find the patient with everything inside: lungs, gas and airways; skin included.

    Parameters
    ----------
    hu : numpy.ndarray
        (K, J, I), HU; K grows to Superior, J to Anterior, I to Right. Any field of view, from a
        single slice on.
    spacing : tuple of float
        (I, J, K) mm.

    Returns
    -------
    numpy.ndarray
        (K, J, I), bool; all False without any tissue.
    """
    factors = [max(1, round(COARSE_MM / s)) for s in (spacing[1], spacing[0])]
    coarse = _block_means(hu, factors)
    voxel_mm = (spacing[0] * factors[1], spacing[1] * factors[0], spacing[2])
    patient = _solid(coarse, voxel_mm)
    if not patient.any():
        return np.zeros(hu.shape, bool)
    body = _with_inside(coarse, patient, voxel_mm)
    return _with_skin(hu, _repeat(body, factors, hu.shape))


def _block_means(hu: np.ndarray, factors: list[int]) -> np.ndarray:
    """Average blocks of (J, I) `factors`, float32; below air counts as air."""
    clipped = np.maximum(hu, AIR_HU, dtype=np.float32)
    after = [-n % f for n, f in zip(hu.shape[1:], factors, strict=True)]
    if any(after):
        clipped = np.pad(clipped, [(0, 0), (0, after[0]), (0, after[1])], mode="edge")
    return sum(
        clipped[:, j :: factors[0], i :: factors[1]]
        for j in range(factors[0])
        for i in range(factors[1])
    ) / np.float32(factors[0] * factors[1])


def _repeat(mask: np.ndarray, factors: list[int], shape: tuple[int, ...]) -> np.ndarray:
    fine = mask.repeat(factors[0], axis=1).repeat(factors[1], axis=2)
    return fine[:, : shape[1], : shape[2]]


def _solid(hu: np.ndarray, voxel_mm: tuple[float, float, float]) -> np.ndarray:
    """Return the patient's tissue: the largest thick object, and others that no table has."""
    solid = hu > SOLID_ABOVE_HU
    labels, count = ndimage.label(_opened(solid))
    if not count:
        return np.zeros(hu.shape, bool)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    sizes[0] = 0
    kept = np.zeros(count + 1, bool)
    kept[sizes.argmax()] = True
    largest = kept[labels]
    one_sided = _between(largest, 1, np.logical_xor)
    for n, box in enumerate(ndimage.find_objects(labels), start=1):
        slices = box[0].stop - box[0].start
        least_mm3 = max(LEAST_PIECE_ML * 1e3, LEAST_PIECE_MM2 * voxel_mm[2] * slices)
        if kept[n] or sizes[n] * np.prod(voxel_mm) < least_mm3:
            continue
        piece = labels[box] == n
        thick = ndimage.binary_erosion(piece, _IN_PLANE, 2, border_value=1).any()
        beside = 2 * np.count_nonzero(one_sided[box] & piece) < sizes[n]
        kept[n] = thick and beside and np.median(hu[box][piece]) > PIECE_ABOVE_HU
    patient = kept[labels]
    # Ears, fingers, the shell of a phantom: what the opening took, but not in front or behind.
    near = ndimage.binary_dilation(patient, _IN_PLANE, THIN_VOXELS)
    rows = patient.any(axis=2, keepdims=True)
    return _reached(solid & (near | rows & ~_between(patient, 1, np.logical_xor)), patient)


def _with_inside(
    hu: np.ndarray, patient: np.ndarray, voxel_mm: tuple[float, float, float]
) -> np.ndarray:
    """Add to the patient's tissue what lies inside it: (K, J, I), bool, of the coarse grid."""
    holes, airways = _holes(patient, voxel_mm[0] * voxel_mm[1])
    beside = _between(patient, 2, np.logical_or)
    walled = _between(patient, 1, np.logical_and) | _between(patient, 2, np.logical_and)
    padding = _padding(hu)
    edge = padding | _image_edge(hu.shape)
    least = LEAST_PIECE_ML * 1e3 / float(np.prod(voxel_mm))
    air = (hu < AIR_BELOW_HU) & ~patient & ~airways
    open_air = air & ~holes
    # Gas between walls: bowel, or emphysema at the cut edge; all other open air is outside.
    gas = _parts(open_air, least, (walled, GAS_WALLED_SHARE, 1), (edge, ANY, 1))
    outside = _opened(_reached(air, open_air & ~gas))
    along_air = ndimage.binary_dilation(outside & ~padding, _IN_PLANE)
    lung = _parts(
        _opened(~air & ~patient & ~holes),
        least,
        (edge, ANY, 1),
        (along_air, 0, LUNG_ALONG_AIR),
        (walled | beside, LUNG_BESIDE_SHARE, 1),
    )
    # A gap that another slice opens is a hole of its own slice, which must not be filled again.
    return fill_slices((patient | holes | lung) & ~outside | gas | airways) & ~outside


def _image_edge(shape: tuple[int, ...]) -> np.ndarray:
    edge = np.ones(shape, bool)
    edge[:, 1:-1, 1:-1] = False
    return edge


def _padding(hu: np.ndarray) -> np.ndarray:
    """Return the padding around a field of view, air without noise, and what is next to it."""
    padding = _reached(_opened(hu <= AIR_HU), _image_edge(hu.shape))
    return ndimage.binary_dilation(padding, _IN_PLANE, THIN_VOXELS)


def _holes(patient: np.ndarray, pixel_mm2: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the holes of each slice, and those of them that are as small as an airway."""
    labels, count = ndimage.label(~patient, _IN_PLANE)  # of all slices in one pass
    sizes = np.bincount(labels.ravel(), minlength=count + 1) * pixel_mm2
    hole = np.ones(count + 1, bool)
    for edge in (labels[:, 0], labels[:, -1], labels[:, :, 0], labels[:, :, -1]):
        hole[edge] = False
    hole[0] = False  # the patient itself
    return hole[labels], (hole & (sizes <= AIRWAY_MM2))[labels]


def fill_slices(mask: np.ndarray, most_voxels: float = np.inf) -> np.ndarray:
    """Fill the holes of each slice, of at most so many voxels: what doesn't reach its edge."""
    all_holes, small = _holes(mask, AIRWAY_MM2 / most_voxels)
    return mask | (all_holes if np.isinf(most_voxels) else small)


def _between(mask: np.ndarray, axis: int, how: np.ufunc) -> np.ndarray:
    """Return what has the mask on both sides along an axis (`logical_and`), or on one (`_xor`)."""
    before = np.logical_or.accumulate(mask, axis=axis)
    after = np.flip(np.logical_or.accumulate(np.flip(mask, axis), axis=axis), axis)
    return how(before, after)


def _parts(
    mask: np.ndarray, least: float, *conditions: tuple[np.ndarray, float, float]
) -> np.ndarray:
    """Return the 3D parts of a mask of at least so many voxels that meet all conditions.

    Each is (another mask, least share, greatest share) of the part's voxels that lie in it.
    """
    labels, count = ndimage.label(mask)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    kept = sizes >= least
    kept[0] = False
    for other, low, high in conditions:
        share = np.bincount(labels[other], minlength=count + 1) / np.maximum(sizes, 1)
        kept &= (share >= low) & (share <= high)
    return kept[labels]


def _reached(mask: np.ndarray, seeds: np.ndarray) -> np.ndarray:
    """Return the 3D parts of a mask that hold a seed."""
    labels, count = ndimage.label(mask)
    kept = np.zeros(count + 1, bool)
    kept[labels[seeds]] = True
    kept[0] = False
    return kept[labels]


def _opened(mask: np.ndarray) -> np.ndarray:
    """Open each slice by a cross of three voxels; the image's edge cuts nothing off."""
    padded = np.pad(mask, [(0, 0), (1, 1), (1, 1)], mode="edge")
    eroded = ndimage.binary_erosion(padded, _IN_PLANE)
    return ndimage.binary_dilation(eroded, _IN_PLANE)[:, 1:-1, 1:-1] & mask


def _with_skin(hu: np.ndarray, body: np.ndarray) -> np.ndarray:
    """Move the border of the body to the voxels' own: a voxel further where it isn't air."""
    near = ndimage.binary_dilation(body, _IN_PLANE)
    core = ndimage.binary_erosion(body, _IN_PLANE, border_value=1)
    return core | (near & (hu > SKIN_ABOVE_HU))
