"""The codebook: nearest codes worked out by hand, and its invariants."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from CTCounterfactualLib.models.vqgan.quantizer import VectorQuantizer


def quantizer(codes, **options) -> VectorQuantizer:
    codes = torch.tensor(codes, dtype=torch.float64)
    groups = options.get("groups", 1)
    built = VectorQuantizer(len(codes), codes.shape[1] * groups, **options).double()
    built.embedding.weight.data.copy_(codes)
    return built.requires_grad_(False)


def column(*vector) -> torch.Tensor:
    """Return one latent position (1, E, 1, 1)."""
    return torch.tensor(vector, dtype=torch.float64).view(1, -1, 1, 1)


def test_nearest_code_by_distance():
    # distances^2 from (0.9, 0.2): 0.85, 0.05, 1.45 -> code 1
    built = quantizer([[0, 0], [1, 0], [0, 1]])
    assert built.indices(column(0.9, 0.2)).item() == 1
    assert built.nearest(column(0.9, 0.2)).flatten().tolist() == [1.0, 0.0]


def test_cosine_ignores_length():
    # (4, 3) is nearer to (5, 0) by distance, nearer to (0.6, 0.8) by direction (24/25 > 4/5)
    codes = [[5, 0], [0.6, 0.8]]
    assert quantizer(codes).indices(column(4, 3)).item() == 0
    cosine = quantizer(codes, cosine=True)
    assert cosine.indices(column(4, 3)).item() == 1
    assert cosine.indices(column(0.004, 0.003)).item() == 1
    torch.testing.assert_close(cosine.nearest(column(4, 3)), column(0.6, 0.8))
    torch.testing.assert_close(cosine.project(column(4, 3)), column(0.8, 0.6))


def test_each_group_takes_its_own_code():
    built = quantizer([[0, 0], [1, 1]], groups=2)
    z = column(0.9, 0.8, 0.1, 0.3)  # groups (0.9, 0.8) and (0.1, 0.3)
    assert built.indices(z).flatten().tolist() == [1, 0]
    assert built.nearest(z).flatten().tolist() == [1, 1, 0, 0]


def test_groups_are_scaled_one_by_one():
    built = quantizer([[1, 0], [0, 1]], groups=2, cosine=True)
    projected = built.project(column(3, 4, 0, 2)).flatten()
    torch.testing.assert_close(projected, torch.tensor([0.6, 0.8, 0, 1], dtype=torch.float64))


def test_vectors_are_the_groups_in_order_of_indices():
    built = quantizer([[0.0, 0.0], [1.0, 2.0], [3.0, 4.0]], groups=2)
    indices = torch.tensor([0, 1, 2, 2, 1, 0, 1, 1, 2, 0, 0, 2]).view(1, 2, 2, 3)
    rows = built.vectors(built.lookup(indices))
    torch.testing.assert_close(rows, built.codes()[indices.flatten()])


shapes = st.tuples(
    st.integers(1, 3), st.sampled_from([1, 2, 4]), st.integers(1, 4), st.integers(1, 4)
)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(shape=shapes, cosine=st.booleans(), seed=st.integers(0, 2**31))
def test_nearest_is_nearest_among_all_codes(shape, cosine, seed):
    n, groups, height, width = shape
    generator = torch.Generator().manual_seed(seed)
    codes = torch.randn(6, 3, generator=generator)
    built = quantizer(codes.tolist(), groups=groups, cosine=cosine)
    z = torch.randn(n, 3 * groups, height, width, generator=generator).double()

    indices = built.indices(z)
    assert indices.shape == (n, groups, height, width)
    rows = built.vectors(built.project(z))
    distances = torch.cdist(rows, built.codes(), compute_mode="donot_use_mm_for_euclid_dist")
    chosen = distances.gather(1, indices.flatten()[:, None])[:, 0]
    assert torch.all(chosen <= distances.min(1).values + 1e-12)

    nearest = built.nearest(z)
    assert nearest.shape == z.shape
    torch.testing.assert_close(built.nearest(nearest), nearest)  # a code is its own nearest
