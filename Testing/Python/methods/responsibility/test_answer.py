"""When a score keeps the answer."""

import numpy as np
import pytest

from CTCounterfactualLib.methods.responsibility.answer import Answer


@pytest.mark.parametrize(
    ("original", "occluded", "threshold", "boundary"),
    [
        (0.9, 0.1, 0.6, 0.6),
        (0.9, 0.7, 0.5, 0.8),  # both say yes: half of the difference is to be kept
        (4.0, 1.0, None, 2.5),
        (0.2, 0.9, 0.6, 0.6),  # the answer to keep is no
    ],
)
def test_the_boundary(original, occluded, threshold, boundary):
    answer = Answer.of(original, occluded, threshold)
    assert answer.boundary == pytest.approx(boundary)
    assert answer.kept(np.array([original, occluded])).tolist() == [True, False]
    assert not answer.nothing_needed


def test_an_answer_that_nothing_takes_away_is_told():
    assert Answer.of(4.0, 4.0).nothing_needed
    assert Answer(4.0, 3.0, boundary=2.0).nothing_needed


def test_the_share_that_is_kept():
    answer = Answer.of(3.0, -1.0, 0.0)
    assert answer.share(np.array([-5.0, -1.0, 1.0, 3.0, 9.0])).tolist() == [0, 0, 0.5, 1, 1]
