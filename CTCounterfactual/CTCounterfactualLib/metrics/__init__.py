"""Measures of what models draw and find, on scans whose truth is known."""
