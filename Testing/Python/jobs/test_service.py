"""Wishes of a session: the newest counts, planes come first, and nothing is left behind."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "counterfactual"))

from users import GRID, Halves, Judge

from CTCounterfactualLib import ModelError, Scan, SettingsError, prepare_session
from CTCounterfactualLib.events import CancelToken
from CTCounterfactualLib.jobs import service as service_module
from CTCounterfactualLib.jobs.job import FileInput, Job
from CTCounterfactualLib.jobs.live_file import LiveFile
from CTCounterfactualLib.jobs.service import Service
from CTCounterfactualLib.jobs.wishes import (
    Attention,
    Keep,
    Lines,
    Move,
    Wishes,
    parse,
)

SLICES, IDLE_S = 30, 600.0
SETTINGS = {"mode": "whole", "frames": 0, "max_change": 0.1, "within": "volume"}


class Place:
    """A session with its service, and a user who answers events."""

    def __init__(self, folder: Path):
        hu = np.random.default_rng(7).integers(-900, 300, (SLICES, 16, 20)).astype(np.int16)
        self.scan = Scan.from_array(hu, GRID.spacing, name="long")
        self.cancel = CancelToken()
        self.wishes = Wishes(self.cancel)
        attention = Attention(self.wishes)
        self.session = prepare_session(
            self.scan, Judge(), autoencoder=Halves(), cancel=attention, **SETTINGS
        )
        self.live = LiveFile.write(folder / "live.raw", self.scan.array)
        self.events, self.answers = [], {}
        job = Job(FileInput("long.nrrd"), str(folder / "own"), scene=False)
        self.service = Service(job, self.session, self.live, self.wishes, attention, self._on_event)
        self.lam = self.session.limit("decrease").lam

    def _on_event(self, event) -> None:
        self.events.append(event)
        answer = self.answers.pop(event.step, None)
        if answer is not None:
            answer()

    def end(self) -> None:
        self.wishes.take(None)

    def run(self, *wishes, idle_s=IDLE_S, **answers) -> str:
        self.answers = answers
        for wish in wishes:
            self.wishes.take(wish)
        return self.service.run(idle_s)

    def of(self, step) -> list:
        return [event.data for event in self.events if event.step == step]


@pytest.fixture
def place(tmp_path):
    made = Place(tmp_path)
    yield made
    made.session.close()
    made.live.close(remove=True)
    assert not (tmp_path / "live.raw").exists()


def test_planes_score_and_then_all_of_the_scan_are_shown(place):
    planes = ((0, 12), (1, 5), (2, 7))
    place.run(Move(place.lam, planes), settled=place.end)
    steps = [event.step for event in place.events]
    assert steps[0] == "plane" and place.of("plane")[0]["axis"] == 0  # the quick one first
    assert steps.index("position") > max(n for n, step in enumerate(steps) if step == "plane")
    assert place.of("position")[0]["score"] < place.session.original_score
    place.cancel._event.clear()
    kept = place.session.keep(place.lam).counterfactual
    assert (kept != place.scan.array).any()
    assert np.array_equal(place.live.voxels, kept)


def test_of_many_places_the_newest_is_shown_alone(place):
    def drag():
        for share in (0.2, 0.4, 0.6, 0.8):
            place.wishes.take(Move(share * place.lam, ((0, 3),)))

    place.run(Move(place.lam, ((0, 12), (1, 5))), plane=drag, settled=place.end)
    assert [round(p["lambda"] / place.lam, 6) for p in place.of("position")] == [0.8]
    assert {round(p["lambda"] / place.lam, 6) for p in place.of("plane")} == {1.0, 0.8}


@pytest.mark.parametrize("plane", [(0, 12), (1, 5)])
def test_while_lambda_is_dragged_something_is_shown_of_each_place(place, plane, monkeypatch):
    """A wish is there whenever one is looked for: the planes must not wait for a pause."""
    monkeypatch.setattr(service_module, "PARTIAL_S", 0.0)
    shares = [0.9, 0.7, 0.5, 0.3]

    def drag():
        if shares:
            place.answers["plane"] = drag
            place.wishes.take(Move(shares.pop() * place.lam, (plane,)))

    place.run(Move(place.lam, (plane,)), plane=drag, settled=place.end)
    shown = [round(p["lambda"] / place.lam, 6) for p in place.of("plane")]
    assert sorted(set(shown)) == [0.3, 0.5, 0.7, 0.9, 1.0]
    assert len(place.of("position")) == 1


def test_the_other_direction_is_prepared_once_and_said(place):
    place.run(
        Move(-0.5 * place.lam, ((0, 3),)),
        settled=lambda: (
            place.wishes.take(Move(-place.lam, ((0, 3),))),
            place.answers.update(settled=place.end),
        ),
    )
    assert [event.step for event in place.events].count("turning") == 1
    assert place.of("position")[1]["score"] > place.session.original_score


def test_a_plane_across_slices_fills_from_the_nearest(place, monkeypatch):
    monkeypatch.setattr(service_module, "PARTIAL_S", 0.0)
    seen = []

    def look():
        seen.append(place.live.voxels[:, 5].copy())
        place.end()

    place.answers = {"plane": lambda: place.answers.update(plane=look)}
    place.wishes.take(Move(place.lam, ((0, 12), (1, 5))))
    place.service.run(IDLE_S)
    partial = place.of("plane")[1]
    assert partial["axis"] == 1 and 0 < partial["ready"] < 1
    (plane,) = seen
    changed = (plane != place.scan.array[:, 5]).any(axis=1)
    assert changed[12]
    assert not changed[[0, -1]].any()  # not there yet: as before


def test_where_decision_and_limit_lie_is_looked_for_when_nothing_is_wished(place):
    def again():
        place.answers["marks"] = place.end

    place.run(marks=again)
    first, second = place.of("marks")
    assert (first["direction"], second["direction"]) == ("decrease", "increase")
    assert first["limit"]["lam"] < 0 < second["limit"]["lam"]
    assert first["limit"]["measured"]
    assert [0.0, place.session.original_score, 0.0] == first["points"][0]


def test_a_result_is_kept_in_a_folder_and_the_session_goes_on(place, tmp_path):
    folder = tmp_path / "kept"
    place.run(
        Keep(place.lam, str(folder)),
        Move(place.lam, ((0, 3),)),
        position=lambda: place.wishes.take(Keep(place.lam, str(folder))),
        refused=place.end,
    )
    (kept,) = place.of("kept")
    assert kept["output"] == str(folder)
    assert kept["scores"]["counterfactual"] < place.session.original_score
    assert (folder / "result.json").is_file()
    refused = next(event.message for event in place.events if event.step == "refused")
    assert "holds an earlier result" in refused
    assert place.of("position")


def test_without_a_wish_it_ends_and_says_so(place):
    place.service._marked = {"decrease", "increase"}
    assert "idle" in place.run(idle_s=0.0)


def test_what_fails_while_nothing_is_wished_is_said_once(place, monkeypatch):
    def fails(direction):
        raise ModelError(f"no number to {direction}")

    monkeypatch.setattr(place.session, "find_marks", fails)
    assert "idle" in place.run(idle_s=0.0)
    said = [event.message for event in place.events]
    assert said == ["no number to decrease", "no number to increase"]


def test_its_end_interrupts_what_it_does(place):
    assert place.run(Move(place.lam, ((1, 5),)), plane=place.end) == "The session has ended."
    assert place.of("settled") == []


def test_a_plane_that_is_not_there_is_refused_and_the_next_one_shown(place):
    place.run(
        Move(place.lam, ((0, SLICES),)),
        refused=lambda: place.wishes.take(Move(place.lam, ((0, 3),))),
        position=place.end,
    )
    assert "counted from 0" in place.events[0].message
    assert place.of("plane")[0]["number"] == 3


def test_lines_become_wishes_however_they_are_cut():
    wishes = Wishes(CancelToken())
    lines = Lines(wishes.take_line)
    text = b'{"do": "move", "lambda": 1, "planes": [[0, 3]]}\n{"do": "keep", "lambda": 2}\nhm\n'
    for byte in text:
        lines.feed(bytes([byte]))
    assert wishes.next() == Keep(2.0)
    assert wishes.next() == Move(1.0, ((0, 3),))
    assert wishes.next() is None
    assert "'hm'" in wishes.refusals()[0]
    lines.feed(b'{"do": "end"}\n')
    assert wishes.cancel.cancelled


@pytest.mark.parametrize(
    "line",
    [
        "7",
        '{"do": "jump"}',
        '{"do": "move"}',
        '{"do": "move", "lambda": NaN}',
        '{"do": "move", "lambda": true}',
        '{"do": "move", "lambda": 1, "planes": [[3, 0]]}',
        '{"do": "move", "lambda": 1, "planes": 5}',
        '{"do": "keep", "lambda": 1, "output": 5}',
    ],
)
def test_what_is_no_wish_is_refused(line):
    with pytest.raises(SettingsError, match="expected"):
        parse(line)


def test_a_live_file_for_which_there_is_no_room_is_said(tmp_path):
    from CTCounterfactualLib import OutputError

    scan = np.zeros((2, 3, 4), np.int16)
    with pytest.raises(OutputError, match="live volume"):
        LiveFile.write(tmp_path / "not there" / "live.raw", scan)
    live = LiveFile.write(tmp_path / "live.raw", scan)
    described = live.describe()
    live.voxels[1, 2, 3] = 7
    other = LiveFile.look(described)
    assert other.voxels[1, 2, 3] == 7
    with pytest.raises(ValueError, match="read-only"):
        other.voxels[0, 0, 0] = 1
    live.close(remove=True)
    with pytest.raises(OutputError, match="Prepare again"):
        LiveFile.look({**described, "path": str(tmp_path / "gone.raw")})
