"""Numbers of bytes in words: a unit that leaves a figure to read."""

import pytest

from CTCounterfactualLib.storage.sizes import in_words


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (18, "18 bytes"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (1550, "1.6 kB"),
        (9949, "9.9 kB"),
        (9999, "10 kB"),
        (999_499, "999 kB"),
        (999_500, "1.0 MB"),
        (124_000_000, "124 MB"),
        (3.2e9, "3.2 GB"),
        (5e15, "5000 TB"),
    ],
)
def test_bytes_in_words_never_read_as_nothing(count, words):
    assert in_words(count) == words
