"""Reading DICOM: every header is looked at, single- and multi-frame alike, before any voxel."""
