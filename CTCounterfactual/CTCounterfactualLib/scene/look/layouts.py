"""Layouts to compare by: scan, counterfactual and change side by side, alone or over more."""

from __future__ import annotations

from xml.etree import ElementTree

# Slicer's own layouts end at 100; others of a user's extensions are as likely round numbers.
COMPARE = 7213
COMPARE_MORE = 7214
# Names of the views, and of their slice nodes. Own ones, so that the user's Red, Green and Yellow
# views are as they were when the layout is left.
SCAN_VIEW = "CTCounterfactualScan"
COUNTERFACTUAL_VIEW = "CTCounterfactualResult"
CHANGE_VIEW = "CTCounterfactualChange"
SLICE_VIEWS = (SCAN_VIEW, COUNTERFACTUAL_VIEW, CHANGE_VIEW)
# Of the 3D, table and plot view: they are of different classes.
OTHER_VIEW = "CTCounterfactual"
# What stands in a view's corner, and its bar's colour.
_SLICE_LOOKS = {
    SCAN_VIEW: ("Scan", "#8C8C8C"),
    COUNTERFACTUAL_VIEW: ("CF", "#6EB04B"),
    CHANGE_VIEW: ("HU", "#F34A33"),
}
# Linked views are those of one group; 0 is that of Slicer's own views.
VIEW_GROUP = 7213
# Relative heights of the slice views and of what is below them.
_SPLIT = (500, 400)


def register_layouts(layout_node) -> None:
    """Make the layouts known, so that they can be chosen and scenes saved in them open again."""
    for number, description in ((COMPARE, _slices()), (COMPARE_MORE, _slices_over_more())):
        text = ElementTree.tostring(description, encoding="unicode")
        if not layout_node.AddLayoutDescription(number, text):
            layout_node.SetLayoutDescription(number, text)  # known from before a reload


def _slices() -> ElementTree.Element:
    row = ElementTree.Element("layout", type="horizontal")
    for name, (label, color) in _SLICE_LOOKS.items():
        view = _add_view(row, "vtkMRMLSliceNode", name, label)
        _add_property(view, "orientation", "Axial")
        _add_property(view, "viewcolor", color)
        _add_property(view, "viewgroup", str(VIEW_GROUP))
    return row


def _slices_over_more() -> ElementTree.Element:
    both = ElementTree.Element("layout", type="vertical", split="true")
    above, below = (ElementTree.SubElement(both, "item", splitSize=str(size)) for size in _SPLIT)
    above.append(_slices())
    row = ElementTree.SubElement(below, "layout", type="horizontal")
    _add_view(row, "vtkMRMLViewNode", OTHER_VIEW, "3D")
    _add_view(row, "vtkMRMLTableViewNode", OTHER_VIEW, "T")
    _add_view(row, "vtkMRMLPlotViewNode", OTHER_VIEW, "P")
    return both


def _add_view(layout: ElementTree.Element, kind: str, name: str, label: str) -> ElementTree.Element:
    item = ElementTree.SubElement(layout, "item")
    view = ElementTree.SubElement(item, "view", {"class": kind, "singletontag": name})
    _add_property(view, "viewlabel", label)
    return view


def _add_property(view: ElementTree.Element, name: str, value: str) -> None:
    ElementTree.SubElement(view, "property", name=name, action="default").text = value
