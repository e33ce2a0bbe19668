"""`--method` and `--with`, and what `list` says of methods."""

from CTCounterfactualLib.app.cli import build_parser, main
from CTCounterfactualLib.app.commands import job_from
from CTCounterfactualLib.jobs.job import FileInput


def parsed(*arguments):
    return build_parser().parse_args(["explain", "scan.nrrd", "-o", "out", *arguments])


def test_options_become_those_of_the_job():
    options = parsed(
        "--method",
        "responsibility",
        "--with",
        "iterations=3",
        "negative=true",
        "--with",
        "occlusion=-50",
    )
    job = job_from(options, FileInput("scan.nrrd"), with_scan=False)
    assert job.method == "responsibility"
    assert job.method_options == {"iterations": 3, "negative": True, "occlusion": "-50"}


def test_without_any_it_is_the_method_of_before():
    job = job_from(parsed(), FileInput("scan.nrrd"), with_scan=False)
    assert (job.method, job.method_options) == ("latent-shift", {})


def test_a_wrong_option_is_one_line_and_nothing_is_written(tmp_path, capsys):
    out = tmp_path / "out"
    code = main(
        ["explain", "scan.nrrd", "-o", str(out), "--method", "responsibility", "--with", "rounds=3"]
    )
    told = capsys.readouterr().err.strip()
    assert code == 2 and len(told.splitlines()) == 1 and "'rounds=3' sets no option" in told
    assert not out.exists()


def test_list_says_what_each_method_needs(capsys):
    assert main(["list"]) == 0
    shown = capsys.readouterr().out
    assert "latent-shift" in shown and "needs the classifier's gradient, an autoencoder" in shown
    assert "--with iterations: times that the search begins anew" in shown
