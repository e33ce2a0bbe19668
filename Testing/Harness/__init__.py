"""Enough of Slicer's application around slicer-core and PySide6 to run the module's real panel.

Qt, the scene, the .ui file, the worker process and the module are the real ones. What stands in is
listed here: PythonQt's manners (`pythonqt`), a few ctk and qMRML widgets (`widgets`), the parameter
node's wrapper (`parameters`) and the application object (`application`). A stand-in has only
members that Slicer's own class has: `test_api_names` compares them with Slicer's.
"""
