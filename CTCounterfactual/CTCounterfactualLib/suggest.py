"""What may have been meant by a name that nobody knows, in a sentence for an error message."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

MOST_MEANT = 5
# Likeness, 0..1, from which a known name may be meant: "maen" and "mean" have 0.75.
LIKENESS = 0.5
# So many names are all listed where none is like it; of more only the first few.
MOST_LISTED, SHOWN = 30, 5


def suggest(name: str, known: Iterable[str]) -> str:
    """Return a sentence that tells which known names are like this one, or else which there are.

    Case and underscores don't count; names that hold this one come before those that are like it.
    """
    known = list(known)
    meant = like(name, known)
    if meant:
        return f"Did you mean {' or '.join(repr(word) for word in meant)}?"
    if len(known) <= MOST_LISTED:
        return f"Choose one of: {', '.join(known)}."
    return f"Choose one of: {', '.join(known[:SHOWN])} ({len(known)} in all)."


def like(name: str, known: Iterable[str]) -> list[str]:
    """Return the known names that may have been meant, the most likely first."""
    by_fold: dict[str, list[str]] = {}
    for word in known:
        by_fold.setdefault(_fold(word), []).append(word)
    asked = _fold(name)
    holding = sorted((fold for fold in by_fold if asked and asked in fold), key=len)
    close = difflib.get_close_matches(asked, by_fold, n=MOST_MEANT, cutoff=LIKENESS)
    folds = dict.fromkeys((*holding[:MOST_MEANT], *close))
    return [word for fold in folds for word in by_fold[fold]][:MOST_MEANT]


def _fold(name: str) -> str:
    return name.replace("_", "").casefold()
