"""Each control that the .ui ties to a parameter suits the parameter's type, as Slicer demands.

`connectGui` raises when the module is opened if it has no connector for a pair; which pairs there
are was read in Slicer's `parameterNodeWrapper/guiConnectors.py`.
"""

import ast
from pathlib import Path
from xml.etree import ElementTree

import pytest

from CTCounterfactualLib.setting_table import SETTINGS
from CTCounterfactualSlicer.panels.parameters import parameters_of

MODULE = Path(__file__).resolve().parents[3] / "CTCounterfactual"
WIDGETS = [
    (one.get("name"), one.get("class"), parameter.findtext("string"))
    for one in ElementTree.parse(MODULE / "Resources" / "UI" / "CTCounterfactual.ui").iter("widget")
    for parameter in one.findall("property[@name='SlicerParameterName']")
]
# (widget's class, parameter's type) -> the annotation that it can't do without, if any.
CONNECTORS = {
    ("QCheckBox", "bool"): "",
    ("QSpinBox", "int"): "",
    ("QDoubleSpinBox", "float"): "",
    ("ctkSliderWidget", "float"): "WithinRange",
    ("ctkSliderWidget", "int"): "WithinRange",
    ("QComboBox", "str"): "Choice",
    ("QLineEdit", "str"): "",
    ("qMRMLNodeComboBox", "node"): "",
}


def parameters() -> dict[str, tuple[str, str]]:
    """Return type and annotations, as written, of each field of the parameter node.

    Those of settings, which aren't written there, come from the table.
    """
    tree = ast.parse((MODULE / "CTCounterfactual.py").read_text(encoding="utf-8"))
    (node,) = [
        one
        for one in tree.body
        if isinstance(one, ast.ClassDef) and one.name.endswith("ParameterNode")
    ]
    found = {}
    for field in node.body:
        if isinstance(field, ast.AnnAssign):
            kind = ast.unparse(field.annotation)
            if kind.startswith("Annotated["):
                kind, _, rules = kind[len("Annotated[") : -1].partition(", ")
            else:
                rules = ""
            found[field.target.id] = ("node" if kind.startswith("vtkMRML") else kind, rules)
    for each in parameters_of(SETTINGS.values()):
        rules = "Choice" if each.choices else "WithinRange" if each.range else ""
        found[each.name] = (each.kind.__name__, rules)
    return found


def test_parameters_and_controls_are_found():
    assert len(parameters()) > 15
    assert len(WIDGETS) > 15
    assert len({parameter for _, _, parameter in WIDGETS}) == len(WIDGETS)


@pytest.mark.parametrize(("name", "kind", "parameter"), WIDGETS, ids=str)
def test_a_control_suits_its_parameter(name, kind, parameter):
    kinds = parameters()
    assert parameter in kinds, f"{name} is tied to {parameter}, which is no parameter"
    type_name, rules = kinds[parameter]
    assert (kind, type_name) in CONNECTORS, f"Slicer can't tie a {kind} to {type_name} {parameter}"
    assert rules.startswith(CONNECTORS[kind, type_name])
