"""What a result folder is written over, and what is left where it cannot be: all of it, or none."""

import json
import os
import shutil
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path

import pytest

from CTCounterfactualLib.errors import Cancelled, MissingExtraError, OutputError
from CTCounterfactualLib.outputs import folder as folder_module
from CTCounterfactualLib.outputs.folder import claim_output, write_result


def names(folder):
    """Return what lies in a folder, hidden things too."""
    return sorted(os.listdir(folder))


@pytest.fixture(scope="module")
def written(explanation, tmp_path_factory):
    return write_result(explanation, tmp_path_factory.mktemp("out") / "result", scene=True)


def test_an_earlier_result_is_kept_unless_forced(written, explanation, tmp_path):
    out = write_result(explanation, tmp_path / "result", scene=False)
    before = (out / "result.json").stat().st_mtime_ns
    with pytest.raises(OutputError, match=r"earlier result.*force=True"):
        write_result(explanation, out, scene=False)
    assert (out / "result.json").stat().st_mtime_ns == before
    bare = replace(explanation, frames=())
    write_result(bare, out, force=True, scene=False)
    assert not (out / "frames").exists() and (out / "heatmaps").is_dir()
    assert names(tmp_path) == ["result"]


def test_a_folder_of_another_kind_is_never_replaced(explanation, tmp_path):
    (tmp_path / "holiday.jpg").write_text("precious")
    with pytest.raises(OutputError, match="no result of this program"):
        write_result(explanation, tmp_path, force=True)
    assert (tmp_path / "holiday.jpg").read_text() == "precious"
    file = tmp_path / "holiday.jpg"
    with pytest.raises(OutputError, match="exists and is no folder"):
        write_result(explanation, file, force=True)


@pytest.mark.parametrize(
    "content",
    [
        "5",
        "null",
        "[]",
        '{"schema": 1}',
        '{"schema": 1, "files": ["result.json"]}',
        "{",
        "\0",
        "",
        "[" * 100_000,
    ],
)
def test_another_programs_record_is_no_result(tmp_path, content):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "result.json").write_text(content)
    (tmp_path / "out" / "data.csv").write_text("theirs")
    with (
        pytest.raises(OutputError, match="exists and is no result of this program"),
        claim_output(tmp_path / "out", force=True),
    ):
        raise AssertionError("must not get here")
    assert names(tmp_path / "out") == ["data.csv", "result.json"]


@pytest.mark.parametrize("listed", ["../precious", "/etc/passwd", "a/../../precious", "C:\\x", 7])
def test_a_record_that_lists_files_elsewhere_removes_none(written, tmp_path, listed):
    shutil.copytree(written, tmp_path / "out")
    (tmp_path / "precious").write_text("mine")
    record = json.loads((tmp_path / "out" / "result.json").read_text())
    record["files"].append(listed)
    (tmp_path / "out" / "result.json").write_text(json.dumps(record))
    with (
        pytest.raises(OutputError, match="no result of this program"),
        claim_output(tmp_path / "out", force=True),
    ):
        raise AssertionError("must not get here")
    assert (tmp_path / "precious").read_text() == "mine"


def test_what_a_writer_lacks_is_said_before_the_work(tmp_path, monkeypatch):
    monkeypatch.setattr(folder_module, "find_spec", lambda name: None)
    with (
        pytest.raises(MissingExtraError, match="'matplotlib' is needed to draw"),
        claim_output(tmp_path / "out"),
    ):
        raise AssertionError("must not get here")
    monkeypatch.setattr(folder_module, "find_spec", lambda name: name == "matplotlib" or None)
    with (
        pytest.raises(MissingExtraError, match="'slicer' is needed to write the Slicer scene"),
        claim_output(tmp_path / "out", scene=True),
    ):
        raise AssertionError("must not get here")
    with claim_output(tmp_path / "out"):
        pass
    assert names(tmp_path) == []


@pytest.mark.parametrize("ending", ["counterfactual.nrrd", "frames", "chunks.csv"])
def test_a_cancel_while_writing_leaves_nothing(explanation, tmp_path, ending):
    """The cancel comes as soon as a file is there: nothing more is written."""
    out = tmp_path / "a" / "out"
    with pytest.raises(Cancelled), claim_output(out) as output:

        class Token:
            def check(self):
                if (output.claim.new / ending).exists():
                    raise Cancelled()

        output.write(explanation, scene=False, cancel=Token())
    assert names(tmp_path) == []


def test_an_empty_folder_and_missing_parents_are_fine(explanation, tmp_path):
    (tmp_path / "empty").mkdir()
    assert (write_result(explanation, tmp_path / "empty", scene=False) / "result.json").exists()
    deep = write_result(explanation, tmp_path / "a" / "b" / "c", scene=False)
    assert (deep / "result.json").exists()


def test_a_failure_half_way_leaves_nothing(explanation, tmp_path, monkeypatch):
    write_result(explanation, tmp_path / "result", scene=False)
    before = sorted(p.name for p in tmp_path.rglob("*"))

    def full_disk(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(folder_module, "write_chunk_table", full_disk)
    with pytest.raises(OutputError, match=r"disk is full. Nothing was written"):
        write_result(explanation, tmp_path / "result", force=True, scene=False)
    assert sorted(p.name for p in tmp_path.rglob("*")) == before


def test_too_little_space_is_said_before_the_work(tmp_path):
    with (
        pytest.raises(OutputError, match=r"Too little space.*B are free, .* about 4500 TB"),
        claim_output(tmp_path / "a" / "out") as output,
    ):
        output.check_space(voxels=10**15)
    assert names(tmp_path) == []


def test_a_parent_that_is_a_file_is_said_before_the_work(tmp_path):
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(OutputError, match=r"Cannot write into .*is in the way|is a file"),
        claim_output(tmp_path / "file" / "a" / "out"),
    ):
        raise AssertionError("must not get here")


@pytest.mark.skipif(os.name != "posix", reason="file-size limits are POSIX")
def test_a_disk_that_fills_up_leaves_nothing(tmp_path):
    """Real writes that really fail: the process may write no file above 20 kB."""
    code = textwrap.dedent("""
        import resource, signal, sys
        from pathlib import Path
        sys.path[:0] = sys.argv[2:]
        import numpy as np
        from CTCounterfactualLib.errors import Cancelled, MissingExtraError, OutputError
        from CTCounterfactualLib.outputs import folder
        from CTCounterfactualLib.outputs.volumes import write_image
        from CTCounterfactualLib.scans.scan import Scan
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
        noise = np.random.default_rng(0).integers(-1000, 1000, (20, 60, 60)).astype(np.int16)
        folder._fill = lambda to, *rest: write_image(Scan.from_array(noise).image, to / "a.nrrd")
        try:
            with folder.claim_output(sys.argv[1]) as output:
                output.write(None)
        except OutputError as error:
            print("refused:", error)
    """)
    library = Path(folder_module.__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "out"), str(library)],
        capture_output=True,
        text=True,
    )
    assert "refused:" in done.stdout, done.stderr
    assert list(tmp_path.iterdir()) == []
