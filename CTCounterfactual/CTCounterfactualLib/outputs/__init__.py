"""Outputs: the result folder with volumes, tables, figure, record and (by `scene`) the scene."""
