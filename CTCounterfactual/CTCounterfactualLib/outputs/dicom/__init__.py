"""A result as DICOM: derived CT, segmentations, parametric map, measurement report."""
