"""Data sets for a training: found in folders, cached as slices, split by patient, twins found."""
