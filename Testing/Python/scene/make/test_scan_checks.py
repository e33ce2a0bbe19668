"""A volume of the scene passes the checks that a file does; errors name volume and control."""

import numpy as np
import pytest

from CTCounterfactualLib.errors import ScanError, worded_for
from CTCounterfactualLib.scans.checks import ASSUMED_HU, IMPLAUSIBLE_SIZE
from CTCounterfactualLib.scene.make.inputs import scan_from_node
from CTCounterfactualLib.scene.make.volumes import add_volume
from CTCounterfactualLib.scene.mrml import slicer
from CTCounterfactualLib.wording import Place


@pytest.fixture
def chest(scene):
    """Return a function: values (K, J, I) -> a volume node, 100 mm and more along each axis."""
    return lambda values: add_volume(scene, values, np.diag([-4.0, -4, 8, 1]), "My scan")


def hu(dtype=np.int16):
    """Air around soft tissue."""
    values = np.full((16, 32, 32), -1000, dtype)
    values[2:14, 4:28, 4:28] = 40
    return values


def test_a_scan_in_hu_passes_the_checks_of_files(chest):
    assert scan_from_node(chest(hu())).warnings == ()


@pytest.mark.parametrize("dtype", [np.int8, np.uint16, np.int32, np.int64, np.uint64, np.float64])
def test_whole_hu_of_any_type_are_kept(chest, dtype):
    values = hu(np.int16)
    if dtype in (np.int8, np.uint16, np.uint64):  # can't hold -1000
        values = np.clip(values, 0, 40)
        values[0] = 7
    scan = scan_from_node(chest(values.astype(dtype)), assume_hu=True)
    np.testing.assert_array_equal(scan.array, values)


def with_nan():
    values = hu(np.float32)
    values[3, 4, 5] = np.nan
    return values


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (with_nan(), "holds 1 NaN or infinite value"),
        (np.where(hu() > 0, 1.0, np.inf), "NaN or infinite"),
        (hu() + 1024, "doesn't look like a CT scan in HU"),
        (((hu() + 1000) // 5).astype(np.uint8), "8-bit"),
        (np.zeros_like(hu()), "every voxel is 0"),
    ],
    ids=["nan", "inf", "stored", "picture", "constant"],
)
def test_values_that_are_no_hu_are_refused_naming_volume_and_control(chest, values, words):
    with pytest.raises(ScanError, match=words) as caught, worded_for(Place.PANEL):
        scan_from_node(chest(values))
    message = str(caught.value)
    assert "'My scan'" in message
    if "NaN" not in message:
        assert "Settings > Advanced > Take the values as HU in any case" in message


def test_what_the_user_insists_on_is_taken_and_noted(chest):
    scan = scan_from_node(chest(hu() + 1024), assume_hu=True)
    assert [name for name, _ in scan.warnings] == [ASSUMED_HU]
    with pytest.raises(ScanError, match="NaN"):
        scan_from_node(chest(with_nan()), assume_hu=True)


@pytest.mark.parametrize("spacing", [0.0, np.nan, np.inf])
def test_no_voxel_size_is_refused(scene, spacing):
    node = add_volume(scene, hu(), np.diag([1.0, 1, spacing, 1]), "My scan")
    with pytest.raises(ScanError, match="'My scan' has no proper geometry"):
        scan_from_node(node)


def test_a_voxel_size_in_another_unit_is_noted(scene):
    node = add_volume(scene, hu(), np.diag([0.1, 0.1, 0.3, 1]), "cm")
    assert [name for name, _ in scan_from_node(node).warnings] == [IMPLAUSIBLE_SIZE]


@pytest.mark.parametrize(
    ("kind", "code", "meaning", "refused"),
    [
        ("Quantity", "112031", "Attenuation Coefficient", False),
        ("Units", "[hnsf'U]", "Hounsfield unit", False),
        ("Units", "1", "no units", False),
        ("Quantity", "110852", "MR signal intensity", True),
        ("Units", "{SUVbw}g/ml", "Standardized Uptake Value body weight", True),
    ],
)
def test_a_volume_that_is_said_to_be_no_ct_is_refused(chest, kind, code, meaning, refused):
    node, entry = chest(hu()), slicer.vtkCodedEntry()
    entry.SetValueSchemeMeaning(code, "DCM", meaning)
    getattr(node, f"SetVoxelValue{kind}")(entry)
    assert scan_from_node(node, assume_hu=True).warnings == ()
    if not refused:
        assert scan_from_node(node).warnings == ()
        return
    with pytest.raises(ScanError, match=rf"'My scan' is said to hold '{meaning}'.*assume_hu=True"):
        scan_from_node(node)
