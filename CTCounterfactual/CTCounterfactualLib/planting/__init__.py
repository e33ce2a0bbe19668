"""Planting: findings painted into real scans, so that the unplanted scan is the true answer."""

from .expiration import Expired, expire
from .hemithorax import Chest, Hemithorax, ready_chest
from .plant import FINDINGS, Planted, plant

__all__ = [
    "FINDINGS",
    "Chest",
    "Expired",
    "Hemithorax",
    "Planted",
    "expire",
    "plant",
    "ready_chest",
]
