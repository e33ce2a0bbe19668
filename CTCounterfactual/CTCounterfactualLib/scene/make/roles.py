"""What a node is for: the value of its attribute `CTCounterfactual.role`."""

from __future__ import annotations

SCAN = "scan"
COUNTERFACTUAL = "counterfactual"
CHANGE = "change"
HEATMAP = "heatmap"
CHUNK_HEATMAP = "chunkHeatmap"
SCORES = "scores"
WHOLE_SEARCH = "wholeSearch"
CHUNKS = "chunks"
PATH = "path"
PATH_CHART = "pathChart"
EVIDENCE_CHART = "evidenceChart"
SERIES = "series"
HEATMAP_COLORS = "heatmapColors"
CHANGE_COLORS = "changeColors"
REGION = "region"
REGION_COLORS = "regionColors"
SEQUENCE = "sequence"
BROWSER = "sequenceBrowser"
FRAME = "frame"
FALL_SURFACE = "fallSurface"
RISE_SURFACE = "riseSurface"
LUNG_SURFACE = "lungSurface"
# Of a method's map: its values, named sets of voxels, and what is said of them.
MAP = "map"
MAP_COLORS = "mapColors"
PART = "part"
PART_COLORS = "partColors"
PARTS = "parts"
# What the other nodes of a set refer to: an explanation has one.
MAIN_ROLES = (COUNTERFACTUAL, MAP)
