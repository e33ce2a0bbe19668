"""Scenes without Slicer: made, laid out and written as a bundle (.mrb)."""
