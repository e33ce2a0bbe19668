"""The tables of a cohort: both formats hold the same, and come back to the bit."""

import csv
import math

import pyarrow.parquet as parquet
import pytest

from CTCounterfactualLib.cohort.rows import DONE, FAILED, CaseRow, ChunkRow
from CTCounterfactualLib.cohort.tables import read_cases, read_chunks, write_tables
from CTCounterfactualLib.errors import OutputError

CASES = [
    CaseRow(
        "a", "/scans/a, b.nrrd", "", "p1", 1.0, DONE, attempts=1, score_original=0.1 + 0.2,
        flipped=True, chunk=10, flags="haze too-bright", metrics={"success": 1.0 / 3.0},
        trust={"noise": "pass"}, stress={"electrode": 0.25},
    ),
    CaseRow("b", "s3://x/b", "2", "p1", 0.0, FAILED, 'corrupt: "no header"', 2,
            metrics={"iou": math.pi}),
]  # fmt: skip
CHUNKS = [ChunkRow("a", 5, 0, 5, -10.0, 5.0, 0.9, 0.7, 0.9 - 0.7, -3.0, 0.01)]


def test_rows_come_back_to_the_bit(tmp_path):
    write_tables(tmp_path, CASES, CHUNKS)
    assert read_cases(tmp_path) == CASES
    assert read_chunks(tmp_path) == CHUNKS


def test_parquet_holds_the_same_columns_and_values_as_csv(tmp_path):
    write_tables(tmp_path, CASES, CHUNKS)
    for name in ("cases", "chunks"):
        table = parquet.read_table(tmp_path / f"{name}.parquet")
        with (tmp_path / f"{name}.csv").open(newline="", encoding="utf-8") as file:
            header, *rows = csv.reader(file)
        assert table.column_names == header and table.num_rows == len(rows)
    one, two = parquet.read_table(tmp_path / "cases.parquet").to_pylist()
    assert one["score_original"] == CASES[0].score_original and one["flipped"] is True
    assert one["metrics.success"] == 1.0 / 3.0 and one["metrics.iou"] is None
    assert two["trust.noise"] is None and two["reason"] == CASES[1].reason


def test_a_folder_without_tables_is_told(tmp_path):
    with pytest.raises(OutputError, match="no finished cohort"):
        read_cases(tmp_path)
    (tmp_path / "cases.csv").write_text("id,path\na,b\n")
    with pytest.raises(OutputError, match="no table of a cohort"):
        read_cases(tmp_path)
