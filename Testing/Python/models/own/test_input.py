"""The network's input: orientation, intensity, depth and padding, voxel by voxel."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from CTCounterfactualLib.errors import ModelError
from CTCounterfactualLib.models.own.input import InputSpec


def numbered() -> torch.Tensor:
    """A volume (1, 1, 2, 3, 4) whose voxel (k, j, i) is 100 k + 10 j + i."""
    k, j, i = torch.meshgrid(*[torch.arange(n) for n in (2, 3, 4)], indexing="ij")
    return (100.0 * k + 10 * j + i)[None, None]


def test_default_changes_nothing():
    assert torch.equal(InputSpec()(numbered()), numbered())


@pytest.mark.parametrize(
    ("axes", "shape", "first", "last"),
    [
        ("SAR", (2, 3, 4), 0, 123),
        ("RAS", (4, 3, 2), 0, 123),
        ("SPL", (2, 3, 4), 23, 100),  # rows and columns from the other end, slices as they are
        ("LPS", (4, 3, 2), 23, 100),
        ("IPR", (2, 3, 4), 120, 3),
        ("ARS", (3, 4, 2), 0, 123),
    ],
)
def test_axes(axes, shape, first, last):
    given_to_network = InputSpec(axes=axes)(numbered())[0, 0]
    assert given_to_network.shape == shape
    assert given_to_network[0, 0, 0] == first and given_to_network[-1, -1, -1] == last


def test_ras_is_the_transpose_voxel_by_voxel():
    assert torch.equal(InputSpec(axes="RAS")(numbered())[0, 0], numbered()[0, 0].permute(2, 1, 0))


def test_intensity_reaches_both_ends_and_channels_repeat():
    x = torch.tensor([0.0, 0.25, 1.0]).reshape(1, 1, 1, 1, 3)
    made = InputSpec(intensity=(-1000.0, 1000.0), channels=3)(x)
    assert made.shape == (1, 3, 1, 1, 3)
    for channel in range(3):
        assert made[0, channel].flatten().tolist() == [-1000.0, -500.0, 1000.0]


def test_depth_cuts_and_pads_both_ends():
    x = torch.arange(1.0, 6.0).reshape(1, 1, 5, 1, 1)
    assert InputSpec(depth=2)(x).flatten().tolist() == [2, 3]
    assert InputSpec(depth=3)(x).flatten().tolist() == [2, 3, 4]
    assert InputSpec(depth=8)(x).flatten().tolist() == [0, 1, 2, 3, 4, 5, 0, 0]


def test_padding_is_air_at_the_networks_own_range():
    x = torch.ones(1, 1, 1, 1, 1)
    made = InputSpec(divisible_by=(3, 1, 1), intensity=(-1.0, 1.0))(x)
    assert made.flatten().tolist() == [-1, 1, -1]


@given(
    st.tuples(*[st.integers(1, 7)] * 3),
    st.tuples(*[st.integers(1, 4)] * 3),
    st.sampled_from(["SAR", "RAS", "LPI", "AIL"]),
)
def test_sides_divide_nothing_is_lost_and_every_voxel_has_a_gradient(size, divisors, axes):
    x = torch.rand(2, 1, *size, requires_grad=True)
    made = InputSpec(axes=axes, divisible_by=divisors)(x)
    by_line = dict(zip("RAS", divisors, strict=True)) | dict(zip("LPI", divisors, strict=True))
    assert all(n % by_line[letter] == 0 for n, letter in zip(made.shape[2:], axes, strict=True))
    assert torch.isclose(made.sum(), x.sum())
    made.sum().backward()
    assert bool((x.grad == 1).all())


def test_other_shapes_are_refused():
    with pytest.raises(ModelError, match=r"\(N, 1, D, H, W\), got \(2, 3, 4\)"):
        InputSpec()(torch.zeros(2, 3, 4))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"axes": "RAX"}, "one of R/L, A/P and S/I each"),
        ({"axes": "RLS"}, "one of R/L, A/P and S/I each"),
        ({"intensity": [0]}, "intensity = .0., expected 2 numbers"),
        ({"depth": 0}, "depth = 0, expected a whole number of at least 1"),
        ({"depth": "all"}, "depth = 'all'"),
        ({"divisible_by": [8, 8]}, "3 whole numbers"),
        ({"chanels": 1}, "has no field 'chanels'. Did you mean 'channels'"),
    ],
)
def test_a_wrong_table_is_named(values, words):
    with pytest.raises(ModelError, match=words) as error:
        InputSpec.from_table(values, "card.toml, input")
    assert str(error.value).startswith("card.toml, input")


def test_one_divisor_counts_for_all_sides():
    assert InputSpec.from_table({"divisible_by": 16}, "").divisible_by == (16, 16, 16)
