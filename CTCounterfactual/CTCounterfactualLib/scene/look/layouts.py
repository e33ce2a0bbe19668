"""Layouts to compare by: scan, counterfactual and change side by side, alone or over more."""

from __future__ import annotations

from xml.etree import ElementTree

# Slicer's own layouts end at 100; others of a user's extensions are as likely round numbers.
COMPARE = 7213
COMPARE_MORE = 7214
# Scan and so many results: number of the layout for two, three ... of them.
_COMPARE_RESULTS = 7220
MOST_RESULTS = 8
COLUMNS = 3
# Names of the views, and of their slice nodes. Own ones, so that the user's Red, Green and Yellow
# views are as they were when the layout is left.
SCAN_VIEW = "CTCounterfactualScan"
COUNTERFACTUAL_VIEW = "CTCounterfactualResult"
CHANGE_VIEW = "CTCounterfactualChange"
SLICE_VIEWS = (SCAN_VIEW, COUNTERFACTUAL_VIEW, CHANGE_VIEW)
# One result each, beside the scan's view.
RESULT_VIEWS = tuple(f"CTCounterfactualMethod{number}" for number in range(1, MOST_RESULTS + 1))
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
RESULT_COLOR = "#F34A33"
# Relative heights of the slice views and of what is below them.
_SPLIT = (500, 400)


def register_layouts(layout_node) -> None:
    """Make the layouts known, so that they can be chosen and scenes saved in them open again."""
    known = {COMPARE: _slices(), COMPARE_MORE: _slices_over_more()}
    known |= {compare_results(count): _results(count) for count in range(1, MOST_RESULTS + 1)}
    for number, description in known.items():
        text = ElementTree.tostring(description, encoding="unicode")
        if not layout_node.AddLayoutDescription(number, text):
            layout_node.SetLayoutDescription(number, text)  # known from before a reload


def compare_results(count: int) -> int:
    """Return the number of the layout of the scan and so many results, 1 to `MOST_RESULTS`."""
    return _COMPARE_RESULTS + count


def is_comparison(number: int) -> bool:
    """Tell whether a layout is one of those here."""
    return number in (COMPARE, COMPARE_MORE) or 1 <= number - _COMPARE_RESULTS <= MOST_RESULTS


def _slices() -> ElementTree.Element:
    row = ElementTree.Element("layout", type="horizontal")
    for name, (label, color) in _SLICE_LOOKS.items():
        _add_slice(row, name, label, color)
    return row


def _results(count: int) -> ElementTree.Element:
    """Return the scan and so many results, in rows of `COLUMNS`."""
    looks = [(SCAN_VIEW, *_SLICE_LOOKS[SCAN_VIEW])]
    looks += [(name, str(n), RESULT_COLOR) for n, name in enumerate(RESULT_VIEWS[:count], start=1)]
    rows = ElementTree.Element("layout", type="vertical")
    for first in range(0, len(looks), COLUMNS):
        item = ElementTree.SubElement(rows, "item")
        row = ElementTree.SubElement(item, "layout", type="horizontal")
        for look in looks[first : first + COLUMNS]:
            _add_slice(row, *look)
    return rows


def _add_slice(row: ElementTree.Element, name: str, label: str, color: str) -> None:
    view = _add_view(row, "vtkMRMLSliceNode", name, label)
    _add_property(view, "orientation", "Axial")
    _add_property(view, "viewcolor", color)
    _add_property(view, "viewgroup", str(VIEW_GROUP))


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
