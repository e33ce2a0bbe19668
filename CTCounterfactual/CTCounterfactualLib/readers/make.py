"""Make a reader study of a finished cohort: a page for each reader and session, and the key.

STUDY/
  study.json              what was asked, of which cohort, and the seed
  key.csv                 which number is which case: stays with who runs the study
  read-NAME-1.html, -2    what reader NAME gets; the second some weeks after the first
  answers/                the files that readers send back: answers-NAME-1.json
  scores.json             after `reader-study score`
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from html import escape
from pathlib import Path
from string import Template
from typing import Any

from ..cohort.rows import DONE, CaseRow
from ..cohort.tables import read_cases
from ..counterfactual.result import DISCLAIMER
from ..errors import OutputError, SettingsError
from ..events import CancelToken, Event
from ..outputs.numbers import amount
from ..storage.atomic import write_json, write_text
from ..storage.names import check_name, check_plain_name
from .pictures import slices_of
from .plan import SESSIONS, Reading, plan_readings

STUDY, KEY, ANSWERS, SCORES = "study.json", "key.csv", "answers", "scores.json"
SCHEMA = 1
HERE = Path(__file__).parent
INTRO = (
    "You will see {cases} CT scans, one after the other, each with the classifier's score, some "
    "with an explanation: the scan as it would have to look for another score, and what was "
    "changed for that. Say how sure you are yourself that the finding is there. There is no "
    "way back to an earlier case. Your answers stay in this browser until you download them."
)


@dataclass(frozen=True)
class StudySettings:
    """What a study is made with.

    Parameters
    ----------
    readers : tuple of str
        Their names, or numbers.
    cases : int
        How many cases are read; as many positives as negatives as far as there are. 0: all.
    seed : int
        Of choice, halves and orders.
    question : str
        What is to be looked for; empty: the cohort's target.
    """

    readers: tuple[str, ...] = ("1", "2")
    cases: int = 40
    seed: int = 0
    question: str = ""


@dataclass(frozen=True)
class KeyRow(Reading):
    """A reading with what the reader isn't told: label and patient."""

    label: float
    group: str


def make_study(
    cohort: str | Path,
    out: str | Path,
    settings: StudySettings,
    progress: Callable[[Event], None] | None = None,
    cancel: CancelToken | None = None,
) -> Path:
    """Write a study into a folder that is absent or empty; return it.

    Raises
    ------
    OutputError
        If the cohort isn't finished or holds no pictures, or the study can't be written.
    SettingsError
        If there are too few cases, or readers' names don't fit.
    """
    import numpy as np

    cohort, out = Path(cohort), check_name(out)
    for reader in settings.readers:
        check_plain_name(reader, "reader", SettingsError)
    if out.exists() and any(out.iterdir()):
        raise OutputError(f"{out} holds something already; give a new folder for the study.")
    cases = _chosen(read_cases(cohort), settings, np.random.default_rng(settings.seed))
    by_id = {case.id: case for case in cases}
    plan = plan_readings(
        list(by_id), [case.positive for case in cases], settings.readers, settings.seed
    )
    pictures = {}
    for number, case in enumerate(cases):
        if cancel is not None:
            cancel.check()
        if progress is not None:
            progress(Event("pictures", f"Pictures of {case.id}", number / len(cases)))
        pictures[case.id] = slices_of(cohort / case.folder)
    target = settings.question or next((case.target for case in cases if case.target), "")
    study = _name(cases, settings)
    told = {"schema": SCHEMA, "study": study, "question": target, "cohort": cohort.name}
    with _all_or_nothing(out):
        for reader in settings.readers:
            for session in range(1, SESSIONS + 1):
                if cancel is not None:
                    cancel.check()
                own = [one for one in plan if (one.reader, one.session) == (reader, session)]
                shown = [_shown(one, by_id[one.case], asdict(pictures[one.case])) for one in own]
                page = _page(study, reader, session, target, shown)
                write_text(out / f"read-{reader}-{session}.html", page, parents=True)
        write_text(out / KEY, _key(plan, by_id))
        (out / ANSWERS).mkdir()
        write_json(out / STUDY, told | asdict(settings))
    return out


@contextmanager
def _all_or_nothing(out: Path) -> Iterator[None]:
    """Take a new folder away again if it can't be filled: readers must not get a part of it."""
    was_there = out.exists()
    try:
        yield
    except BaseException:
        shutil.rmtree(out, ignore_errors=True)
        if was_there:  # it was empty
            out.mkdir(exist_ok=True)
        raise


def _chosen(cases: Sequence[CaseRow], settings: StudySettings, rng: Any) -> list[CaseRow]:
    """Return the cases to read, drawn, positives and negatives as even as they can be."""
    fit = [case for case in cases if case.status == DONE and case.folder]
    if not fit:
        raise OutputError(
            "No case of the cohort has a folder with volumes: run it so that all files are kept."
        )
    wanted = min(settings.cases or len(fit), len(fit))
    groups = [[case for case in fit if case.positive == kind] for kind in (True, False)]
    positives = min(len(groups[0]), max((wanted + 1) // 2, wanted - len(groups[1])))
    counts = (positives, wanted - positives)
    return [
        group[int(n)]
        for group, count in zip(groups, counts, strict=True)
        for n in sorted(rng.permutation(len(group))[:count])
    ]


def _name(cases: Sequence[CaseRow], settings: StudySettings) -> str:
    """Return a short name that another study doesn't have: answers can't be mixed up."""
    told = json.dumps([asdict(settings), [[case.id, case.sha256] for case in cases]])
    return hashlib.sha256(told.encode("utf-8", "replace")).hexdigest()[:12]


def _shown(one: Reading, case: CaseRow, pictures: dict[str, Any]) -> dict[str, Any]:
    """Return what the page holds of a case: without explanation nothing of it is there."""
    kinds = pictures if one.explained else {"scan": pictures["scan"]}
    score = "" if case.score_original is None else amount(case.score_original, 3)
    return {
        "number": one.number,
        "score": f"The classifier says {score} {case.unit}".rstrip() + ".",
        "pictures": kinds,
    }


def _page(study: str, reader: str, session: int, target: str, cases: list[dict[str, Any]]) -> str:
    content = {"study": study, "reader": reader, "session": session, "cases": cases}
    script = (HERE / "page.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
    question = f"Is there: {target}?" if target else "Is the finding there?"
    return Template((HERE / "page.html").read_text(encoding="utf-8")).substitute(
        digest=f"sha256-{digest}",
        title=escape(f"Reader study, reader {reader}, session {session}"),
        question=escape(question),
        about=escape(f"Reader {reader}, session {session} of {SESSIONS}"),
        disclaimer=escape(DISCLAIMER),
        intro=escape(INTRO.format(cases=len(cases))),
        data=json.dumps(content, separators=(",", ":")).replace("<", "\\u003c"),
        script=script,
    )


def _key(plan: Sequence[Reading], cases: dict[str, CaseRow]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, [one.name for one in fields(KeyRow)], lineterminator="\n")
    writer.writeheader()
    for one in plan:
        case = cases[one.case]
        row = KeyRow(**asdict(one), label=case.label, group=case.group)
        writer.writerow(asdict(row) | {"explained": int(one.explained)})
    return text.getvalue()
