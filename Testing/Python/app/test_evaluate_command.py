"""The verb `evaluate` from the command line: table, exit codes, one-line errors."""

import pytest

from block_scan import BlockSeer, known_scan
from CTCounterfactualLib.app.cli import main
from CTCounterfactualLib.counterfactual.engine import explain
from CTCounterfactualLib.outputs.folder import write_result


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    made = explain(known_scan().scan, BlockSeer(), mode="whole")
    return write_result(
        made, tmp_path_factory.mktemp("out") / "result", scene=False, with_scan=True
    )


def test_a_table_is_printed_and_the_file_written(result, capsys):
    assert main(["evaluate", str(result), "--progress", "none"]) == 0
    out = capsys.readouterr().out
    assert "mae_hu" in out and "Not given: localisation" in out
    assert "Give its card: --classifier CARD" in out
    assert (result / "metrics.json").exists()


def test_json_progress_stands_alone(result, capsys):
    assert main(["evaluate", str(result), "--no-classifier", "--progress", "json"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert all(line.startswith("{") for line in lines)


def test_what_can_be_acted_on_is_said_in_one_line(result, tmp_path, capsys):
    assert main(["evaluate", str(tmp_path), "--progress", "none"]) == 2
    assert main(["evaluate", str(result), "--truth", "nowhere.nrrd", "--progress", "none"]) == 2
    err = capsys.readouterr().err.strip().splitlines()
    assert len(err) == 2 and "nowhere.nrrd" in err[1]
