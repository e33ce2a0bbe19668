"""The embedded spoiled classifier is caught on a chest that it never saw; the honest one passes."""

import pytest

from CTCounterfactualLib.stress.run import stress
from CTCounterfactualLib.stress.stress_settings import StressSettings

ELECTRODES = StressSettings(("electrode",), draws=2, seed=1)


@pytest.mark.parametrize(("name", "caught"), [("spoiled-demo", True), ("effusion-demo", False)])
def test_the_electrode_tells_them_apart(chest_scan, name, caught):
    report = stress(chest_scan, name, "pleural effusion logit", ELECTRODES)
    (verdict,) = report.verdicts
    assert (verdict.level == "fail") == caught
    assert (verdict.flips > 0) == caught
    assert (verdict.worst > 2) == caught
