"""Cohorts: many scans explained alike, on one machine or a cluster; their manifest and tables."""
