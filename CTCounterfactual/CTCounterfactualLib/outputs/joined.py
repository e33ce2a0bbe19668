"""What joins a result later: measures and tests of it, and the warnings that follow from them.

A joined file is listed in the record, so that the result is replaced and removed as a whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from ..counterfactual.result import Flag
from ..storage.atomic import write_json
from .earlier import RECORD
from .reading import read_record
from .texts import clean


def join_result(folder: Path, name: str, flags: Sequence[Flag] = (), replacing: str = "") -> None:
    """List a file in the record of a result, and put flags into it.

    Parameters
    ----------
    folder : Path
        The result folder; `name` lies in it already.
    name : str
        Of the file.
    flags : sequence of Flag
        To be added, before all others: what shows few shows these.
    replacing : str
        Earlier flags whose names begin so give way; empty: none.

    Raises
    ------
    OutputError
        If there is no record, or it can't be written; it is then as before.
    """
    record = read_record(folder)
    if name not in record["files"]:
        record["files"] = [*sorted({*record["files"], name} - {RECORD}), RECORD]
    kept = [
        flag for flag in record["flags"] if not (replacing and flag["name"].startswith(replacing))
    ]
    added = [asdict(Flag(flag.name, clean(flag.message))) for flag in flags]
    record["flags"] = [*added, *kept]
    write_json(folder / RECORD, record)
