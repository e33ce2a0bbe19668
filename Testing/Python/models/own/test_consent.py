"""Code runs after a yes, once per content; what was accepted is remembered by its hash."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from CTCounterfactualLib.errors import ModelError
from CTCounterfactualLib.models.own.consent import RECORD, Consent
from CTCounterfactualLib.models.own.load import load_own_classifier

from .conftest import CARD, NETWORK

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


def test_what_is_called_and_with_what_is_part_of_what_is_agreed_to(write, trusting, nobody):
    """A card can't make other use of a file that was accepted, by another function or arguments."""
    network = NETWORK + "def other(a=1):\n    return Net()\n"
    load_own_classifier(write(**{"net.py": network}), trusting)
    line = 'file = "net.py"\n'
    for more in ('factory = "Net"', 'factory = "other"\narguments = { a = 2 }'):
        card = write(CARD.replace(line, f"{line}{more}\n"), **{"net.py": network})
        with pytest.raises(ModelError, match=r"nobody agreed"):
            load_own_classifier(card, nobody)


def test_files_of_other_names_are_other_code(write, trusting, nobody):
    """`from .a import f` means another file when two accepted ones change their names."""
    line = 'file = "net.py"\n'
    files = {"net.py": NETWORK, "a.py": "x = 1", "b.py": "x = 2"}
    load_own_classifier(
        write(CARD.replace(line, line + 'also = ["a.py", "b.py"]\n'), **files), trusting
    )
    files |= {"a.py": "x = 2", "b.py": "x = 1"}
    card = write(CARD.replace(line, line + 'also = ["b.py", "a.py"]\n'), **files)
    with pytest.raises(ModelError, match=r"nobody agreed"):
        load_own_classifier(card, nobody)


@pytest.mark.parametrize("place", ["a file", "/proc/nowhere/cache", "a folder as the record"])
def test_a_yes_that_cannot_be_remembered_holds_for_this_time(write, tmp_path, caplog, place):
    folder = tmp_path / "afile"
    if place == "a file":
        folder.write_text("")
    elif place.startswith("/"):
        folder = Path(place)
    else:
        (folder / RECORD).mkdir(parents=True)
    load_own_classifier(write(), Consent(folder, trust=True))
    assert "could not be remembered" in caplog.text
    with pytest.raises(ModelError, match=r"nobody agreed"):
        load_own_classifier(write(), Consent(folder))


def test_two_processes_that_agree_at_once_are_both_remembered(tmp_path):
    consents = [Consent(tmp_path, trust=True) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: consents[n].require(f"m{n}", f"{n}" * 64, "why."), range(8)))
    assert len(json.loads((tmp_path / RECORD).read_text())) == 8
    assert [path.name for path in tmp_path.iterdir()] == [RECORD]


def test_a_file_replaced_while_the_user_is_asked_does_not_run(write, tmp_path, nobody):
    card = write()

    def yes(_question: str) -> bool:
        (tmp_path / "net.py").write_text(MARKING)
        return True

    load_own_classifier(card, Consent(nobody.folder, yes))
    assert not (tmp_path / "ran").exists()
    with pytest.raises(ModelError, match=r"nobody agreed"):
        load_own_classifier(card, nobody)
