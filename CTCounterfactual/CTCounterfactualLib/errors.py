"""Errors that a user can act on: each says what was expected, what arrived and what to do."""

from __future__ import annotations


class CTCounterfactualError(Exception):
    """Base of every error meant for the user: the message is one readable sentence or two."""


class ScanError(CTCounterfactualError):
    """The input cannot be used as a CT scan (format, dimensions, intensities, geometry)."""


class ModelError(CTCounterfactualError):
    """A classifier or autoencoder is unknown, damaged, incompatible or not installed."""


class SettingsError(CTCounterfactualError):
    """A setting is outside its allowed values, or two settings contradict each other."""


class OutputError(CTCounterfactualError):
    """The result cannot be written (exists already, no space, no permission)."""


class MissingExtraError(CTCounterfactualError):
    """An optional package is needed; the message names the extra that brings it.

    Parameters
    ----------
    package : str
        Import name of the package that is missing.
    extra : str
        Name of the extra in ``pyproject.toml`` that installs it.
    purpose : str
        What it is needed for, as it completes "... is needed to".
    """

    def __init__(self, package: str, extra: str, purpose: str):
        super().__init__(
            f"The Python package '{package}' is needed to {purpose} but is not installed. "
            f'Install it with: pip install "ct-counterfactual[{extra}]"'
        )
        self.package = package
        self.extra = extra


class Cancelled(CTCounterfactualError):
    """The user asked to stop; nothing was written."""

    def __init__(self, message: str = "Cancelled: nothing was written."):
        super().__init__(message)
