"""The command line: exit codes, one-line errors, progress, Ctrl-C, options and settings."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import SimpleITK as sitk

import CTCounterfactualLib
from CTCounterfactualLib.app import cli
from CTCounterfactualLib.app.cli import build_parser, main
from CTCounterfactualLib.app.options import settings_from
from CTCounterfactualLib.counterfactual.settings import ExplainSettings
from CTCounterfactualLib.jobs.job import FileInput, GeneratedInput, Job
from CTCounterfactualLib.scans.generated import ChestSettings, generate_chest
from CTCounterfactualLib.scans.scan import Scan

LIBRARY = Path(CTCounterfactualLib.__file__).parents[1]
TIMEOUT_S = 600  # for what hangs; a busy machine must never reach it


@pytest.fixture(scope="module")
def scan_file(tmp_path_factory):
    """A small generated slab as a file."""
    chest = generate_chest(ChestSettings(spacing=(3.0, 3.0, 6.0), size=(120, 92, 8), seed=5))
    path = tmp_path_factory.mktemp("scan") / "slab.nrrd"
    sitk.WriteImage(Scan.from_array(chest.hu, chest.spacing, chest.origin).image, str(path))
    return path


def run(*arguments, **options):
    """Run the program in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "CTCounterfactualLib.app.cli", *map(str, arguments)],
        env=os.environ | {"PYTHONPATH": str(LIBRARY)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def test_defaults_are_those_of_the_settings():
    options = build_parser().parse_args(["explain", "scan.nrrd", "-o", "out"])
    assert settings_from(options) == ExplainSettings()


def test_every_setting_is_an_option():
    given = {
        "mode": "chunks",
        "chunk": 7,
        "direction": "increase",
        "search": "reference",
        "baseline": "reconstruction",
        "composite": "residual",
        "within": "volume",
        "focus": "none",
        "step": "gradient",
        "slice_smoothing": 0.5,
        "max_change": 0.1,
        "change_scope": "volume",
        "goal": "limit",
        "target_score": 1.5,
        "max_evaluations": 9,
        "level_edges": (20.0, 60.0),
        "frames": 5,
        "device": "cpu",
        "seed": 4,
        "region_controls": True,
    }
    assert set(given) == set(ExplainSettings.names())
    for other in ("goal", "target_score"):  # each is the goal of the search
        words = ["explain", "scan.nrrd", "-o", "out"]
        chosen = {name: value for name, value in given.items() if name != other}
        for name, value in chosen.items():
            values = value if isinstance(value, tuple) else () if value is True else (value,)
            words += ["--" + name.replace("_", "-"), *map(str, values)]
        assert settings_from(build_parser().parse_args(words)) == ExplainSettings(**chosen)


@pytest.mark.parametrize("words", [["--goal", "-1.5"], ["--goal=-1.5"], ["--target-score", "-1.5"]])
def test_a_score_is_a_goal(words):
    options = build_parser().parse_args(["explain", "scan.nrrd", "-o", "out", *words])
    assert settings_from(options) == ExplainSettings(target_score=-1.5)


def test_explain_writes_a_result_and_json_events(scan_file, tmp_path, capsys):
    code = main(
        [
            "explain",
            str(scan_file),
            "-o",
            str(tmp_path / "out"),
            "--chunk",
            "8",
            "--no-scene",
            "--progress",
            "json",
            "--max-evaluations",
            "3",
            "--frames",
            "1",
        ]
    )
    assert code == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert events[0]["step"] == "read"
    assert events[-1]["step"] == "written"
    assert events[-1]["fraction"] == 1.0
    record = json.loads((tmp_path / "out" / "result.json").read_text())
    assert record["input"]["path"] == str(scan_file)
    assert record["scores"]["counterfactual"] < record["scores"]["original"]


def test_list_names_models_targets_and_status(capsys):
    assert main(["list"]) == 0
    text = capsys.readouterr().out
    for word in ("lung-volume", "aerated lung volume (L)", "ct-vqgan-small", "ready"):
        assert word in text


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        (["--region", "nowhere.nrrd"], "There is no file nowhere.nrrd to take a region from"),
        (["--frames", "-1"], "frames is -1"),
        (["--max-change", "5"], "--max-change is 5.0"),
        (["--chunk", "0"], "chunk is 0"),
        (["--classifier", "lungs"], "no classifier named 'lungs'"),
        (["--target", "heart"], "no target 'heart'"),
        (["--autoencoder", "missing.json"], "missing.json"),
        (["--device", "tpu"], "device is 'tpu'"),
        (["--goal", "yes"], "--goal is 'yes'; choose one of None, flip, limit, or give a score."),
        (["--goal", "flip"], "'aerated lung volume' of classifier lung-volume has no decision thr"),
        (["--goal", "limit", "--target-score", "2"], "--goal is 'limit', but --target-score is 2"),
    ],
)
def test_user_errors_are_one_line_and_exit_code_2(scan_file, tmp_path, capsys, extra, said):
    out = tmp_path / "out"
    assert main(["explain", str(scan_file), "-o", str(out), *extra]) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("Error: ")
    assert said in error
    assert list(tmp_path.iterdir()) == []


