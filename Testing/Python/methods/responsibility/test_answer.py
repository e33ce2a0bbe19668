"""When a score keeps the answer."""

import numpy as np
import pytest

from CTCounterfactualLib.methods.responsibility.answer import Answer


@pytest.mark.parametrize(
    ("original", "occluded", "unit", "boundary"),
    [
        (0.9, 0.1, "probability", 0.5),
        (0.9, 0.7, "probability", 0.8),  # both say yes: half of the difference is to be kept
        (3.0, -1.0, "logit", 0.0),
        (4.0, 1.0, "L", 2.5),
        (0.2, 0.9, "probability", 0.5),
    ],
)
def test_the_boundary(original, occluded, unit, boundary):
    answer = Answer.of(original, occluded, unit)
    assert answer.boundary == pytest.approx(boundary)
    assert answer.kept(np.array([original, occluded])).tolist() == [True, False]
    assert not answer.nothing_needed


def test_a_given_boundary_is_taken():
    assert Answer.of(4.0, 1.0, "L", 3.9).kept(np.array([3.8, 3.95])).tolist() == [False, True]


def test_an_answer_that_nothing_takes_away_is_told():
    assert Answer.of(4.0, 4.0, "L").nothing_needed
    assert Answer.of(4.0, 3.0, "L", 2.0).nothing_needed


def test_the_share_that_is_kept():
    answer = Answer.of(3.0, -1.0, "logit")
    assert answer.share(np.array([-5.0, -1.0, 1.0, 3.0, 9.0])).tolist() == [0, 0, 0.5, 1, 1]
