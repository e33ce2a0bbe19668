"""The parts of `compare.py`: this engine beside the paper's own code, in one environment."""
