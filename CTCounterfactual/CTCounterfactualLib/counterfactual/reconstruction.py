"""What a run says of an autoencoder that redraws the scan badly; measured before any change."""

from __future__ import annotations

from ..models.reconstruction import Reconstruction
from ..models.reconstruction import compare as compare
from .result import Flag


def flags_of(reconstruction: Reconstruction) -> tuple[Flag, ...]:
    """Return what speaks against the autoencoder, or against its card's mappings."""
    flags = []
    if not reconstruction.good_contrast:
        flags.append(
            Flag(
                "autoencoder-contrast",
                f"The autoencoder's picture of the scan has {reconstruction.slope:.2f} times its "
                f"contrast: the intensity mapping of its card (to_network, from_network) is wrong, "
                f"or it was trained on another intensity range.",
            )
        )
    if not reconstruction.good_fidelity:
        flags.append(
            Flag(
                "autoencoder-fidelity",
                f"The autoencoder redraws this scan badly ({reconstruction.psnr_db:.1f} dB in the "
                f"body): wrong orientation, size or kind of scan for it? Its changes may not be "
                f"anatomy.",
            )
        )
    return tuple(flags)
