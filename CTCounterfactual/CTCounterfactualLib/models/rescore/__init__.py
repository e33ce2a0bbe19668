"""Faster ways to score a volume again when only some of its slices changed."""
