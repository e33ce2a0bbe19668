"""The codebook of the slice VQ-GAN: each latent vector becomes the nearest of n_embed codes."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F


class VectorQuantizer(nn.Module):
    """Codebook `embedding.weight` (n_embed, embed_dim / groups); nearest by distance or by cosine.

    Source: van den Oord et al., "Neural Discrete Representation Learning", 2017. Two variants, both
    off in published checkpoints:

    * `cosine` (Yu et al., "Vector-quantized Image Modeling with Improved VQGAN", 2022): latents and
      codes are scaled to unit length before they are compared, which keeps the codebook in use.
    * `groups` (product quantisation, Jegou et al., 2011): a latent is cut into groups of channels
      and each takes a code of its own from the one codebook, so that a coarse latent can still say
      much about its patch.
    """

    def __init__(self, n_embed: int, embed_dim: int, cosine: bool = False, groups: int = 1):
        super().__init__()
        self.cosine = cosine
        self.groups = groups
        self.embedding = nn.Embedding(n_embed, embed_dim // groups)
        if cosine:
            nn.init.normal_(self.embedding.weight)
        else:
            nn.init.uniform_(self.embedding.weight, -1.0 / n_embed, 1.0 / n_embed)

    def codes(self) -> torch.Tensor:
        """Return the codes that latents may take: (n_embed, embed_dim / groups)."""
        weight = self.embedding.weight
        return F.normalize(weight, dim=1) if self.cosine else weight

    def project(self, z: torch.Tensor) -> torch.Tensor:
        """Scale each group of a latent to unit length if codes are compared by cosine."""
        if not self.cosine:
            return z
        grouped = z.unflatten(1, (self.groups, -1))  # (N, E, H, W) -> (N, G, E/G, H, W)
        return F.normalize(grouped, dim=2).flatten(1, 2)  # -> (N, E, H, W)

    def indices(self, z: torch.Tensor) -> torch.Tensor:
        """Return the index of the nearest code of each group: (N, E, H, W) -> (N, G, H, W)."""
        n, _, height, width = z.shape
        flat = self.vectors(self.project(z))
        codes = self.codes()
        # |z - c|^2 = |z|^2 - 2 z.c + |c|^2, and |z|^2 is the same for every code
        distance = codes.square().sum(1) - 2 * flat @ codes.T  # (N*G*H*W, n_embed)
        return distance.argmin(1).view(n, self.groups, height, width)

    def lookup(self, indices: torch.Tensor) -> torch.Tensor:
        """Return latents from code indices: (N, G, H, W) -> (N, E, H, W)."""
        codes = self.codes()[indices]  # (N, G, H, W, E/G)
        return codes.permute(0, 1, 4, 2, 3).flatten(1, 2)  # -> (N, G, E/G, H, W) -> (N, E, H, W)

    def nearest(self, z: torch.Tensor) -> torch.Tensor:
        """Replace each latent by its nearest code(s); shape (N, E, H, W) is kept."""
        return self.lookup(self.indices(z))

    def vectors(self, z: torch.Tensor) -> torch.Tensor:
        """Return all group vectors of latents as rows: (N, E, H, W) -> (N*G*H*W, E/G)."""
        grouped = z.unflatten(1, (self.groups, -1))  # (N, E, H, W) -> (N, G, E/G, H, W)
        return grouped.movedim(2, -1).flatten(0, 3)  # -> (N, G, H, W, E/G) -> (N*G*H*W, E/G)
