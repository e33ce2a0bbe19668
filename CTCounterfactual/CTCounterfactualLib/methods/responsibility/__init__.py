"""Responsibility maps: which parts of a scan, kept alone, keep the classifier's answer."""
