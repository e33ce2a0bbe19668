"""Enough of Slicer around slicer-core and PySide6 to run the module's real panel in tests.

Qt, the scene, the .ui file, the worker and the module are real. A stand-in adds to its Qt class
only members that Slicer's own class has: `test_api_names` compares them.
"""
