"""Converted models: made once, also by two at a time, and never taken half or edited."""

import threading
import time

import pytest

from CTCounterfactualLib.errors import ModelError
from CTCounterfactualLib.models.store.conversions import (
    FOLDER,
    clear_conversions,
    conversion_name,
    converted,
    remove_conversions,
)
from CTCounterfactualLib.models.store.pins import read_pins

NAME = conversion_name("model", "a" * 64, yaml="b")


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "models"
    folder.mkdir()
    return folder


class Converter:
    """Writes two small files, and counts how often."""

    def __init__(self, fails_after_weights: bool = False, slow: bool = False):
        self.calls = 0
        self.fails, self.slow = fails_after_weights, slow

    def __call__(self, folder, name):
        self.calls += 1
        (folder / f"{name}.safetensors").write_bytes(b"weights")
        if self.slow:
            time.sleep(0.2)
        if self.fails:
            raise ModelError("killed half-way")
        (folder / f"{name}.json").write_text("{}")
        return folder / f"{name}.json"


def files(folder) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def use(folder, convert) -> bytes:
    with converted(folder, NAME, convert) as card:
        assert card.read_text() == "{}"
        return card.with_suffix(".safetensors").read_bytes()


def test_a_name_tells_checkpoint_yaml_and_options_apart():
    names = {
        conversion_name("model", checkpoint * 64, yaml=yaml, scale=scale)
        for checkpoint in "ab"
        for yaml in ("", "c")
        for scale in (1.0, 2.0)
    }
    assert len(names) == 8 and all(len(name.split("-")) == 3 for name in names)


def test_it_is_made_once(folder):
    convert = Converter()
    assert [use(folder, convert) for _ in range(2)] == [b"weights"] * 2
    assert convert.calls == 1
    assert files(folder) == [f"{NAME}.json", f"{NAME}.safetensors", "pins.json"]


def test_two_at_a_time_make_it_once(folder):
    convert = Converter(slow=True)
    threads = [threading.Thread(target=use, args=(folder, convert)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert convert.calls == 1


def test_one_that_failed_leaves_nothing(folder):
    with pytest.raises(ModelError, match="half-way"):
        use(folder, Converter(fails_after_weights=True))
    assert files(folder) == []


@pytest.mark.parametrize(
    "spoil",
    [
        lambda card: card.unlink(),
        lambda card: card.write_text('{"edited": 1}'),
        lambda card: card.with_suffix(".safetensors").unlink(),
        lambda card: card.with_suffix(".safetensors").write_bytes(b"weight"),
    ],
)
def test_half_or_changed_it_is_made_again(folder, spoil):
    """As after a kill between the two files, or before the record was on the disk."""
    convert = Converter()
    use(folder, convert)
    spoil(folder / FOLDER / f"{NAME}.json")
    assert use(folder, convert) == b"weights" and convert.calls == 2


def test_files_of_another_origin_are_not_taken(folder):
    (folder / FOLDER).mkdir()
    (folder / FOLDER / f"{NAME}.json").write_text('{"foreign": 1}')
    (folder / FOLDER / f"{NAME}.safetensors").write_bytes(b"foreign")
    assert use(folder, Converter()) == b"weights"


def test_where_nothing_can_be_written_it_is_made_for_this_time_only(folder):
    (folder / FOLDER).write_bytes(b"a file in its place")
    convert = Converter()
    assert [use(folder, convert) for _ in range(2)] == [b"weights"] * 2
    assert convert.calls == 2 and files(folder) == [FOLDER]


def test_removing_takes_what_was_made_of_this_checkpoint_and_nothing_else(folder):
    use(folder, Converter())
    other = conversion_name("model", "c" * 64, yaml="b")
    with converted(folder, other, Converter()):
        pass
    (folder / FOLDER / f"mine-{'a' * 12}-x.json").write_text("mine")
    assert remove_conversions(folder, "a" * 64) == len(b"weights{}")
    assert files(folder / FOLDER) == sorted(
        [f"mine-{'a' * 12}-x.json", f"{other}.json", f"{other}.safetensors"]
    )
    clear_conversions(folder, read_pins(folder))
    assert files(folder) == [f"mine-{'a' * 12}-x.json"]
