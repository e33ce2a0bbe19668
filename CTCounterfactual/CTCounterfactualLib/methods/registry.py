"""All methods by name. A new one is a file with a `METHOD` in it, and a line here."""

from __future__ import annotations

from importlib import import_module

from ..errors import SettingsError
from ..suggest import suggest
from .method import Method

LATENT_SHIFT = "latent-shift"
# Name -> module below this room.
_FILES = {
    LATENT_SHIFT: "latent_shift",
    "responsibility": "responsibility.method",
    "input-gradient": "saliency.input_gradient",
    "smoothgrad": "saliency.smoothgrad",
    "integrated-gradients": "saliency.integrated_gradients",
    "occlusion": "saliency.occlusion",
    "guided-backprop": "saliency.guided_backprop",
    "grad-cam": "saliency.grad_cam",
    "hirescam": "saliency.hirescam",
    "structures": "structures.method",
    "spot": "spot.method",
}
NAMES = tuple(_FILES)


def find_method(name: str) -> Method:
    """Return the method of this name; raise `SettingsError` if there is none."""
    if name not in _FILES:
        raise SettingsError(f"There is no method {name!r}. {suggest(str(name), NAMES)}")
    return import_module(f".{_FILES[name]}", __package__).METHOD


def all_methods() -> tuple[Method, ...]:
    """Return all methods, the default one first."""
    return tuple(find_method(name) for name in NAMES)
