"""Every name of Slicer's API that the module, its .ui and the harness use is in a real Slicer."""

import ast
import importlib.util
import inspect
import textwrap
from pathlib import Path

import pytest

from slicer_api import SlicerApi, Source, UiFile

REPOSITORY = Path(__file__).resolve().parents[3]
FACTS = REPOSITORY.parent / "shared" / "reference" / "slicer_api.json"
MODULE = REPOSITORY / "CTCounterfactual"
HARNESS = REPOSITORY / "Testing" / "Harness"
LONGEST_HARNESS = 400  # lines, empty ones too
SCENE_SIGNAL, SCENE_SLOT = "mrmlSceneChanged(vtkMRMLScene*)", "setMRMLScene(vtkMRMLScene*)"
UI = MODULE / "Resources" / "UI" / "CTCounterfactual.ui"
SOURCES = [
    MODULE / "CTCounterfactual.py",
    *sorted((MODULE / "CTCounterfactualSlicer").rglob("*.py")),
]

pytestmark = pytest.mark.skipif(not FACTS.is_file(), reason=f"{FACTS.name} is not on this machine")


@pytest.fixture(scope="module")
def api():
    pytest.importorskip("vtk", reason="VTK's own names need slicer-core")
    return SlicerApi(FACTS)


@pytest.fixture(scope="module")
def widgets():
    return UiFile(UI).widgets


def test_the_ui_file_uses_what_slicer_has(api):
    assert UiFile(UI).unknown_names(api) == []


def test_every_selector_of_the_ui_is_given_the_scene(api):
    """The harness passes the scene on by itself; in Slicer the .ui's connections must."""
    ui = UiFile(UI)
    root = next(iter(ui.widgets))
    takers = {name for name, kind in ui.widgets.items() if SCENE_SLOT in api.slots(kind)} - {root}
    assert len(takers) >= 2
    assert takers == {
        receiver
        for sender, signal, receiver, slot in ui.connections
        if (sender, signal, slot) == (root, SCENE_SIGNAL, SCENE_SLOT)
    }


def test_sources_use_what_slicer_has(api, widgets):
    unknown = {}
    for path in SOURCES:
        found = Source(path.read_text(encoding="utf-8"), widgets).unknown_names(api)
        if found:
            unknown[path.relative_to(MODULE).as_posix()] = found
    assert unknown == {}


def test_the_walk_sees_the_names(api, widgets):
    """A walk that looks nothing up would find nothing wrong, either."""
    seen = {}
    for path in SOURCES:
        source = Source(path.read_text(encoding="utf-8"), widgets)
        source.unknown_names(api)
        seen[path.name] = source.looked_up
    assert seen["CTCounterfactual.py"] > 20
    assert sum(seen.values()) > 400


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("self.ui.applyButton.setTitle('x')", "QPushButton has no setTitle"),
        ("self.ui.nothingButton.text = 'x'", "the .ui has no nothingButton"),
        ("self.ui.applyButton.connect('clickedTwice()', f)", "has no clickedTwice()"),
        ("table = self.ui.chunkTable; table.addRow(1)", "QTableWidget has no addRow"),
        ("self._t = qt.QTimer(); self._t.connect('timeout(int)', f)", "has no timeout(int)"),
        ("qt.QNothing()", "qt has no QNothing"),
        ("qt.Qt.NoSuchRole", "qt.Qt has no NoSuchRole"),
        ("ctk.ctkSliderWidgetX()", "ctk has no ctkSliderWidgetX"),
        ("slicer.qMRMLFancyWidget()", "slicer has no qMRMLFancyWidget"),
        ("slicer.vtkMRMLFancyNode()", "slicer has no vtkMRMLFancyNode"),
        ("slicer.util.doItAll()", "slicer.util has no doItAll"),
        ("slicer.app.connect('launched()', f)", "slicer.app has no launched"),
        ("slicer.modules.nothing", "slicer.modules has no nothing"),
        ("from slicer.packaging import pip_force", "slicer.packaging has no pip_force"),
        ("from slicer import vtkMRMLFancyNode", "slicer has no vtkMRMLFancyNode"),
        ("node.GetEverything()", "any VTK class has no GetEverything"),
        (
            "for w in (self.ui.applyButton, self.ui.chunkTable): w.fancy = 1",
            "QTableWidget has no fancy",
        ),
    ],
)
def test_an_invented_name_is_found(api, widgets, line, said):
    assert any(said in one for one in Source(line, widgets).unknown_names(api))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('class="ctkSearchBox"', 'class="ctkFindBox"', "class ctkFindBox"),
        ('<property name="noneDisplay">', '<property name="noneText">', "property noneText"),
        (
            "<slot>setMRMLScene(vtkMRMLScene*)</slot>",
            "<slot>setScene(vtkMRMLScene*)</slot>",
            "slot setScene(vtkMRMLScene*)",
        ),
    ],
)
def test_an_invented_name_in_the_ui_is_found(api, tmp_path, old, new, said):
    text = UI.read_text(encoding="utf-8")
    assert old in text
    changed = tmp_path / "changed.ui"
    changed.write_text(text.replace(old, new), encoding="utf-8")
    assert any(said in one for one in UiFile(changed).unknown_names(api))


def own_names(thing) -> set[str]:
    """Return the public names that a stand-in's class defines, its bases' too."""
    classes = [one for one in thing.__mro__ if one.__module__.startswith("Harness")]
    names = {name for one in classes for name in vars(one) if not name.startswith("_")}
    return names - {"staticMetaObject"}  # PySide adds it


def set_names(thing) -> set[str]:
    """Return the public attributes that a stand-in's own methods set on itself."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(thing)))
    stored = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
    ]
    return {
        node.attr
        for node in stored
        if ast.unparse(node.value) == "self" and not node.attr.startswith("_")
    }


@pytest.fixture(scope="module")
def stand_ins():
    for package in ("PySide6", "slicer"):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"the harness needs {package}")
    from Harness import application, parameters, widgets

    return application, parameters, widgets


def test_the_harness_stays_small():
    texts = [path.read_text(encoding="utf-8") for path in HARNESS.rglob("*.py")]
    assert 0 < sum(len(text.splitlines()) for text in texts) <= LONGEST_HARNESS


def test_stand_in_widgets_have_only_what_slicers_have(api, stand_ins):
    classes = [one for name, one in vars(stand_ins[2]).items() if name.startswith(("ctk", "qMRML"))]
    assert len(classes) > 4
    for one in classes:
        assert own_names(one) | set_names(one) <= api.members(one.__name__), one.__name__


def test_stand_in_application_has_only_what_slicers_has(api, stand_ins):
    application = stand_ins[0].Application
    assert own_names(application) | set_names(application) <= api.objects["slicer.app"]


def test_stand_in_bases_have_only_what_slicers_have(api, stand_ins):
    facts = api.python["slicer.ScriptedLoadableModule"]
    classes = [one for name, one in vars(stand_ins[0]).items() if name.startswith("Scripted")]
    assert {one.__name__ for one in classes} == {name for name in facts if name[:8] == "Scripted"}
    for one in classes:
        assert own_names(one) <= set(facts[one.__name__]["methods"]), one.__name__


def test_stand_in_parameter_node_exports_only_what_slicers_does(api, stand_ins):
    ours = {
        name
        for name, one in vars(stand_ins[1]).items()
        if getattr(one, "__module__", "") == stand_ins[1].__name__ and name[0] != "_"
    }
    assert "parameterNodeWrapper" in ours
    assert ours <= set(api.python["slicer.parameterNodeWrapper"])
