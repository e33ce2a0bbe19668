"""`trust.json` in the result folder, and failures shown wherever the result is shown."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..counterfactual.result import Explanation, Flag
from ..errors import MissingExtraError
from ..methods.attribution import Attribution
from ..outputs.attribution_figure import write_attribution_figure
from ..outputs.attribution_files import cleaned_attribution
from ..outputs.failed import FAILED_TEST
from ..outputs.figure import write_figure
from ..outputs.folder import SCENE
from ..outputs.joined import join_result
from ..outputs.reading import read_record
from ..outputs.report_measured import write_report_anew
from ..outputs.says.files import SAYS_FILE, TRUST_FILE, write_says
from ..outputs.texts import cleaned
from ..storage.atomic import whole_file, write_json
from .verdict import Verdict

FIGURE = "figure.png"

logger = logging.getLogger(__name__)


def write_examination(
    folder: Path,
    result: Explanation | Attribution,
    content: dict[str, Any],
    verdicts: Sequence[Verdict],
) -> None:
    """Write `trust.json`; put failed tests first among the flags of record, figure, report, scene.

    Flags of an earlier examination give way. Each file is whole before or after; the record, which
    decides, is written before what is drawn from it.

    Raises
    ------
    OutputError
        If something can't be written.
    """
    flags = tuple(flag for flag in (verdict.flag() for verdict in verdicts) if flag is not None)
    before = result.flags
    write_json(folder / TRUST_FILE, content)
    join_result(folder, TRUST_FILE, flags, replacing=FAILED_TEST)
    shown = replace(result, flags=with_flags(before, flags))
    write_says(folder, cleaned_any(shown), content["tests"])
    if SAYS_FILE not in read_record(folder)["files"]:  # of a version that wrote none
        join_result(folder, SAYS_FILE)
    if shown.flags != before:
        _draw_anew(folder, shown)
    else:
        write_report_anew(folder, cleaned_any(shown))  # which tells how the tests went


def with_flags(before: Sequence[Flag], flags: Sequence[Flag]) -> tuple[Flag, ...]:
    """Return flags with failed tests first, instead of those of an earlier examination."""
    return (*flags, *(flag for flag in before if not flag.name.startswith(FAILED_TEST)))


def cleaned_any(result: Explanation | Attribution) -> Explanation | Attribution:
    """Return a result of either kind all of whose names can be written."""
    return cleaned_attribution(result) if isinstance(result, Attribution) else cleaned(result)


def _draw_anew(folder: Path, result: Explanation | Attribution) -> None:
    """Write those of figure, report and scene again that the result has."""
    result = cleaned_any(result)
    if isinstance(result, Attribution):
        with whole_file(folder / FIGURE) as partial:
            write_attribution_figure(result, partial)
    else:
        with whole_file(folder / FIGURE) as partial:
            write_figure(result, partial)
    write_report_anew(folder, result)
    if SCENE in read_record(folder)["files"]:
        _draw_scene(result, folder / SCENE)


def _draw_scene(result: Explanation | Attribution, path: Path) -> None:
    try:
        from ..scene.bundle.write import write_scene
    except MissingExtraError as error:
        logger.warning("%s shows the result as it was before its tests: %s", path.name, error)
        return
    with whole_file(path) as partial:
        write_scene(result, partial)
