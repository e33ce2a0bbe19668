"""Planting: findings painted into real scans, so that the unplanted scan is the true answer."""

from .hemithorax import Chest, Hemithorax, ready_chest
from .plant import FINDINGS, Planted, plant

__all__ = ["FINDINGS", "Chest", "Hemithorax", "Planted", "plant", "ready_chest"]
