"""Training slices of a scan: which there are, how thick, and how stacks are weighed."""

from __future__ import annotations

import numpy as np
import pytest

from CTCounterfactualLib.scans.grid import prepare
from CTCounterfactualLib.scans.scan import Scan
from CTCounterfactualLib.training import slices as slices_module
from CTCounterfactualLib.training.slices import (
    FIRST_SEED,
    build_stacks,
    describe_stacks,
    stack_from_generated,
    stack_from_scan,
)


def scan(depth: int = 24, spacing_k: float = 1.0, name: str = "scan") -> Scan:
    """Return a scan whose HU rise by 10 per mm towards the head, with no other structure."""
    k = np.arange(depth, dtype=np.float32)[:, None, None]
    hu = np.broadcast_to(-300 + 10 * spacing_k * k, (depth, 20, 24)).copy()
    return Scan.from_array(hu, (1.5, 1.5, spacing_k), name=name)


def of(*scans: Scan) -> list:
    return [stack_from_scan(source) for source in scans]


def test_thin_slices_give_three_shifted_stacks():
    # 24 mm: 8 prepared slices of 3 mm, at 3 phases of 1 mm; shifted ones lose their first
    stack = stack_from_scan(scan())
    assert stack.slices.shape == (8 + 7 + 7, 20, 24)
    assert stack.slices.dtype == np.float16


def test_phases_lie_a_millimetre_apart():
    stack = stack_from_scan(scan()).slices.astype(float)
    phases = stack[:8], stack[8:15], stack[15:]
    middle = 2000 * np.array([phases[0][4].mean(), phases[1][3].mean(), phases[2][3].mean()])
    # The scan was shifted up, so the same prepared slice shows what lies 1 mm lower: 10 HU less.
    # float16 resolves 1 HU.
    assert np.diff(middle) == pytest.approx([-10, -10], abs=2)


@pytest.mark.parametrize(("spacing_k", "phases"), [(3.0, 1), (5.0, 1), (1.5, 2)])
def test_thick_slices_are_not_taken_twice(spacing_k, phases):
    source = scan(12, spacing_k)
    stack = stack_from_scan(source)
    prepared = prepare(source).slices
    assert len(stack.slices) == phases * prepared - (phases - 1)


def test_first_phase_is_the_prepared_scan():
    source = scan()
    expected = prepare(source).volume.astype(np.float16)
    np.testing.assert_array_equal(stack_from_scan(source).slices[: len(expected)], expected)


def test_real_scans_weigh_by_the_root_of_their_slices():
    stacks = build_stacks(of(scan(3, 3.0, "a"), scan(12, 3.0, "b")), 0, 0.5)
    assert [s.name for s in stacks] == ["a", "b"]
    # 3 and 12 slices: roots 1 : 2; without generated chests their share stays 1
    assert [s.weight for s in stacks] == pytest.approx([1 / 3, 2 / 3])


def test_generated_chests_take_their_share(monkeypatch):
    monkeypatch.setattr(
        slices_module,
        "stack_from_generated",
        lambda seed, weight: slices_module.SliceStack(f"generated-{seed}", np.zeros(1), weight),
    )
    stacks = build_stacks(of(scan(3, 3.0)), 4, 0.6)
    seeds = range(FIRST_SEED, FIRST_SEED + 4)
    assert [s.name for s in stacks[1:]] == [f"generated-{seed}" for seed in seeds]
    assert [s.weight for s in stacks] == pytest.approx([0.4, 0.15, 0.15, 0.15, 0.15])
    # Without a real scan they are all there is.
    assert [s.weight for s in build_stacks([], 2, 0.6)] == pytest.approx([0.5, 0.5])


def test_slices_with_findings_take_their_share_of_the_rest(monkeypatch):
    monkeypatch.setattr(
        slices_module,
        "stack_from_generated",
        lambda seed, weight: slices_module.SliceStack("g", np.zeros(1), weight, "generated"),
    )
    planted = of(scan(12, 3.0, "p"), scan(27, 3.0, "q"))
    stacks = build_stacks(of(scan(3, 3.0, "a")), 2, 0.5, planted, 0.4)
    assert [s.name for s in stacks] == ["a", "p", "q", "g", "g"]
    # half is generated; of the other half two fifths, by roots of 12 and 27 slices, 2 : 3
    assert [s.weight for s in stacks] == pytest.approx([0.3, 0.08, 0.12, 0.25, 0.25])
    assert describe_stacks(stacks)[-1] == "generated: 2 slices"
    # None found: their share goes to the scans.
    assert build_stacks(of(scan(3, 3.0)), 0, 0.5, [], 0.4)[0].weight == pytest.approx(1.0)


def test_a_generated_stack_is_a_chest(monkeypatch):
    monkeypatch.setattr(slices_module, "PIXEL_MM", 5.0)  # coarse: the generator has its own tests
    monkeypatch.setattr(slices_module, "GENERATED_SLICE_MM", 12.0)
    stack = stack_from_generated(5)
    assert stack.name == "generated-5"
    assert stack.slices.dtype == np.float16
    assert 0 <= stack.slices.min() <= stack.slices.max() <= 1
    hu = stack.slices.astype(np.float32) * 2000 - 1000
    assert 0.05 < np.mean((hu > -950) & (hu < -700)) < 0.5  # lung
    assert np.mean((hu > 0) & (hu < 100)) > 0.05  # soft tissue
    # Rows grow to Anterior: the spine, the densest part of the midline, lies in the first half.
    bone = (hu > 200)[:, :, hu.shape[2] // 2 - 4 : hu.shape[2] // 2 + 4].sum(axis=(0, 2))
    half = len(bone) // 2
    assert bone[:half].sum() > bone[half:].sum()
