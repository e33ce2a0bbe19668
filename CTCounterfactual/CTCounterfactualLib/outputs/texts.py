"""Texts that come from a user or a model, as every writer can take them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..counterfactual.result import Explanation, ModelInfo

# For matplotlib: names are the user's, and a dollar sign in one is no formula.
PLAIN: dict[str, Any] = {"parse_math": False}


def clean(text: str) -> str:
    """Return a text without characters that no file of a result can hold.

    Half characters, as in file names of another encoding, become question marks; control
    characters become spaces.
    """
    whole = text.encode("utf-8", "replace").decode("utf-8")
    return "".join(" " if ord(c) < ord(" ") or c == "\x7f" else c for c in whole)


def cleaned(explanation: Explanation) -> Explanation:
    """Return an explanation all of whose names can be written."""
    target = explanation.target
    return replace(
        explanation,
        scan=replace(
            explanation.scan, name=clean(explanation.scan.name), path=clean(explanation.scan.path)
        ),
        classifier=cleaned_model(explanation.classifier),
        autoencoder=cleaned_model(explanation.autoencoder),
        target=replace(target, name=clean(target.name), unit=clean(target.unit)),
        region_name=clean(explanation.region_name),
        flags=tuple(
            replace(flag, name=clean(flag.name), message=clean(flag.message))
            for flag in explanation.flags
        ),
    )


def cleaned_model(model: ModelInfo) -> ModelInfo:
    """Return a model all of whose names can be written."""
    return replace(model, name=clean(model.name), description=clean(model.description))
