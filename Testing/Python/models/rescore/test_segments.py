"""Segments of a network: which slices a change reaches, by hand and by force; exact splices."""

from __future__ import annotations

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from CTCounterfactualLib.models.classifiers.effusion import EffusionConfig, EffusionNet
from CTCounterfactualLib.models.classifiers.inflated_resnet import InflatedResNet
from CTCounterfactualLib.models.rescore.segments import Layer, PartialForward, Segment, Window
from published_problems import WEIGHT_SEED, fill_batch_normed, uniform

CONV, HALVING = Window(3, 1, 1), Window(3, 2, 1)


@pytest.mark.parametrize(
    ("window", "inputs", "outputs"),
    [(CONV, 10, 10), (HALVING, 10, 5), (HALVING, 11, 6), (HALVING, 1, 1), (Window(2, 2), 7, 3)],
)
def test_number_of_output_slices_by_hand(window, inputs, outputs):
    assert window.size_of(inputs) == outputs


@pytest.mark.parametrize(
    ("window", "inputs", "changed", "reached"),
    [
        (CONV, 100, range(20, 30), range(19, 31)),
        (CONV, 100, range(0, 10), range(0, 11)),  # nothing below slice 0
        (CONV, 100, range(90, 100), range(89, 100)),
        # Output o sees 2o - 1, 2o, 2o + 1: slice 20 is in 10 alone, 29 in 14 and 15.
        (HALVING, 100, range(20, 30), range(10, 16)),
        (HALVING, 100, range(21, 22), range(10, 12)),
        (HALVING, 100, range(99, 100), range(49, 50)),
        (HALVING, 101, range(99, 100), range(49, 51)),
    ],
)
def test_reached_slices_by_hand(window, inputs, changed, reached):
    assert window.reached(changed, inputs) == reached


@pytest.mark.parametrize(
    ("window", "inputs", "wanted", "needed"),
    [
        (CONV, 100, range(19, 31), range(18, 32)),
        (CONV, 100, range(0, 100), range(0, 100)),
        # 2 * 10 - 1 = 19 is odd: one slice more, so that the part's outputs are the volume's.
        (HALVING, 100, range(10, 16), range(18, 32)),
        (HALVING, 100, range(0, 50), range(0, 100)),
    ],
)
def test_needed_slices_by_hand(window, inputs, wanted, needed):
    assert window.needed(wanted, inputs) == needed


def test_a_resnet_chunk_by_hand():
    """Slices 20-29 of 100: conv 19-30, pool 9-15 (of 50), three bottlenecks 6-18."""
    stem = Segment((Layer(nn.Identity(), CONV), Layer(nn.Identity(), HALVING)))
    stage = Segment((Layer(nn.Identity(), CONV),) * 3)
    assert stem.reached(range(20, 30), 100) == range(9, 16)
    assert stage.reached(range(9, 16), 50) == range(6, 19)


windows = st.builds(Window, st.integers(1, 4), st.integers(1, 3), st.integers(0, 2)).filter(
    lambda window: window.padding < window.kernel  # else an output may see padding alone
)


def conv(window: Window) -> Layer:
    """Return a random convolution along D with this window."""
    return Layer(
        nn.Conv3d(1, 1, (window.kernel, 1, 1), (window.stride, 1, 1), (window.padding, 0, 0))
        .double()
        .requires_grad_(False),
        window,
    )


def random_segment(chosen: list[Window], size: int) -> tuple[Segment, int]:
    """Return random convolutions in a row, and how many slices they make of `size`."""
    n = size
    for window in chosen:
        assume(n + 2 * window.padding >= window.kernel)
        n = window.size_of(n)
    return Segment(tuple(conv(window) for window in chosen)), n


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.lists(windows, min_size=1, max_size=3), st.integers(1, 20), st.data())
def test_reached_is_where_any_convolution_feels_a_change(chosen, size, data):
    torch.manual_seed(0)
    segment, _ = random_segment(chosen, size)
    start = data.draw(st.integers(0, size - 1))
    stop = data.draw(st.integers(start + 1, size))
    x = torch.zeros(1, 1, size, 1, 1, dtype=torch.float64)
    changed = x.clone()
    changed[:, :, start:stop] = torch.rand(stop - start, 1, 1, dtype=torch.float64) + 1
    felt = (segment(changed) - segment(x)).flatten().nonzero().flatten().tolist()
    reached = segment.reached(range(start, stop), size)
    assert set(felt) <= set(reached)
    if all(window.kernel >= window.stride for window in chosen):
        assert felt == list(reached)  # without gaps between windows nothing is counted in vain


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.lists(windows, min_size=1, max_size=3), st.integers(1, 20), st.data())
def test_a_part_equals_the_same_slices_of_the_whole(chosen, size, data):
    torch.manual_seed(1)
    segment, n = random_segment(chosen, size)
    start = data.draw(st.integers(0, n - 1))
    stop = data.draw(st.integers(start + 1, n))
    x = torch.rand(1, 1, size, 1, 1, dtype=torch.float64)
    part = segment.part(lambda r: x[:, :, r.start : r.stop], size, range(start, stop))
    torch.testing.assert_close(part, segment(x)[:, :, start:stop], rtol=1e-12, atol=1e-12)


