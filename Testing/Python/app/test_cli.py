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
from CTCounterfactualLib.app.cli import build_parser, main
from CTCounterfactualLib.app.options import settings_from
from CTCounterfactualLib.counterfactual.settings import ExplainSettings
from CTCounterfactualLib.scans.generated import ChestSettings, generate_chest
from CTCounterfactualLib.scans.scan import Scan

LIBRARY = Path(CTCounterfactualLib.__file__).parents[1]


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
        env=os.environ | {"PYTHONPATH": str(LIBRARY)}, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, **options,
    )


def test_defaults_are_those_of_the_settings():
    options = build_parser().parse_args(["explain", "scan.nrrd", "-o", "out"])
    assert settings_from(options) == ExplainSettings()


def test_every_setting_is_an_option():
    given = {
        "mode": "chunks", "chunk": 7, "direction": "increase", "search": "reference",
        "baseline": "reconstruction", "composite": "residual",
        "slice_smoothing": 0.5, "max_change": 0.1,
        "change_scope": "volume", "target_score": 1.5, "max_evaluations": 9,
        "level_edges": (20.0, 60.0), "device": "cpu", "seed": 4,
    }
    assert set(given) == set(ExplainSettings.names())
    words = ["explain", "scan.nrrd", "-o", "out"]
    for name, value in given.items():
        values = value if isinstance(value, tuple) else (value,)
        words += ["--" + name.replace("_", "-"), *map(str, values)]
    assert settings_from(build_parser().parse_args(words)) == ExplainSettings(**given)


def test_explain_writes_a_result_and_json_events(scan_file, tmp_path, capsys):
    code = main([
        "explain", str(scan_file), "-o", str(tmp_path / "out"), "--chunk", "8", "--no-scene",
        "--progress", "json",
    ])
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
        (["--max-change", "5"], "max_change is 5.0"),
        (["--chunk", "0"], "chunk is 0"),
        (["--classifier", "lungs"], "no classifier named 'lungs'"),
        (["--target", "heart"], "no target 'heart'"),
        (["--autoencoder", "missing.json"], "missing.json"),
        (["--device", "tpu"], "device is 'tpu'"),
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
    _, error = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Cancelled: nothing was written." in error
    assert "Traceback" not in error
    assert list(tmp_path.iterdir()) == []
