"""Attributes of nodes: a number is read as one; what is none is named."""

import pytest

from CTCounterfactualLib.scene.make.provenance import get_number, set_attributes
from CTCounterfactualLib.scene.mrml import slicer


@pytest.fixture
def node():
    made = slicer.vtkMRMLScalarVolumeNode()
    made.SetName("chest")
    return made


def test_a_number_comes_back(node):
    set_attributes(node, slabLow=-12.5)
    assert get_number(node, "slabLow") == -12.5


@pytest.mark.parametrize("stored", [{}, {"slabLow": "low"}])
def test_no_number_is_named_with_its_node(node, stored):
    set_attributes(node, **stored)
    with pytest.raises(LookupError, match=r"'chest' has no number .*slabLow"):
        get_number(node, "slabLow")
