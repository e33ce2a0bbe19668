"""Which tests of trust a result has failed: every picture of it says so."""

from __future__ import annotations

from collections.abc import Sequence

from ..counterfactual.result import Flag

# How flags of failed tests begin; pictures show them over all else.
FAILED_TEST = "trust-"


def failed_tests(flags: Sequence[Flag]) -> str:
    """Return in words which tests failed, by flags of a result; empty if none did."""
    failed = [flag.name for flag in flags if flag.name.startswith(FAILED_TEST)]
    if not failed:
        return ""
    return f"Failed the test of {', '.join(name.removeprefix(FAILED_TEST) for name in failed)}"
