"""All tests by name, in the order they run in. A new one is a file with a `TEST`, and a line."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from ..errors import SettingsError
from ..suggest import suggest

if TYPE_CHECKING:  # tests are listed without PyTorch
    from .kind import TrustTest

# Name -> module of this room, and whether it runs by default: those together take less than twice
# as long as the explanation.
_FILES = {
    "reconstruction-gap": ("reconstruction_gap", True),
    "fresh-look": ("fresh_look", True),
    "second-model": ("second_model", True),
    "randomisation": ("randomisation", True),
    "noise": ("noise", True),
    "random-region": ("random_region", False),
    "reversal": ("reversal", False),
    "half-voxel": ("half_voxel", False),
    "window": ("window", False),
    "composition": ("composition", False),
    "planted": ("planted", False),
    "consensus": ("consensus", False),
}
NAMES = tuple(_FILES)
QUICK = tuple(name for name, (_, quick) in _FILES.items() if quick)


def find_test(name: str) -> TrustTest:
    """Return the test of this name; raise `SettingsError` if there is none."""
    if name not in _FILES:
        raise SettingsError(f"There is no test {name!r}. {suggest(str(name), NAMES)}")
    return import_module(f".{_FILES[name][0]}", __package__).TEST


def chosen_tests(names: tuple[str, ...] = (), all_of_them: bool = False) -> tuple[TrustTest, ...]:
    """Return the named tests; without names the quick ones, or all."""
    chosen = dict.fromkeys(names) or (NAMES if all_of_them else QUICK)
    return tuple(find_test(name) for name in chosen)
