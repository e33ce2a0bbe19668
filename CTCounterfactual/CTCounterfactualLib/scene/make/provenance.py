"""Where a node comes from: attributes, a reference to the input, and the disclaimer."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from ...counterfactual.result import DISCLAIMER, Explanation
from ...methods.attribution import Attribution
from ...methods.registry import LATENT_SHIFT
from .rows import SearchRow

ATTRIBUTE_PREFIX = "CTCounterfactual."
INPUT_REFERENCE = ATTRIBUTE_PREFIX + "inputVolume"
# To the main node of the set: its counterfactual, or its map. Scenes keep the name.
MAIN_REFERENCE = ATTRIBUTE_PREFIX + "counterfactualVolume"

# What a node is for, one of `scene.make.roles`.
ROLE = "role"
# Set on nodes of a run that is still going on.
LIVE = "live"
# Of a main node: the name of the method that made it.
METHOD = "method"


def set_attributes(node, **values: str | int | float) -> None:
    """Set `CTCounterfactual.<name>` attributes on a node."""
    for name, value in values.items():
        node.SetAttribute(ATTRIBUTE_PREFIX + name, str(value))


def get_attribute(node, name: str) -> str | None:
    """Return the `CTCounterfactual.<name>` attribute of a node; None if it has none."""
    return node.GetAttribute(ATTRIBUTE_PREFIX + name)


def get_number(node, name: str) -> float:
    """Return an attribute that is a number; raise `LookupError` with its name if it isn't."""
    text = get_attribute(node, name)
    try:
        return float(text or "")
    except ValueError:
        raise LookupError(
            f"'{node.GetName()}' has no number as its attribute {ATTRIBUTE_PREFIX}{name}: {text!r}."
        ) from None


def mark(node, role: str, text: str = "") -> None:
    """Say what a node is (attribute `role`) and describe it, the disclaimer first."""
    set_attributes(node, role=role)
    node.SetDescription(f"{DISCLAIMER}. {text}".strip())


def refer(nodes, input_node, main=None) -> None:
    """Let each node refer to the input volume and to the main node of its set, if any."""
    for node in nodes:
        node.SetNodeReferenceID(INPUT_REFERENCE, input_node.GetID())
        if main is not None and node is not main:
            node.SetNodeReferenceID(MAIN_REFERENCE, main.GetID())


def record_slab(node, row: SearchRow) -> None:
    """Keep which slices a node is about, so that views can jump there.

    `slabLow`, `slabHigh`: S coordinates (mm, RAS) of the slab's faces, before any parent transform.
    """
    set_attributes(
        node,
        start=row.start,
        stop=row.stop,
        slabLow=row.low,
        slabHigh=row.high,
        gain=row.gain,
        stopReason=row.stop_reason,
    )
    node.SetAttribute(ATTRIBUTE_PREFIX + "lambda", str(row.lam))  # a keyword in Python


def record_explanation(node, explanation: Explanation) -> None:
    """Keep on the counterfactual how it was made; nested values are JSON. Paths stay out of it."""
    set_attributes(
        node,
        classifier=explanation.classifier.name,
        classifierSHA256=explanation.classifier.sha256,
        autoencoder=explanation.autoencoder.name,
        autoencoderSHA256=explanation.autoencoder.sha256,
        target=explanation.target.name,
        unit=explanation.target.unit,
        scanSHA256=explanation.scan.sha256,
        device=explanation.device,
        settings=json.dumps(explanation.settings.to_dict()),
        scores=json.dumps(asdict(explanation.scores)),
        flags=json.dumps([asdict(flag) for flag in explanation.flags]),
        scanWarnings=json.dumps(list(explanation.scan.warnings)),
        versions=json.dumps(explanation.versions),
        method=LATENT_SHIFT,
    )


def record_attribution(node, attribution: Attribution) -> None:
    """Keep on the map how it was made; nested values are JSON. Paths stay out of it."""
    method, autoencoder = attribution.method, attribution.autoencoder
    set_attributes(
        node,
        classifier=attribution.classifier.name,
        classifierSHA256=attribution.classifier.sha256,
        target=attribution.target.name,
        unit=attribution.target.unit,
        scanSHA256=attribution.scan.sha256,
        device=attribution.device,
        seed=attribution.seed,
        method=method.name,
        methodDescription=method.description,
        sign=method.sign,
        options=json.dumps({name: _no_path(value) for name, value in method.options.items()}),
        partial=json.dumps(attribution.partial),
        scores=json.dumps({"original": attribution.score}),
        facts=json.dumps(dict(attribution.facts)),
        flags=json.dumps([asdict(flag) for flag in attribution.flags]),
        scanWarnings=json.dumps(list(attribution.scan.warnings)),
        versions=json.dumps(dict(attribution.versions)),
    )
    if autoencoder is not None:
        set_attributes(node, autoencoder=autoencoder.name, autoencoderSHA256=autoencoder.sha256)


def _no_path(value):
    """Return an option as it is, of a file its name alone."""
    return Path(value).name if isinstance(value, str) and Path(value).is_absolute() else value


def describe_attribution(attribution: Attribution) -> str:
    """Return in words what a map shows and what its sign means, then its warnings."""
    method = attribution.method
    what = (
        f"Map of {attribution.scan.name} for the {attribution.target.name} of "
        f"{attribution.classifier.name} by {method.name}; {method.sign}."
    )
    return " ".join([what, *(f"Warning: {flag.message}" for flag in attribution.flags)])


def describe(explanation: Explanation) -> str:
    """Return in words what was explained, followed by the explanation's warnings."""
    what = (
        f"Counterfactual of {explanation.scan.name} for the {explanation.target.name} of "
        f"{explanation.classifier.name}, drawn by {explanation.autoencoder.name}."
    )
    return " ".join([what, *(f"Warning: {flag.message}" for flag in explanation.flags)])
