"""Put the oracles' problems and the writer of DICOM series on the path."""

import sys
from pathlib import Path

TESTING = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TESTING / "Oracles"), str(TESTING)]
