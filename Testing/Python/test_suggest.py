"""What may have been meant: likely names first, whatever their case, and never a flood of them."""

import pytest

from CTCounterfactualLib.suggest import suggest

KNOWN = ("chunkSize", "maxChange", "max_memory", "lung-volume", "ct-vqgan-small")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("chunksize", "Did you mean 'chunkSize'?"),
        ("max_change", "Did you mean 'maxChange'?"),
        ("vqgan", "Did you mean 'ct-vqgan-small'?"),
        ("lung-volum", "Did you mean 'lung-volume'?"),
        ("max", "Did you mean 'maxChange' or 'max_memory'?"),
        ("zzz", f"Choose one of: {', '.join(KNOWN)}."),
        ("", f"Choose one of: {', '.join(KNOWN)}."),
    ],
)
def test_what_is_like_it_or_all(name, words):
    assert suggest(name, KNOWN) == words


def test_names_that_differ_in_case_only_are_both_told():
    assert suggest("MASS", ["Mass", "mass", "other"]) == "Did you mean 'Mass' or 'mass'?"


def test_of_very_many_only_a_few_are_told():
    many = [f"{number}" for number in range(1000)]
    assert suggest("zzz", many) == "Choose one of: 0, 1, 2, 3, 4 (1000 in all)."
    assert suggest("5", many).count(" or ") == 4
