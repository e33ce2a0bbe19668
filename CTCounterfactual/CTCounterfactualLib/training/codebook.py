"""The codebook while it is trained: which codes are in use, revival of the others, running means.

Codes move by the gradient of the codebook loss, or (`EMA`) as running means of the latents that
took them. Source: van den Oord et al., "Neural Discrete Representation Learning", 2017, section 3.2
and appendix A.1. Unused codes restart at random latents (Dhariwal et al., "Jukebox", 2020).
"""

from __future__ import annotations

import torch
from torch import nn

from ..models.vqgan.quantizer import VectorQuantizer
from .machine import Machine

GRADIENT, EMA = "gradient", "ema"
# Weight of the past in the running means, and what keeps a code without latents where it is.
DECAY, LEAST_COUNT = 0.99, 1e-5


class CodebookKeeper(nn.Module):
    """Counts which codes are taken and, with `EMA`, moves them; its buffers are its state.

    Parameters
    ----------
    quantizer : VectorQuantizer
        Whose codes are kept.
    update : str
        `GRADIENT` or `EMA`.
    machine : Machine
        Counts and sums are those of all its processes.
    """

    taken: torch.Tensor
    counts: torch.Tensor
    sums: torch.Tensor

    def __init__(self, quantizer: VectorQuantizer, update: str, machine: Machine):
        super().__init__()
        self._quantizer = [quantizer]  # in a list: not a part of this module
        self._machine, self._update = machine, update
        weight = quantizer.embedding.weight.detach()
        self.register_buffer("taken", torch.zeros(len(weight)))  # since the last look
        self.used, self.perplexity = 0, 0.0  # at the last look
        if update == EMA:
            self.register_buffer("counts", torch.ones(len(weight)))
            self.register_buffer("sums", quantizer.codes().detach().clone())
            quantizer.embedding.requires_grad_(False)
        self.to(weight.device)

    @torch.no_grad()
    def count(self, latents: torch.Tensor, indices: torch.Tensor) -> None:
        """Count the codes (N, G, H, W) that latents (N, E, H, W) took; move them if asked to."""
        quantizer = self._quantizer[0]
        flat = indices.flatten()
        counts = torch.bincount(flat, minlength=len(self.taken)).to(self.taken.dtype)
        counts = self._machine.sum(counts)
        self.taken += counts
        if self._update != EMA:
            return
        vectors = quantizer.vectors(quantizer.project(latents))
        sums = torch.zeros_like(self.sums).index_add_(0, flat, vectors)
        sums = self._machine.sum(sums)
        self.counts.lerp_(counts, 1 - DECAY)
        self.sums.lerp_(sums, 1 - DECAY)
        quantizer.embedding.weight.copy_(self.sums / self.counts.clamp(min=LEAST_COUNT)[:, None])

    @torch.no_grad()
    def look(self) -> torch.Tensor:
        """Return the numbers of the codes that nothing took since the last look, and count anew.

        How many were `used`, and their `perplexity` (how many equally frequent codes would say as
        much), are kept until the next look.
        """
        unused = (self.taken == 0).nonzero().flatten()
        self.used = len(self.taken) - len(unused)
        share = self.taken / self.taken.sum().clamp(min=1)
        self.perplexity = float(torch.exp(torch.special.entr(share).sum()))
        self.taken.zero_()
        return unused

    @torch.no_grad()
    def revive(self, unused: torch.Tensor, latents: torch.Tensor, *others: VectorQuantizer) -> None:
        """Move codes onto random ones of some latents (N, E, H, W), here and in other codebooks."""
        pool = self._quantizer[0].vectors(latents)
        pick = pool[torch.randint(len(pool), (len(unused),)).to(pool.device)]
        for quantizer in (self._quantizer[0], *others):
            quantizer.embedding.weight[unused] = pick
        if self._update == EMA:
            self.counts[unused] = 1.0
            self.sums[unused] = pick
