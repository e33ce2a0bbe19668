"""Put the oracles' problems and this folder's `stacks` on the path."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "Oracles"))
sys.path.insert(0, str(Path(__file__).parent))
