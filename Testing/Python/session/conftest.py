"""Users' small models are those of the counterfactual's tests."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "counterfactual"))
