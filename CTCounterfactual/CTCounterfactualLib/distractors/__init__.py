"""Distractors: what a model should ignore, put into scans at known places."""

from .distract import DISTRACTORS, Distracted, distract
from .patient import Patient

__all__ = ["DISTRACTORS", "Distracted", "Patient", "distract"]
