"""Scans: reading CT, the prepared grid that models see, the way back, and generated chests."""
