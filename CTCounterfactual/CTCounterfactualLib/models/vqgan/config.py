"""Sizes of a slice VQ-GAN, as its JSON card (or a taming-transformers yaml) states them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from ...checked import check_known, names_of, shown
from ...errors import ModelError

# Far beyond any published network; what is larger is a slip, or meant to fill the memory.
MOST_CHANNELS, MOST_CODES, MOST_SIDE = 1 << 16, 1 << 24, 1 << 16
MOST_BLOCKS, MOST_LEVELS, MOST_MULTIPLE = 64, 16, 64
# Slices are padded to multiples of it.
MOST_FACTOR = 256
_MOST = {
    "ch": MOST_CHANNELS,
    "num_res_blocks": MOST_BLOCKS,
    "resolution": MOST_SIDE,
    "in_channels": MOST_CHANNELS,
    "out_ch": MOST_CHANNELS,
    "z_channels": MOST_CHANNELS,
    "embed_dim": MOST_CHANNELS,
    "n_embed": MOST_CODES,
    "patch": MOST_FACTOR,
    "code_groups": MOST_CHANNELS,
}


def _unfit(name: str, value: object, expected: str) -> ModelError:
    return ModelError(f"These sizes make no VQ-GAN: {name} = {shown(value)}; expected {expected}.")


@dataclass(frozen=True)
class VQGANConfig:
    """Sizes of encoder, decoder and codebook; field names are those of taming-transformers.

    Parameters
    ----------
    ch, ch_mult : int, tuple of int
        Width of the first level and its multiplier per level; each level after the first halves
        height and width.
    num_res_blocks : int
        Residual blocks per level (the decoder has one more).
    attn_resolutions : tuple of int
        Levels that get attention, named by their height at `resolution`.
    resolution : int
        Training crop size in pixels; only `attn_resolutions` depends on it.
    z_channels, embed_dim, n_embed : int
        Channels of the encoder's output, dimension of a code, number of codes.
    patch : int
        Space-to-depth factor of the stem: the network works on `patch` x `patch` pixel blocks as
        channels. 1 is the published layout; 2 costs a quarter. (Our addition.)
    mid_attention : bool
        Attention in the middle of encoder and decoder. True is the published layout.
    cosine_codebook : bool
        Compare latents and codes by direction only, both scaled to unit length (Yu et al.,
        "Vector-quantized Image Modeling with Improved VQGAN", 2022). False is the published layout.
    code_groups : int
        Groups of latent channels that take a code each. 1 is the published layout.
    """

    ch: int = 128
    ch_mult: tuple[int, ...] = (1, 1, 2, 2, 4)
    num_res_blocks: int = 2
    attn_resolutions: tuple[int, ...] = (16,)
    resolution: int = 256
    in_channels: int = 1
    out_ch: int = 1
    z_channels: int = 256
    embed_dim: int = 256
    n_embed: int = 1024
    double_z: bool = False
    dropout: float = 0.0
    patch: int = 1
    mid_attention: bool = True
    cosine_codebook: bool = False
    code_groups: int = 1

    def __post_init__(self) -> None:
        for name, most in _MOST.items():
            self._check(name, getattr(self, name), most)
        for name, most, least_count in (
            ("ch_mult", MOST_MULTIPLE, 1),
            ("attn_resolutions", MOST_SIDE, 0),
        ):
            values = getattr(self, name)
            if isinstance(values, list):
                values = tuple(values)
                object.__setattr__(self, name, values)
            if not isinstance(values, tuple) or not least_count <= len(values) <= MOST_LEVELS:
                raise _unfit(name, values, f"a list of {least_count} to {MOST_LEVELS} numbers")
            for value in values:
                self._check(name, value, most)
        for name in ("double_z", "mid_attention", "cosine_codebook"):
            if not isinstance(getattr(self, name), bool):
                raise _unfit(name, getattr(self, name), "true or false")
        if type(self.dropout) not in (int, float) or not 0 <= self.dropout < 1:
            raise _unfit("dropout", self.dropout, "a fraction from 0 to below 1")
        if self.embed_dim % self.code_groups:
            raise _unfit("code_groups", self.code_groups, f"divisors of {self.embed_dim}")
        if self.factor > MOST_FACTOR:
            raise _unfit("ch_mult", list(self.ch_mult), f"at most {MOST_FACTOR} pixels per latent")

    @staticmethod
    def _check(name: str, value: object, most: int) -> None:
        if type(value) is not int or not 1 <= value <= most:
            raise _unfit(name, value, f"whole numbers from 1 to {most}")

    @property
    def factor(self) -> int:
        """Pixels per latent position along height and width (the paper's f)."""
        return self.patch * 2 ** (len(self.ch_mult) - 1)

    @classmethod
    def from_dict(cls, values: dict) -> VQGANConfig:
        """Build from a card's `config`; raise `ModelError` naming any field that is unknown."""
        check_known(values, names_of(cls), "The config of this VQ-GAN", ModelError)
        given: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in values.items()
        }
        return cls(**given)

    def to_dict(self) -> dict:
        """Return plain JSON values; `from_dict` gives an equal config back."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}