# --- The networks -----------------------------------------------------------------------------

CHUNKS = [
    (21, 0, 4),
    (21, 9, 5),
    (21, 10, 1),
    (21, 17, 4),
    (22, 18, 4),
    (22, 7, 6),
    (22, 0, 1),
    (21, 0, 21),
    (22, 0, 22),
    (22, 21, 1),
    (1, 0, 1),
    (2, 1, 1),
    (3, 1, 1),
    (5, 2, 2),
]


@pytest.fixture(scope="module")
def resnet():
    """Random taps: those of an inflated kernel's side are zero, and would hide what they reach."""
    network = InflatedResNet((3, 3, 1, 1), 3).double().eval().requires_grad_(False)
    network.load_state_dict(fill_batch_normed(network.state_dict(), WEIGHT_SEED))
    return network


@pytest.fixture(scope="module")
def effusion():
    network = EffusionNet(EffusionConfig(width=2)).double().eval().requires_grad_(False)
    state = network.state_dict()
    keys = [key for key in state if state[key].dim()]  # the two scalars stay as they are
    filled = fill_batch_normed({key: state[key] for key in keys}, WEIGHT_SEED)
    network.load_state_dict(state | filled)
    return network


@pytest.mark.parametrize("name", ["resnet", "effusion"])
@pytest.mark.parametrize(("slices", "start", "count"), CHUNKS)
def test_recomputed_maps_equal_those_of_the_replaced_volume(request, name, slices, start, count):
    segments = request.getfixturevalue(name).early()
    x, new = uniform(1, 1, 1, slices, 8, 12), uniform(2, 1, 1, count, 8, 12)
    with torch.no_grad():
        found = PartialForward(segments, x)(new, start)
        expected = x.clone()
        expected[:, :, start : start + count] = new
        for segment in segments:
            expected = segment(expected)
    assert found.shape == expected.shape
    assert float((found - expected).abs().max()) <= 1e-12 * float(expected.abs().max())


def test_slices_that_nothing_reaches_are_the_kept_ones(resnet):
    x = uniform(3, 1, 1, 64, 8, 8)
    with torch.no_grad():
        recompute = PartialForward(resnet.early()[:2], x)  # stem and first stage
        before = recompute(x[:, :, :4], 0)
        after = recompute(torch.zeros_like(x[:, :, :4]), 0)
    # conv 0-4, pool 0-2, three bottlenecks 0-5
    assert torch.equal(before[:, :, 6:], after[:, :, 6:])
    assert (before[:, :, :6] != after[:, :, :6]).flatten(3).any(3).any(1).all()


@pytest.mark.parametrize(("start", "share"), [(0, 0.70), (40, 0.78), (90, 0.70)])
def test_a_resnet_152_saves_a_quarter_of_its_operations(start, share):
    """Chunks of 10 of 100 slices; shares of a forward, which don't depend on the planes' size."""
    with torch.device("meta"):  # shapes only
        network = InflatedResNet().eval().requires_grad_(False)
        x, new = torch.empty(1, 1, 100, 32, 32), torch.empty(1, 1, 10, 32, 32)
    with torch.no_grad():
        recompute = PartialForward(network.early(), x)
        whole = operations(lambda: network(x))
        again = operations(lambda: network.finish(recompute(new, start)))
    assert again <= share * whole


def operations(function) -> int:
    with FlopCounterMode(display=False) as counter:
        function()
    return counter.get_total_flops()
