"""What a method needs is said before it runs."""

import pytest
from scans import BlockFinder, scan_with_block

from CTCounterfactualLib.errors import MissingExtraError
from CTCounterfactualLib.methods import needs
from CTCounterfactualLib.methods.attribute import attribute
from CTCounterfactualLib.methods.method import Needs


def test_needs_in_words():
    assert str(Needs()) == "needs scores only"
    assert str(Needs(captum=True)) == "needs scores only, the package captum"
    assert str(Needs(gradient=True, captum=True)) == (
        "needs the classifier's gradient, the package captum"
    )


def test_a_missing_package_is_told_with_the_extra_that_brings_it(monkeypatch):
    monkeypatch.setattr(needs, "CAPTUM", "captum_that_is_not_there")
    with pytest.raises(MissingExtraError, match=r"ct-counterfactual\[saliency\]"):
        attribute(scan_with_block(), "occlusion", BlockFinder())
