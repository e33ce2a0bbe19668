"""The parts of the findings' network: which tells of what, and how it lies on the grid."""

from __future__ import annotations

import pytest
import torch

from CTCounterfactualLib.models.classifiers.findings_network import (
    CUBE_MM,
    FINDINGS,
    NAMES,
    POOLING,
    FindingsConfig,
    FindingsNet,
    part_of,
    pool,
    spread,
)
from CTCounterfactualLib.scans.grid import GridSpec


def test_pooling_counts_what_is_there():
    x = torch.arange(3.0).reshape(1, 1, 3, 1, 1).expand(1, 1, 3, 4, 6)
    pooled = pool(x, (2, 4, 4))
    # slices 0 and 1 -> 0.5; slice 2 alone -> 2, as do the two columns that stick out
    assert pooled[0, 0].tolist() == [[[0.5, 0.5]], [[2.0, 2.0]]]


def test_each_finding_has_one_part_that_tells_of_it():
    told = [name for names in NAMES.values() for name in names]
    assert sorted(told) == sorted(("lung", *FINDINGS))
    assert part_of("nodule") == "fine"
    assert part_of("lung") == "coarse"


@pytest.mark.parametrize("part", ["coarse", "fine"])
def test_cubes_are_cubes(part):
    i, j, k = GridSpec().spacing
    mm = [n * s for n, s in zip(POOLING[part], (k, j, i), strict=True)]
    assert mm == [CUBE_MM[part]] * 3


@pytest.mark.parametrize("part", ["coarse", "fine"])
def test_a_gate_lies_where_its_logit_does(part):
    """One cube of many is certain: on the prepared grid it is that block, and nothing far off."""
    torch.manual_seed(0)
    net = FindingsNet(FindingsConfig(width=2, fine_width=2)).eval()
    name, factors = NAMES[part][-1], POOLING[part]
    with torch.no_grad():
        logits = torch.full_like(net(torch.rand(1, 1, 12, 24, 32), part), -20.0)
    logits[0, NAMES[part].index(name), 3, 4, 5] = 20.0
    gate = spread(logits, name)
    assert gate.shape == (1, 12, 24, 32)
    assert float(gate.sum()) == pytest.approx(factors[0] * factors[1] * factors[2], rel=0.01)
    centre = [(n + 0.5) * f - 0.5 for n, f in zip((3, 4, 5), factors, strict=True)]
    for axis, at in enumerate(centre):
        profile = gate[0].sum([a for a in range(3) if a != axis])
        middle = float((profile * torch.arange(len(profile))).sum() / profile.sum())
        assert middle == pytest.approx(at, abs=0.01)
