"""What a method of explanation is: what it needs, what it is given, what it returns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ..checked import check_known, check_settings, names_of, take_types
from ..counterfactual.result import Flag, ModelInfo
from ..counterfactual.settings import ExplainSettings
from ..events import CancelToken, Reporter
from ..models.targets import Target
from ..scans.grid import PreparedScan

if TYPE_CHECKING:  # methods are listed without PyTorch
    import torch

    from ..models.autoencoder import AutoencoderLike
    from ..models.classifier import Classifier


# Kinds of methods, by which lists are grouped.
COUNTERFACTUAL, CAUSAL, SALIENCY = "counterfactual", "causal", "saliency"
GROUPS = (COUNTERFACTUAL, CAUSAL, SALIENCY)


@dataclass(frozen=True)
class Needs:
    """What a method can't do without.

    Parameters
    ----------
    gradient : bool
        The gradient of the score: no black boxes.
    autoencoder : bool
        An autoencoder of slices.
    network : bool
        The classifier's layers, as PyTorch modules.
    convolution : bool
        A convolution among them, or a layer that is named.
    captum : bool
        The package Captum, an extra.
    """

    gradient: bool = False
    autoencoder: bool = False
    network: bool = False
    convolution: bool = False
    captum: bool = False

    def __str__(self) -> str:
        words = {
            "gradient": "the classifier's gradient",
            "autoencoder": "an autoencoder",
            "network": "the classifier's layers",
            "convolution": "a convolution among them",
            "captum": "the package captum",
        }
        needed = [text for name, text in words.items() if getattr(self, name)]
        if not (self.gradient or self.autoencoder or self.network or self.convolution):
            needed.insert(0, "scores only")
        return f"needs {', '.join(needed)}"


@dataclass(frozen=True)
class Options:
    """Settings of one method: a subclass has a field for each, made by `setting`.

    Raises
    ------
    SettingsError
        Naming the option, its value and what is allowed.
    """

    def __post_init__(self) -> None:
        take_types(self)
        check_settings(self)


@dataclass(frozen=True)
class Request:
    """What a method is given.

    Parameters
    ----------
    prepared : PreparedScan
        The scan on the classifier's grid.
    classifier : Classifier
        On `device`, and ready for the scan.
    target : Target
        Of the classifier.
    options : Options
        The method's own.
    settings : ExplainSettings
        Seed, device, and how to search for a counterfactual if the method uses one.
    autoencoder : str or AutoencoderLike
        For that counterfactual.
    device : torch.device
        Where the tensors live.
    reporter : Reporter
        For progress; its `check` ends the work on a cancel.
    cancel : CancelToken
        The same, for a method that returns what it has by then.
    """

    prepared: PreparedScan
    classifier: Classifier
    target: Target
    options: Any
    settings: ExplainSettings
    autoencoder: str | AutoencoderLike
    device: torch.device
    reporter: Reporter
    cancel: CancelToken

    @cached_property
    def x(self) -> torch.Tensor:
        """The prepared scan, (1, 1, K, J, I), 0..1, on the device; not to be changed."""
        import torch

        return torch.from_numpy(self.prepared.volume).to(self.device)[None, None]

    def score(self, x: torch.Tensor) -> torch.Tensor:
        """Return the target's score of volumes (N, 1, K, J, I): (N,)."""
        return self.classifier.score(x, self.target.name)


@dataclass(frozen=True)
class Found:
    """What a method returns.

    Parameters
    ----------
    values : numpy.ndarray
        (K, J, I) of the prepared grid: how much each voxel speaks for the score, as the method's
        `sign` says.
    facts : mapping
        Plain JSON values: what else is known.
    flags : tuple of Flag
        Why it deserves less trust.
    parts : mapping of str to numpy.ndarray
        Named sets of voxels, (K, J, I) of the prepared grid, bool.
    autoencoder : ModelInfo or None
        If one was used.
    partial : bool
        Whether it was cancelled, and this is what was there.
    """

    values: np.ndarray
    facts: Mapping[str, Any] = field(default_factory=dict)
    flags: tuple[Flag, ...] = ()
    parts: Mapping[str, np.ndarray] = field(default_factory=dict)
    autoencoder: ModelInfo | None = None
    partial: bool = False


@dataclass(frozen=True)
class Method:
    """One method of explanation.

    Parameters
    ----------
    name : str
        On the command line and in records.
    description : str
        One line for a person.
    sign : str
        What positive (and negative) values mean.
    needs : Needs
        Checked before it runs.
    run : callable
        Does the work. Imports of heavy packages belong into it, for methods are listed where they
        aren't installed.
    options : type
        Its settings.
    source : str
        Where it is from.
    group : str
        One of `GROUPS`.
    searches : bool
        Whether it may search for a counterfactual, so that the settings of the search count.
    columns : tuple of str
        Of the records that it lists among its facts: what tables show, in order; empty: all.
    """

    name: str
    description: str
    sign: str
    needs: Needs
    run: Callable[[Request], Found]
    options: type[Options] = Options
    source: str = ""
    group: str = SALIENCY
    searches: bool = False
    columns: tuple[str, ...] = ()

    def with_options(self, given: Mapping[str, Any]) -> Options:
        """Return the method's options, of which some are given."""
        check_known(given, names_of(self.options), f"Method {self.name}")
        return self.options(**given)


def options_to_dict(options: Options) -> dict[str, Any]:
    """Return plain JSON values."""
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in asdict(options).items()
    }
