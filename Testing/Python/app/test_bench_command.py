"""`ct-counterfactual bench`: what is printed, what is written, and how it ends."""

import numpy as np
import pytest
import SimpleITK as sitk

from CTCounterfactualLib.app.cli import build_parser, main
from CTCounterfactualLib.scans.scan import Scan
from small_bench import write_bench


@pytest.fixture
def bench(tmp_path):
    """A block of body with a lighter middle, in which something dense is planted; two cases."""
    hu = np.full((8, 40, 40), -1000, np.int16)
    hu[:, 5:35, 5:35] = 40
    hu[:, 10:30, 10:30] = -800
    planted, mask = hu.copy(), np.zeros(hu.shape, np.uint8)
    mask[2:6, 14:24, 14:24] = 1
    planted[mask > 0] = 20
    images = [Scan.from_array(part, (3.0, 3.0, 3.0)).image for part in (planted, hu, mask, mask)]
    return write_bench(tmp_path / "bench", images, ("one", "two"))


def test_scores_are_printed_and_written(bench, tmp_path, capsys):
    (tmp_path / "rival" / "one").mkdir(parents=True)
    clean = sitk.ReadImage(str(bench / "one" / "clean.nrrd"))
    sitk.WriteImage(clean, str(tmp_path / "rival" / "one" / "counterfactual.mha"))
    arguments = ["bench", "score", str(bench), str(tmp_path / "rival"), "--no-sheet"]
    assert main([*arguments, "-o", str(tmp_path / "scores")]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("metric") and "recovered" in out and "1.00 [1.00, 1.00]" in out
    assert "1 of 2 cases have a score." in out and "two: it has no result" in out
    assert "one: recovered 1.00" in err
    written = {path.name for path in (tmp_path / "scores").iterdir()}
    assert written == {"scores.csv", "summary.json"}


def test_chosen_cases_alone_are_scored(bench, tmp_path, capsys):
    (tmp_path / "rival" / "one").mkdir(parents=True)
    mask = sitk.ReadImage(str(bench / "one" / "mask.nrrd"))
    sitk.WriteImage(mask, str(tmp_path / "rival" / "one" / "heatmap.nrrd"))
    arguments = ["bench", "score", str(bench), str(tmp_path / "rival"), "--no-sheet"]
    assert main([*arguments, "--only", "one"]) == 0
    assert "1 of 1 cases have a score." in capsys.readouterr().out
    assert main([*arguments, "--only", "two"]) == 2


def test_results_without_any_case_are_an_error_of_one_line(bench, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    assert main(["bench", "score", str(bench), str(tmp_path / "empty")]) == 2
    assert "Error: No case of" in capsys.readouterr().err.splitlines()[-1]


def test_cases_that_fail_end_the_run_with_an_error_of_one_line(bench, tmp_path, capsys):
    results = tmp_path / "results"
    arguments = ["bench", "run", str(bench), "-o", str(results), "--classifier", "no-such-model"]
    assert main(arguments) == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("Error: 2 case(s) have no result") and "one: " in last
    assert main(["bench", "run", str(tmp_path), "-o", str(results)]) == 2
    assert "is no bench" in capsys.readouterr().err


def test_the_classifier_is_the_findings_own_unless_it_is_named():
    options = build_parser().parse_args(["bench", "run", "B", "-o", "R", "--chunk", "5"])
    assert options.classifier is None and options.chunk == 5 and options.debug is False
    assert build_parser().parse_args(["explain", "S", "-o", "R"]).classifier == "lung-volume"
    for line in (["bench", "--debug", "run"], ["bench", "run", "--debug"]):
        assert build_parser().parse_args([*line, "B", "-o", "R"]).debug is True
