"""Sizes of the tasks: `small` for a laptop, `full` as published, `tiny` to test the plumbing."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class CostSize:
    """Random weights of the published kind.

    Parameters
    ----------
    slices, side : int
        Of the volume: D, and H = W.
    config : dict
        Of the VQ-GAN, in the words of taming-transformers.
    blocks : tuple of int
        Bottlenecks per stage of the inflated ResNet; the published one is ResNet-152.
    """

    slices: int
    side: int
    config: dict
    blocks: tuple[int, ...]

    @property
    def latent(self) -> tuple[int, int, int]:
        """(C, h, w) of one slice's latents."""
        factor = 2 ** (len(self.config["ch_mult"]) - 1)
        return self.config["embed_dim"], self.side // factor, self.side // factor


@dataclass(frozen=True)
class SearchSize:
    """Trained weights on a generated chest.

    The score is a volume in litres, so its gradient goes with a voxel's size: small voxels make
    the paper's ladder run its course, as in its notebooks, instead of meeting the change limit.

    Parameters
    ----------
    spacing : tuple of float
        (I, J, K) mm of the prepared grid.
    slices : int
        Of the generated chest, about its middle.
    crop : tuple of int or None
        (I, J) voxels about the middle; None is the whole field of view.
    scan : str
        A shared scan that is searched too where it is at hand.
    """

    spacing: tuple[float, float, float]
    slices: int
    crop: tuple[int, int] | None = None
    scan: str = ""


@dataclass(frozen=True)
class Size:
    """All tasks of one size."""

    cost: CostSize
    search: SearchSize


def _vqgan(ch: int, ch_mult: tuple[int, ...], z: int, resolution: int, n_embed: int) -> dict:
    coarsest = resolution // 2 ** (len(ch_mult) - 1)
    return dict(
        ch=ch,
        ch_mult=list(ch_mult),
        num_res_blocks=2,
        attn_resolutions=[coarsest],
        resolution=resolution,
        z_channels=z,
        embed_dim=z,
        n_embed=n_embed,
        in_channels=1,
        out_ch=1,
        double_z=False,
        dropout=0.0,
    )


PUBLISHED = CostSize(
    slices=100,
    side=256,
    config=_vqgan(128, (1, 1, 2, 2, 4), 256, 256, 1024),
    blocks=(3, 8, 36, 3),
)
SIZES = {
    "tiny": Size(
        CostSize(20, 64, _vqgan(32, (1, 1, 2), 16, 64, 64), (1, 1, 1, 1)),
        SearchSize((6.0, 6.0, 12.0), 25),
    ),
    "small": Size(
        CostSize(100, 48, _vqgan(64, (1, 1, 2, 2), 64, 48, 256), (1, 1, 1, 1)),
        SearchSize((3.0, 3.0, 0.4), 100, crop=(112, 96)),
    ),
    "full": Size(
        PUBLISHED,
        SearchSize((1.5, 1.5, 3.0), 100, scan="chest_lidc0314_2mm.nii.gz"),
    ),
}