def test_a_missing_input_is_said(tmp_path, capsys):
    assert main(["explain", str(tmp_path / "no.nrrd"), "-o", str(tmp_path / "out")]) == 2
    assert "There is no file or folder" in capsys.readouterr().err


def test_not_a_ct_is_refused_and_assume_hu_goes_on(shared_ct, tmp_path, capsys):
    scan = str(shared_ct("head_pitch_uint8_nonhu.nii.gz"))
    assert main(["explain", scan, "-o", str(tmp_path / "out")]) == 2
    assert "8-bit image, values run from 0 to 255" in capsys.readouterr().err
    assert main(["explain", scan, "-o", str(tmp_path / "out"), "--assume-hu"]) == 2
    assert "No lung found" in capsys.readouterr().err  # read now, but still no chest


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_cancels_and_leaves_nothing(scan_file, tmp_path, number):
    process = run("explain", scan_file, "-o", tmp_path / "out", "--progress", "json")
    for line in process.stdout:
        if json.loads(line)["step"] == "prepared":
            process.send_signal(number)
            break
    _, error = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 130
    assert "Cancelled: nothing was written." in error
    assert "Traceback" not in error
    assert list(tmp_path.iterdir()) == []


def test_save_job_writes_what_run_then_runs(scan_file, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(scan_file.parent)  # the job keeps its paths wherever it is run
    words = [
        "explain",
        "slab.nrrd",
        "-o",
        str(tmp_path / "out"),
        "--mode",
        "whole",
        "--no-scene",
        "--max-evaluations",
        "2",
        "--frames",
        "0",
    ]
    saved = tmp_path / "jobs.json"
    assert main([*words, "--save-job", str(saved)]) == 0
    assert str(saved) in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == [saved]
    before = saved.read_bytes()
    assert main([*words, "--save-job", str(saved)]) == 2
    assert "jobs.json exists already" in capsys.readouterr().err
    assert main([*words, "--mode", "chunks", "--force", "--save-job", str(saved)]) == 0
    assert saved.read_bytes() != before
    assert main([*words, "--force", "--save-job", str(saved)]) == 0
    capsys.readouterr()
    job = Job.read(saved)
    assert job.input == FileInput(str(scan_file))
    assert job.settings == ExplainSettings(mode="whole", max_evaluations=2, frames=0)
    monkeypatch.chdir(tmp_path)
    assert main(["run", "jobs.json", "--progress", "json"]) == 0
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert last["step"] == "written"
    assert last["output"] == str(tmp_path / "out")
    assert last["scores"]["counterfactual"] < last["scores"]["original"]
    record = json.loads((tmp_path / "out" / "result.json").read_text())
    assert record["settings"]["max_evaluations"] == 2


def test_a_demo_is_saved_as_a_chest_to_generate(tmp_path):
    saved = tmp_path / "demo.json"
    assert (
        main(
            [
                "demo",
                "-o",
                "out",
                "--seed",
                "3",
                "--effusion",
                "200",
                "--report",
                "--save-job",
                str(saved),
            ]
        )
        == 0
    )
    job = Job.read(saved)
    assert job.input == GeneratedInput(seed=3, effusion_ml=200.0)
    assert job.with_scan
    assert job.report
    assert job.scene is None
    assert job.settings.seed == 3


def test_a_region_restricts_the_change(scan_file, tmp_path):
    scan = sitk.ReadImage(str(scan_file))
    mask = sitk.Cast(scan > -3000, sitk.sitkUInt8)  # all, then only the patient's left half
    mask[: scan.GetWidth() // 2, :, :] = 0
    sitk.WriteImage(mask, str(tmp_path / "left half.nrrd"))
    out = tmp_path / "out"
    assert (
        main(
            [
                "explain",
                str(scan_file),
                "-o",
                str(out),
                "--region",
                str(tmp_path / "left half.nrrd"),
                "--mode",
                "whole",
                "--max-evaluations",
                "3",
                "--frames",
                "0",
                "--no-scene",
                "--progress",
                "none",
            ]
        )
        == 0
    )
    changed = sitk.GetArrayFromImage(sitk.ReadImage(str(out / "difference.nrrd"))) != 0
    half = scan.GetWidth() // 2
    assert changed.any()
    assert not changed[..., :half].any()
    assert json.loads((out / "result.json").read_text())["region"] == "left half"


def test_with_json_an_error_is_a_line_on_stdout_too(tmp_path, capsys):
    missing = tmp_path / "no.nrrd"
    assert main(["explain", str(missing), "-o", str(tmp_path / "out"), "--progress", "json"]) == 2
    told = capsys.readouterr()
    (line,) = told.out.splitlines()
    error = json.loads(line)
    assert error.pop("message").startswith(f"There is no file or folder {missing}.")
    assert error == {"step": "error", "kind": "ScanError", "advice": "", "details": "", "data": {}}
    assert len(told.err.splitlines()) == 1


@pytest.fixture
def failing(monkeypatch):
    """Return a function that makes the verb `list` fail by an exception."""

    def fail_with(error):
        def verb(options):
            raise error

        monkeypatch.setattr(cli.commands, "list_all", verb)

    return fail_with


def test_the_unexpected_is_told_in_words_and_with_debug_in_full(failing, capsys):
    failing(ZeroDivisionError("division by zero"))
    assert main(["list"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "Something unexpected went wrong: ZeroDivisionError: division by zero." in line
    assert line.endswith("Run it again with --debug for the details.")
    assert main(["list", "--debug"]) == 1
    assert "Traceback (most recent call last)" in capsys.readouterr().err


def test_out_of_memory_says_what_to_do(failing, capsys):
    failing(RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB"))
    assert main(["list"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line == (
        "Error: Out of memory: the GPU has too little free memory for this scan. Use --device "
        "cpu, or close other programs that use the GPU."
    )


def test_a_missing_package_is_named(failing, capsys):
    failing(ModuleNotFoundError("No module named 'torch'", name="torch"))
    assert main(["list"]) == 2
    assert "The Python package 'torch' is needed but is not installed." in capsys.readouterr().err


@pytest.mark.parametrize("place", ["elsewhere", "library"])
def test_the_folder_itself_can_be_run(tmp_path, place):
    folder = LIBRARY / "CTCounterfactualLib"
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, str(folder), "list"],
        cwd=tmp_path if place == "elsewhere" else folder,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "ct-vqgan-small" in done.stdout
    assert not done.stderr
    done = subprocess.run(
        [sys.executable, "-m", "CTCounterfactualLib", "--version"],
        cwd=LIBRARY,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == CTCounterfactualLib.__version__


def test_the_end_of_stdin_cancels(scan_file, tmp_path):
    job = Job(FileInput(str(scan_file)), str(tmp_path / "out"), scene=False)
    job.write(tmp_path / "job.json")
    process = run(
        "run", tmp_path / "job.json", "--progress", "json", "--parent-stdin", stdin=subprocess.PIPE
    )
    for line in process.stdout:
        if json.loads(line)["step"] == "prepared":
            process.stdin.close()
            break
    lines = process.stdout.read().splitlines()
    assert process.wait(timeout=TIMEOUT_S) == 130
    assert json.loads(lines[-1])["kind"] == "Cancelled"
    assert process.stderr.read().strip() == "Cancelled: nothing was written."
    process.stdout.close()
    process.stderr.close()
    assert [path.name for path in tmp_path.iterdir()] == ["job.json"]


def test_a_reader_that_has_seen_enough_is_no_error():
    command = [sys.executable, "-m", "CTCounterfactualLib", "list", "--find", "e"]  # over 64 kB
    with subprocess.Popen(
        command, cwd=LIBRARY, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "Classifiers\n"
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 0
