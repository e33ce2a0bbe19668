"""Code runs after a yes, once per content; what was accepted is remembered by its hash."""

import json

import pytest

from CTCounterfactualLib.errors import ModelError
from CTCounterfactualLib.models.own.consent import RECORD, Consent
from CTCounterfactualLib.models.own.load import load_own_classifier

from .conftest import NETWORK

MARKING = "import pathlib\npathlib.Path(__file__).with_name('ran').touch()\n" + NETWORK


class Asked:
    """Answers all questions the same way and keeps them."""

    def __init__(self, answer: bool):
        self.answer = answer
        self.questions = []

    def __call__(self, question: str) -> bool:
        self.questions.append(question)
        return self.answer


def test_nothing_runs_without_a_yes(write, tmp_path, nobody):
    card = write(**{"net.py": MARKING})
    with pytest.raises(ModelError, match=r"net.py is code.*trust=True"):
        load_own_classifier(card, nobody)
    no = Asked(False)
    with pytest.raises(ModelError, match=r"nobody agreed"):
        load_own_classifier(card, Consent(nobody.folder, no))
    assert len(no.questions) == 1
    assert not (tmp_path / "ran").exists()
    assert not (nobody.folder / RECORD).exists()


def test_asked_once_and_again_when_a_byte_changes(write, tmp_path, nobody):
    card = write(**{"net.py": MARKING})
    yes = Asked(True)
    consent = Consent(nobody.folder, yes)
    first = load_own_classifier(card, consent)
    assert (tmp_path / "ran").exists()
    load_own_classifier(card, consent)
    load_own_classifier(card, nobody)  # remembered: nobody needs to be there
    assert len(yes.questions) == 1
    changed = load_own_classifier(write(**{"net.py": MARKING + "#"}), consent)
    assert len(yes.questions) == 2 and changed.sha256 != first.sha256


def test_trust_is_remembered(write, trusting, nobody):
    load_own_classifier(write(), trusting)
    (entry,) = json.loads((nobody.folder / RECORD).read_text()).values()
    assert entry["name"] == "net.py"
    load_own_classifier(write(), nobody)


@pytest.mark.parametrize("content", ["{", "[]", "\x00"])
def test_a_damaged_record_trusts_nothing(write, trusting, content):
    trusting.folder.mkdir()
    (trusting.folder / RECORD).write_text(content)
    with pytest.raises(ModelError, match=r"damaged.*Remove it"):
        load_own_classifier(write(), trusting)
