"""A small body with a bright block, a network that sees it, and explanations of it to be tested."""

from dataclasses import replace

import numpy as np
import pytest

from block_scan import BlockSeer, known_scan
from CTCounterfactualLib.counterfactual.engine import explain
from CTCounterfactualLib.counterfactual.settings import ExplainSettings
from CTCounterfactualLib.events import CancelToken, Reporter
from CTCounterfactualLib.methods.attribute import attribute
from CTCounterfactualLib.methods.method import Found, Method, Needs
from CTCounterfactualLib.models.catalogue import load_autoencoder
from CTCounterfactualLib.trust.subject import Subject


@pytest.fixture(scope="session")
def known():
    return known_scan()


@pytest.fixture(scope="session")
def explanation(known):
    return explain(known.scan, BlockSeer(), mode="whole")


@pytest.fixture(scope="session")
def perfect(explanation, known):
    """Return the true counterfactual as an explanation."""
    clean = known.clean.array.copy()
    difference = (clean.astype(np.int32) - known.scan.array).astype(np.int16)
    return replace(explanation, counterfactual=clean, difference=difference)


@pytest.fixture
def subject_of():
    """Return a function: an explanation, or a map -> what the tests are given."""

    def make(result, classifier=None, **more):
        cancel = CancelToken()
        settings = getattr(result, "settings", ExplainSettings())
        return Subject(
            result,
            classifier or BlockSeer(),
            load_autoencoder("ct-vqgan-small"),
            settings,
            Reporter(None, cancel),
            cancel,
            **more,
        )

    return make


@pytest.fixture
def map_of(known):
    """Return a function: a named method, or values (K, J, I) of the prepared grid -> a map."""

    def make(values, classifier=None):
        method = (
            values
            if isinstance(values, str)
            else Method(
                "given", "what it was given", "none", Needs(), lambda request: Found(values)
            )
        )
        return attribute(known.scan, method, classifier or BlockSeer())

    return make
