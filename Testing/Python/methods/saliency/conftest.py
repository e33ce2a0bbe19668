"""Put this folder's `networks` on the path; Captum is an extra."""

import sys
from pathlib import Path

import pytest

pytest.importorskip("captum")
sys.path.insert(0, str(Path(__file__).parent))
