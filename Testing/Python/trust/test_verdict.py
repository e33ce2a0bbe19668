"""Limits of a number, and what a failed test says of itself."""

import json
import math

import pytest

from CTCounterfactualLib.trust.verdict import FAIL, NOT_RUN, PASS, WARN, Limits, Verdict


@pytest.mark.parametrize(
    ("limits", "answers"),
    [
        (Limits(0.8, 0.5), {0.9: PASS, 0.8: PASS, 0.79: WARN, 0.5: WARN, 0.49: FAIL}),
        (Limits(0.3, 1.0), {0.0: PASS, 0.3: PASS, 0.31: WARN, 1.0: WARN, 1.01: FAIL, -5: PASS}),
    ],
)
def test_the_limits_say_which_way_is_better(limits, answers):
    assert {number: limits.judge(number) for number in answers} == answers
    assert limits.judge(math.nan) == FAIL


def test_only_a_failure_becomes_a_flag_with_its_number():
    told = {
        status: Verdict("noise", status, "It moves.", 0.2, "Dice", Limits(0.8, 0.5)).flag()
        for status in (PASS, WARN, FAIL, NOT_RUN)
    }
    flag = told.pop(FAIL)
    assert set(told.values()) == {None}
    assert flag.name == "trust-noise"
    assert "It moves. (Dice 0.2; pass >= 0.8, fail < 0.5)" in flag.message


def test_it_is_plain_json():
    made = Verdict("a", PASS, "b.", 0.1, "c", Limits(1, 0), {"d": [1.0]}, 0.123456).to_dict()
    assert json.loads(json.dumps(made)) == made
