"""Consent to run a file's code: asked once per content, remembered by its SHA-256."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from ...errors import ModelError
from ...wording import say
from ..store.cache import default_folder

RECORD = "accepted_code.json"


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
        Of the record; by default that of fetched models.
    ask : callable, optional
        Shows a question and returns whether the user said yes; None where nobody can be asked.
    trust : bool
        The user has said yes beforehand (`--trust-code`).
    """

    folder: Path = field(default_factory=default_folder)
    ask: Callable[[str], bool] | None = None
    trust: bool = False

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
        accepted = self._read()
        if sha256 in accepted:
            return
        question = (
            f"{name} is code, not only data: {why} It can do whatever your account may do. "
            f"SHA-256 {sha256[:16]}..."
        )
        if not self.trust and (self.ask is None or not self.ask(question)):
            raise ConsentNeeded(
                f"{question} It was not run, as nobody agreed to it. If you trust whoever made it, "
                f"use {say('trust_code')}; you are asked once per file.",
                name, sha256, why,
            )
        self._write({**accepted, sha256: {"name": name, "accepted": date.today().isoformat()}})

    def _read(self) -> dict:
        path = self.folder / RECORD
        if not path.is_file():
            return {}
        try:
            accepted = json.loads(path.read_text(encoding="utf-8"))
            if not isinstance(accepted, dict):
                raise ValueError("expected digests")
        except (OSError, ValueError) as error:
            raise ModelError(
                f"The record of accepted code {path} is damaged ({error}), so that nothing in it "
                f"counts. Remove it; you are then asked anew."
            ) from error
        return accepted

    def _write(self, accepted: dict) -> None:
        """Replace the record, whole or not at all."""
        self.folder.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=f".{RECORD}-", dir=self.folder)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(dict(sorted(accepted.items())), file, indent=2)
            os.replace(temporary, self.folder / RECORD)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
