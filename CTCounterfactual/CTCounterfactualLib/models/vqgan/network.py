"""The slice VQ-GAN: encoder, codebook and decoder of one CT slice.

Source: Esser, Rombach, Ommer, "Taming Transformers for High-Resolution Image Synthesis", CVPR
2021, section 3.1. With `patch=1`, `mid_attention=True`, `cosine_codebook=False` and `code_groups=1`
the state dict has the keys and shapes of the `taming-transformers` package (without its `loss.*`).
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from .blocks import AttentionBlock, Downsample, ResnetBlock, Upsample, group_norm
from .config import VQGANConfig
from .quantizer import VectorQuantizer


class _Middle(nn.Module):
    """Two residual blocks around an attention block, at the coarsest level."""

    def __init__(self, channels: int, config: VQGANConfig):
        super().__init__()
        self.block_1 = ResnetBlock(channels, channels, config.dropout)
        self.attn_1 = AttentionBlock(channels) if config.mid_attention else nn.Identity()
        self.block_2 = ResnetBlock(channels, channels, config.dropout)

    def forward(self, h: torch.Tensor) -> torch.Tensor:
        return self.block_2(self.attn_1(self.block_1(h)))


class _Level(nn.Module):
    """Residual blocks of one resolution, each followed by attention where the config asks."""

    def __init__(self, in_channels: int, out_channels: int, blocks: int, attention: bool, dropout):
        super().__init__()
        widths = [in_channels] + [out_channels] * (blocks - 1)
        self.block = nn.ModuleList(ResnetBlock(w, out_channels, dropout) for w in widths)
        self.attn = nn.ModuleList(AttentionBlock(out_channels) for _ in range(blocks * attention))

    def forward(self, h: torch.Tensor) -> torch.Tensor:
        for index, block in enumerate(self.block):
            h = block(h)
            if self.attn:
                h = self.attn[index](h)
        return h


def _level_has_attention(config: VQGANConfig, level: int) -> bool:
    return config.resolution // config.patch // 2**level in config.attn_resolutions


class Encoder(nn.Module):
    """(N, in_channels, H, W) -> (N, z_channels, H/f, W/f)."""

    def __init__(self, config: VQGANConfig):
        super().__init__()
        self.patch = config.patch
        self.conv_in = nn.Conv2d(config.in_channels * config.patch**2, config.ch, 3, padding=1)
        self.down = nn.ModuleList()
        width = config.ch
        for level, multiplier in enumerate(config.ch_mult):
            out = config.ch * multiplier
            down = _Level(
                width,
                out,
                config.num_res_blocks,
                _level_has_attention(config, level),
                config.dropout,
            )
            if level != len(config.ch_mult) - 1:
                down.downsample = Downsample(out)
            self.down.append(down)
            width = out
        self.mid = _Middle(width, config)
        self.norm_out = group_norm(width)
        out = 2 * config.z_channels if config.double_z else config.z_channels
        self.conv_out = nn.Conv2d(width, out, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = F.pixel_unshuffle(x, self.patch)  # (N, C, H, W) -> (N, C*p*p, H/p, W/p)
        h = self.conv_in(h)
        for down in self.down:
            h = down(h)
            if hasattr(down, "downsample"):
                h = down.downsample(h)  # type: ignore[operator]
        h = self.mid(h)
        return self.conv_out(F.silu(self.norm_out(h)))


class Decoder(nn.Module):
    """(N, z_channels, H/f, W/f) -> (N, out_ch, H, W)."""

    def __init__(self, config: VQGANConfig):
        super().__init__()
        self.patch = config.patch
        width = config.ch * config.ch_mult[-1]
        self.conv_in = nn.Conv2d(config.z_channels, width, 3, padding=1)
        self.mid = _Middle(width, config)
        levels: list[nn.Module] = []
        for level in reversed(range(len(config.ch_mult))):
            out = config.ch * config.ch_mult[level]
            up = _Level(
                width,
                out,
                config.num_res_blocks + 1,
                _level_has_attention(config, level),
                config.dropout,
            )
            if level != 0:
                up.upsample = Upsample(out)
            levels.insert(0, up)  # index 0 is full resolution, as in the published files
            width = out
        self.up = nn.ModuleList(levels)
        self.norm_out = group_norm(width)
        self.conv_out = nn.Conv2d(width, config.out_ch * config.patch**2, 3, padding=1)

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        h = self.mid(self.conv_in(z))
        for up in reversed(self.up):
            h = up(h)
            if hasattr(up, "upsample"):
                h = up.upsample(h)  # type: ignore[operator]
        h = self.conv_out(F.silu(self.norm_out(h)))
        return F.pixel_shuffle(h, self.patch)  # (N, C*p*p, H/p, W/p) -> (N, C, H, W)


class VQGAN(nn.Module):
    """Encoder, codebook and decoder; intensities are the network's own (-1..1 as published)."""

    # Where it only runs, its weights lie channels innermost; see `SliceAutoencoder`.
    channels_innermost = True

    def __init__(self, config: VQGANConfig):
        super().__init__()
        self.config = config
        self.encoder = Encoder(config)
        self.decoder = Decoder(config)
        self.quantize = VectorQuantizer(
            config.n_embed, config.embed_dim, config.cosine_codebook, config.code_groups
        )
        z_out = 2 * config.z_channels if config.double_z else config.z_channels
        self.quant_conv = nn.Conv2d(z_out, config.embed_dim, 1)
        self.post_quant_conv = nn.Conv2d(config.embed_dim, config.z_channels, 1)

    def encode_continuous(self, x: torch.Tensor) -> torch.Tensor:
        """Return latents before the codebook: (N, C, H, W) -> (N, embed_dim, H/f, W/f)."""
        return self.quant_conv(self.encoder(x))

    def encode(self, x: torch.Tensor) -> torch.Tensor:
        """Return latents replaced by their nearest codes: (N, embed_dim, H/f, W/f)."""
        return self.quantize.nearest(self.encode_continuous(x))

    def decode(self, z: torch.Tensor) -> torch.Tensor:
        """Return slices (N, C, H, W) from latents (N, embed_dim, H/f, W/f); no quantisation.

        With a cosine codebook only a latent's direction has a meaning, so it is scaled to unit
        length first: a shifted latent stays on the sphere that the decoder was trained on.
        """
        return self.decoder(self.post_quant_conv(self.quantize.project(z)))
