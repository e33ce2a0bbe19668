"""Legends as Slicer's own manager shows them: when, in which order, and gone with their layer."""

import pytest

from CTCounterfactualLib.scene.look.stage import Look, stage
from CTCounterfactualLib.scene.make.build import build_nodes
from CTCounterfactualLib.scene.make.earlier import find_sets, remove_set
from CTCounterfactualLib.scene.make.legends import FONT_SIZE, legend_of
from CTCounterfactualLib.scene.make.maps import build_map
from CTCounterfactualLib.scene.mrml import slicer, vtk
from map_factory import make_map

SIZE = 200
MANAGER = "vtkMRMLColorLegendDisplayableManager"
STANDARD = slicer.vtkMRMLLayoutNode.SlicerLayoutOneUpRedSliceView


class View:
    """The Red slice view with its legend manager, as Slicer's window has it."""

    def __init__(self, headless):
        layout = headless.add_layouts()
        layout.SetViewArrangement(STANDARD)
        node = headless.scene.GetSingletonNode("Red", "vtkMRMLSliceNode")
        self.composite = headless.add_slice_logic(node, SIZE).GetSliceCompositeNode()
        renderer, self._window = vtk.vtkRenderer(), vtk.vtkRenderWindow()
        self._window.SetOffScreenRendering(True)
        self._window.AddRenderer(renderer)
        self._interactor = vtk.vtkGenericRenderWindowInteractor()
        self._interactor.SetRenderWindow(self._window)
        self._factory = slicer.vtkMRMLSliceViewDisplayableManagerFactory.GetInstance()
        self._factory.SetMRMLApplicationLogic(headless.application)
        if not self._factory.IsDisplayableManagerRegistered(MANAGER):
            self._factory.RegisterDisplayableManager(MANAGER)
        self._group = slicer.vtkMRMLDisplayableManagerGroup()
        self._group.SetRenderer(renderer)
        self._group.Initialize(self._factory, renderer)
        self._group.SetMRMLDisplayableNode(node)
        self._manager = self._group.GetDisplayableManagerByClassName(MANAGER)

    def close(self) -> None:
        """Let go of the scene; the factory outlives it."""
        self._group.SetMRMLDisplayableNode(None)
        self._factory.SetMRMLApplicationLogic(None)
        self._manager = self._group = None

    def shown(self, *nodes) -> list[bool]:
        """Whether the legend of each volume is in the view."""
        actors = [self._manager.GetColorLegendActor(legend_of(node)) for node in nodes]
        return [actor is not None and bool(actor.GetVisibility()) for actor in actors]

    def names(self, node) -> list[str]:
        """The names beside a legend's colours, from below."""
        table = self._manager.GetColorLegendActor(legend_of(node)).GetLookupTable()
        return [table.GetAnnotation(n) for n in range(table.GetNumberOfAnnotatedValues())]


@pytest.fixture
def view(headless):
    made = View(headless)
    yield made
    made.close()


@pytest.fixture
def said(view):
    """What VTK complains of from now on; making a window without a screen is told before."""
    before, window = vtk.vtkOutputWindow.GetInstance(), vtk.vtkStringOutputWindow()
    vtk.vtkOutputWindow.SetInstance(window)
    yield lambda: window.GetOutput() or ""
    vtk.vtkOutputWindow.SetInstance(before)


def test_a_legend_comes_and_goes_with_its_layer(headless, view, nodes, said):
    def look(heatmap):
        stage(headless.scene, headless.application, Look(nodes.scan, nodes, heatmap))

    view.composite.SetBackgroundVolumeID(nodes.scan.GetID())
    assert view.shown(nodes.heatmap) == [False]
    look(nodes.heatmap)
    assert view.shown(nodes.heatmap) == [True]
    chunk = nodes.chunk_heatmaps[0]
    assert legend_of(chunk) is None
    look(chunk)  # one of a dozen: it has its legend when it is seen
    assert view.shown(nodes.heatmap, chunk) == [False, True]
    look(None)
    assert view.shown(nodes.heatmap, chunk) == [False, False]
    assert said() == ""


def test_levels_stand_from_the_most_rise_down_to_the_most_fall(headless, view, nodes):
    stage(headless.scene, headless.application, Look(nodes.scan, nodes, nodes.heatmap))
    assert view.names(nodes.heatmap)[::-1] == [
        *("above +200", "+100 to +200", "+50 to +100", "+25 to +50", "+10 to +25", "none"),
        *("-10 to -25", "-25 to -50", "-50 to -100", "-100 to -200", "below -200"),
    ]
    # The view itself draws by the labels' own colours, which are the same.
    table = nodes.heatmap.GetDisplayNode().GetColorNode()
    assert table.GetColorName(0) == "no change"
    ordered, colors = nodes.colors[2], ([0.0] * 4, [0.0] * 4)
    for label, place in ((1, 4), (5, 0), (6, 6), (10, 10)):
        table.GetColor(label, colors[0])
        ordered.GetColor(place, colors[1])
        assert colors[0][:3] == colors[1][:3]


def test_letters_are_large_enough_to_be_read(nodes):
    for node in (nodes.heatmap, nodes.change):
        legend = legend_of(node)
        assert legend.GetLabelTextProperty().GetFontSize() == FONT_SIZE >= 12
        assert legend.GetTitleText() == "Change (HU)"
    assert legend_of(nodes.heatmap).GetSize()[0] > 2 * 0.15  # Slicer's own width is for numbers
    assert legend_of(nodes.heatmap).GetUseColorNamesForLabels()
    assert not legend_of(nodes.change).GetUseColorNamesForLabels()


def test_a_map_s_legend_names_shares_of_both_signs_in_order(headless, view, nodes):
    made = build_map(headless.scene, make_map(), nodes.scan)
    stage(headless.scene, headless.application, Look(made.scan, made, made.heatmap))
    names = view.names(made.heatmap)[::-1]
    assert (names[0], names[5], names[-1]) == ("for > 90%", "none", "against > 90%")


def test_replacing_a_result_that_is_seen_is_no_error_of_vtk_s(
    headless, view, nodes, explanation, said
):
    """Colours that go before the legend drawn with them made two errors at every run."""
    scene = headless.scene
    view.composite.SetBackgroundVolumeID(nodes.scan.GetID())
    for heatmap in (nodes.chunk_heatmaps[0], nodes.heatmap):
        stage(scene, headless.application, Look(nodes.scan, nodes, heatmap))
    view.composite.SetForegroundVolumeID(nodes.change.GetID())
    before = scene.GetNumberOfNodes()
    again = build_nodes(scene, explanation, nodes.scan)
    remove_set(scene, find_sets(scene, nodes.scan)[0])
    stage(scene, headless.application, Look(again.scan, again, again.heatmap))
    assert view.shown(again.heatmap) == [True]
    assert said() == ""
    assert scene.GetNumberOfNodes() == before - 2  # the chunk's legend and its display
