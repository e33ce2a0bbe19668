"""Consent to run a file's code: asked once per content, remembered by its SHA-256."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from ...errors import ModelError, OutputError, SettingsError
from ...storage.atomic import write_json
from ...storage.bounded import MOST_RECORD_BYTES
from ...storage.lock import locked
from ...storage.objects import read_object
from ...wording import say
from ..store.cache import FOLDER_VARIABLE, default_folder

logger = logging.getLogger(__name__)

RECORD = "accepted_code.json"
DIGITS_SHOWN = 16
# Another process writes the record in a moment.
LOCK_WAIT_S = 10.0


class ConsentNeeded(ModelError):
    """Nobody has agreed to run this code; `data` has the arguments of `Consent.require`.

    So whoever started the process that wanted to run it can ask, remember a yes, and start again.
    """

    def __init__(self, message: str, name: str, sha256: str, why: str):
        super().__init__(message)
        self.data = {"name": name, "sha256": sha256, "why": why}


@dataclass(frozen=True)
class Consent:
    """Who may say yes, and where it is remembered.

    Parameters
    ----------
    folder : Path
        Of the record; by default that of fetched models. If it can't be written, a yes holds for
        this time only.
    ask : callable, optional
        Shows a question and returns whether the user said yes; None where nobody can be asked.
    trust : bool
        The user has said yes beforehand (`--trust-code`).
    accepted : frozenset of str
        Digests that the user has said yes to elsewhere: on the computer that sent the job.
    remember : bool
        Whether a yes is written down.
    """

    folder: Path = field(default_factory=default_folder)
    ask: Callable[[str], bool] | None = None
    trust: bool = False
    accepted: frozenset[str] = frozenset()
    remember: bool = True

    def require(self, name: str, sha256: str, why: str) -> None:
        """Return if this code may run; ask if that isn't known yet, and remember a yes.

        Parameters
        ----------
        name : str
            What the question calls it.
        sha256 : str
            Digest of exactly the bytes that will run.
        why : str
            What of it is code, as a sentence.

        Raises
        ------
        ConsentNeeded
            If the user said no, or nobody could be asked.
        """
        if self.knows(sha256):
            return
        question = (
            f"{name} is code, not only data: {why} It can do whatever your account may do. "
            f"SHA-256 {sha256[:DIGITS_SHOWN]}..."
        )
        if not self.trust and (self.ask is None or not self.ask(question)):
            raise ConsentNeeded(
                f"{question} It was not run, as nobody agreed to it. If you trust whoever made it, "
                f"use {say('trust_code')}; you are asked once per file.",
                name,
                sha256,
                why,
            )
        if not self.remember:
            return
        try:
            self._remember(name, sha256)
        except (OSError, OutputError) as error:
            # A yes is a yes: where nothing can be written, it holds for this time.
            logger.warning(
                "The consent to run %s could not be remembered (%s); you will be asked again. Set "
                "%s to a folder that can be written.",
                name,
                error,
                FOLDER_VARIABLE,
            )

    def knows(self, sha256: str) -> bool:
        """Tell whether a yes to this digest is remembered, for other processes too."""
        return sha256 in self.accepted or sha256 in self._read()

    def known(self) -> tuple[str, ...]:
        """Return all digests that a yes is remembered for."""
        return tuple(sorted({*self.accepted, *self._read()}))

    def _read(self) -> dict[str, dict[str, str]]:
        path = self.folder / RECORD
        try:
            return read_object(path, MOST_RECORD_BYTES)
        except OSError:  # not there, or not to be read: then nothing is known to be accepted
            return {}
        except ValueError as error:
            raise ModelError(
                f"The record of accepted code {path} is damaged ({error}), so that nothing in it "
                f"counts. Remove it; you are then asked anew."
            ) from error

    def _remember(self, name: str, sha256: str) -> None:
        """Add to the record; what another process adds at the same time stays."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / RECORD
        with locked(path.with_name(f".{RECORD}.lock"), f"The record {path}", LOCK_WAIT_S):
            about = {"name": name, "accepted": date.today().isoformat()}
            write_json(path, dict(sorted({**self._read(), sha256: about}.items())))


def consent_of_sender(path: str | Path) -> Consent:
    """Return the consent of whoever sent a job here: to be used once, and not remembered.

    Raises
    ------
    SettingsError
        If the file can't be read, or isn't what `remote-worker` writes.
    """
    try:
        said = read_object(Path(path), MOST_RECORD_BYTES)
        accepted, trust = said["accepted"], said["trust"]
        fit = isinstance(accepted, list) and all(isinstance(one, str) for one in accepted)
        if not fit or not isinstance(trust, bool):
            raise ValueError("digests and a yes or no are expected")
    except (OSError, ValueError, KeyError) as error:
        raise SettingsError(f"The sender's consent {path} can't be used: {error}.") from error
    return Consent(trust=trust, accepted=frozenset(accepted), remember=False)
