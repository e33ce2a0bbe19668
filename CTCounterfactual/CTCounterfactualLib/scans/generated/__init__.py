"""The generated chest: a plausible synthetic chest CT, made as code."""

from .chest import generate_chest
from .chest_settings import ChestSettings, GeneratedChest

__all__ = ["ChestSettings", "GeneratedChest", "generate_chest"]
