"""Image files that aren't DICOM: what ITK hides or guesses is looked up in their headers."""
