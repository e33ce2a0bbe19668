"""Make a session: encode a scan, take the gradient, and stay ready for any lambda."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

from ..counterfactual.asked import begin, look, merged
from ..counterfactual.environment import choose_device
from ..counterfactual.region import Region
from ..counterfactual.settings import ExplainSettings
from ..counterfactual.torch_state import run_state
from ..errors import SettingsError
from ..events import CancelToken, ProgressCallback
from ..models.autoencoder import AutoencoderLike
from ..models.classifier import ClassifierLike
from ..models.entry import DEFAULT_AUTOENCODER, DEFAULT_CLASSIFIER
from ..models.guarded.borrowed import borrowed
from ..models.guarded.stoppable import stoppable
from ..scans.scan import Scan
from ..setting_choices import AUTO_REGION
from ..wording import say
from .session import Session
from .told import Told


def prepare_session(
    scan: Scan | str | Path,
    classifier: str | Path | ClassifierLike = DEFAULT_CLASSIFIER,
    target: str | None = None,
    autoencoder: str | Path | AutoencoderLike = DEFAULT_AUTOENCODER,
    settings: ExplainSettings | None = None,
    progress: ProgressCallback | None = None,
    cancel: CancelToken | None = None,
    region: Region | str | None = None,
    **options: Any,
) -> Session:
    """Encode a scan and take the gradient; return a session in which lambda can be moved.

    What lambda does is what it does in `explain` of the same settings; `mode` and all that ends a
    search play no part.

        with prepare_session("chest.nrrd", classifier="effusion-demo") as session:
            position = session.at(-0.5)
            picture = position.axial(40)  # decodes only the slices that it needs
            print(position.score, position.change_percent)  # decodes all
            result = session.keep(-0.5)  # as `explain` returns it

    Parameters
    ----------
    cancel : CancelToken, optional
        Asked during the session's life, too: once set, whatever it does raises `Cancelled`.

    The others are those of `explain`.

    Raises
    ------
    ScanError, ModelError, SettingsError
        With what was found and what to do.
    Cancelled
        If `cancel` was set.
    """
    settings = merged(settings, options)
    check_session(region, settings)
    told = Told(progress, cancel)
    device = choose_device(settings.device)
    with ExitStack() as stack:
        with run_state(settings.seed, device):
            asked = look(scan, classifier, target, autoencoder, settings, region, told)
            loan = stack.enter_context(ExitStack())
            loan.enter_context(borrowed(asked.networks, device))
            with stoppable(asked.networks, told.check):
                run = begin(asked, device, told)
        stack.pop_all()
    return Session(asked, run, told, loan)


def check_session(region: Region | str | None, settings: ExplainSettings) -> None:
    """Raise `SettingsError` for what only a search can do."""
    if region == AUTO_REGION:
        raise SettingsError(
            "A session moves lambda by hand, and a region is found by a search. Give a region, or "
            "none."
        )
    if settings.region_controls:
        raise SettingsError(
            f"A session moves lambda by hand, and controls of a region are searched. Leave out "
            f"{say('region_controls')}."
        )
