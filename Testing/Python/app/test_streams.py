"""Standard streams that are closed, full, unread or of another encoding; exit codes then."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import CTCounterfactualLib
from CTCounterfactualLib.scans.generated import ChestSettings, generate_chest
from CTCounterfactualLib.scans.scan import Scan

LIBRARY = Path(CTCounterfactualLib.__file__).parents[1]
pytestmark = pytest.mark.skipif(os.name != "posix", reason="shells and devices are POSIX")


def shell(line, **environment):
    """Run a line of a shell in which `$CT` is the program; return the finished process."""
    program = f'"{sys.executable}" -m CTCounterfactualLib'
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", line.replace("$CT", program)],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(LIBRARY)} | environment,
        timeout=300,
    )


@pytest.fixture(scope="module")
def scan_file(tmp_path_factory):
    chest = generate_chest(ChestSettings(spacing=(3.0, 3.0, 6.0), size=(120, 92, 8), seed=5))
    path = tmp_path_factory.mktemp("scan") / "slab.nrrd"
    from CTCounterfactualLib.outputs.volumes import write_image

    write_image(Scan.from_array(chest.hu, chest.spacing, chest.origin).image, path)
    return path


@pytest.mark.parametrize("ending", ["2>&1 | head -1", ">/dev/full 2>&-"])
def test_a_result_is_written_although_nobody_listens(scan_file, tmp_path, ending):
    """`pipefail`: the program's own exit code counts, not that of head."""
    if "full" in ending and not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full")
    done = shell(
        f"$CT explain '{scan_file}' -o '{tmp_path}/out' --mode whole --max-evaluations 2 "
        f"--frames 0 --no-scene --progress {'json' if 'full' in ending else 'text'} {ending}"
    )
    assert done.returncode == 0, done.stderr
    assert os.listdir(tmp_path) == ["out"]
    assert (tmp_path / "out" / "result.json").stat().st_size > 1000
    assert b"Traceback" not in (tmp_path / "out" / "result.json").read_bytes()


def test_a_reader_that_has_enough_is_no_error_but_a_full_disk_is():
    done = shell("$CT list | head -1")
    assert (done.returncode, done.stdout, done.stderr) == (0, "Classifiers\n", "")
    done = shell("$CT list >&-")
    assert done.returncode == 2
    assert done.stderr == (
        "Error: Standard output is closed; nothing can be shown. Open it again.\n"
    )
    if Path("/dev/full").exists():
        done = shell("$CT list > /dev/full")
        assert done.returncode == 2
        assert done.stderr.startswith("Error: Cannot write to standard output: the disk is full.")


def test_what_a_terminal_cannot_show_is_escaped():
    done = shell("$CT explain $'no\\xff\\u00e9.nrrd' -o out", PYTHONIOENCODING="ascii")
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith(r"Error: The name 'no\udcff\xe9.nrrd' is not text in UTF-8")
