"""The console's keywords are seen by completion and help, and are those of the settings."""

import inspect

import pytest

pytest.importorskip("slicer")

from CTCounterfactualSlicer.keywords import with_keywords
from CTCounterfactualSlicer.options import KEYWORDS, Options


@with_keywords
def explain(volumeNode, progress=None, *, place="console", **options):
    """Explain."""
    return Options.from_keywords(**options)


def test_every_keyword_is_in_the_signature_with_its_default():
    parameters = inspect.signature(explain).parameters
    assert list(parameters)[:3] == ["volumeNode", "progress", "place"]
    assert tuple(parameters)[3:] == KEYWORDS
    defaults = {name: parameters[name].default for name in KEYWORDS}
    assert (defaults["chunkSize"], defaults["maxChange"]) == (10, 0.05)
    assert (defaults["classifier"], defaults["outputs"]) == ("lung-volume", "replace")
    # What is shown as the default is what leaving it out means.
    assert explain(None, **defaults) == explain(None) == Options()


def test_help_says_what_each_keyword_is():
    text = explain.__doc__
    assert text.startswith("Explain.")
    assert "chunkSize = 10" in text
    assert all(f"\n{keyword} = " in text for keyword in KEYWORDS)


def test_an_unknown_keyword_is_still_told_in_words():
    with pytest.raises(Exception, match="Did you mean 'maxChange'"):
        explain(None, maxchange=1)
