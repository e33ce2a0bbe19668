"""Who reads what, and when: each reader every case twice, once with and once without explanation.

A crossover in two sessions. In the first session a case is read one way, in the second, weeks
later, the other way, so that all readers are compared with themselves. Which half comes with
explanations first is drawn, evenly among positives and among negatives; the next reader gets the
halves the other way round, so that no case is favoured. The order within a session is drawn for
each reader.

The reader sees a number that says nothing: the key to the cases stays with who runs the study.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import SettingsError

SESSIONS = 2
# Of a shown number: enough that two cases never get the same, and it can be said aloud.
_NUMBERS = 1_000_000


@dataclass(frozen=True)
class Reading:
    """One case to be read once.

    Parameters
    ----------
    reader : str
        Who reads.
    session, place : int
        1 or 2; and where in the session, from 1.
    number : str
        What the reader sees in place of a name.
    case : str
        The case's id; never shown.
    explained : bool
        With the explanation.
    """

    reader: str
    session: int
    place: int
    number: str
    case: str
    explained: bool


def plan_readings(
    cases: Sequence[str], positive: Sequence[bool], readers: Sequence[str], seed: int
) -> tuple[Reading, ...]:
    """Return all readings, by reader, session and place.

    Parameters
    ----------
    cases : sequence of str
        Ids, each once.
    positive : sequence of bool
        Whether the finding is there: halves are balanced within each.
    readers : sequence of str
        Names, each once.
    seed : int
        Of everything that is drawn.

    Raises
    ------
    SettingsError
        If there are fewer than two cases, no reader, or a name twice.
    """
    if len(cases) < 2:
        raise SettingsError(f"A reader study needs at least two cases; there are {len(cases)}.")
    if not readers or len(set(readers)) < len(readers):
        raise SettingsError("Give each reader another name, such as anna and ben.")
    rng = np.random.default_rng(seed)
    first = _half(np.asarray(positive, bool), rng)
    found: list[Reading] = []
    for turn, reader in enumerate(readers):
        numbers = rng.choice(_NUMBERS, SESSIONS * len(cases), replace=False)
        for session in range(SESSIONS):
            order = rng.permutation(len(cases))
            for place, case in enumerate(order):
                number = numbers[session * len(cases) + place]
                explained = bool(first[case]) ^ bool((turn + session) % 2)
                found.append(
                    Reading(reader, session + 1, place + 1, f"{number:06d}", cases[case], explained)
                )
    return tuple(found)


def _half(positive: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return a drawn half of the positives and of the negatives: (N,), bool.

    Of odd numbers the positives' larger half and the negatives' smaller one, so that the whole is
    even, too.
    """
    chosen = np.zeros(len(positive), bool)
    for group, up in ((np.flatnonzero(positive), 1), (np.flatnonzero(~positive), 0)):
        count = (len(group) + up) // 2
        chosen[rng.permutation(group)[:count]] = True
    return chosen
