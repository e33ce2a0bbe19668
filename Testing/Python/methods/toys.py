"""Toy classifiers whose responsibility can be worked out by hand; written random numbers."""

from __future__ import annotations

import numpy as np
import torch

from CTCounterfactualLib.methods.responsibility.answer import Answer
from CTCounterfactualLib.methods.responsibility.boxes import Box
from CTCounterfactualLib.methods.responsibility.mutants import Mutants
from CTCounterfactualLib.methods.responsibility.search import Effort, Search


class Written:
    """Random numbers as they are written down: orders of axes and places of cuts, in turn."""

    def __init__(self, *numbers):
        self.numbers = list(numbers)

    def permutation(self, values):
        order = self.numbers.pop(0)
        assert set(order) <= set(values)
        return np.array(order)

    def integers(self, low, high):
        at = self.numbers.pop(0)
        assert low <= at < high
        return at


def all_of(*places):
    """Return a classifier that says 1 if all of these voxels are kept, else 0."""

    def score(x):
        return torch.stack([x[:, 0, k, j, i] for k, j, i in places]).min(dim=0).values

    return score


def any_of(*places):
    """Return a classifier that says 1 if any of these voxels is kept, else 0."""

    def score(x):
        return torch.stack([x[:, 0, k, j, i] for k, j, i in places]).max(dim=0).values

    return score


def searched(score, shape, rng, **effort):
    """Search a volume of ones that is occluded by zeros; return maps and mutants."""
    mutants = Mutants(score, torch.ones(shape), torch.zeros(shape))
    answer = Answer.of(1.0, 0.0, 0.5)
    effort = Effort(**{"rounds": 1, "least_voxels": 1, "queue": 100, **effort})
    search = Search(mutants, answer, effort, rng if callable(rng) else lambda _: rng)
    return search.run(Box((0, 0, 0), shape)), mutants
