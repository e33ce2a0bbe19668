"""Only what the occlusion changes can be responsible, whatever box it lies in."""

import numpy as np
import SimpleITK as sitk
from scans import ELSEWHERE_HU, BlockFinder, scan_block, scan_with_block

from CTCounterfactualLib.methods.attribute import attribute
from CTCounterfactualLib.scans.scan import Scan


def test_voxels_that_look_the_same_kept_or_not_take_no_responsibility(tmp_path):
    scan = scan_with_block()
    clean = scan.array.copy()
    clean[scan_block()] = ELSEWHERE_HU
    clean[2, 2, 2] = 300  # differs too, far off: the box that is searched holds much that doesn't
    path = tmp_path / "clean.nrrd"
    sitk.WriteImage(scan.with_array(clean), str(path))
    options = {"occlusion": str(path), "iterations": 6, "least_ml": 0.01}
    found = attribute(scan, "responsibility", BlockFinder(), options=options)
    differing = Scan(scan.with_array(clean)).array != scan.array
    assert found.values[scan_block()].max() > 0
    assert not np.any(found.values[~differing])
