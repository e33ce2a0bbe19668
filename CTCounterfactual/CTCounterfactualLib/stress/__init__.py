"""Shortcut stress suite: does a classifier react to what it should ignore?"""
