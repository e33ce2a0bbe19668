"""Means, differences with their tests, intervals by patients, agreement: numbers only."""
