"""Searches over lambda: functions of an `evaluate(lam)` that know nothing of images or models."""
