"""The tutorial does what it says, as a script and as a notebook, and both are the same."""

import os
import subprocess
import sys
from pathlib import Path

import jupytext
import nbformat
import pytest
from nbclient import NotebookClient

from CTCounterfactualLib import read_result

REPOSITORY = Path(__file__).resolve().parents[3]
SCRIPT = REPOSITORY / "docs" / "tutorial" / "own_classifier.py"
NOTEBOOK = SCRIPT.with_suffix(".ipynb")
RESULT = "own-classifier-result"
# "In 20 lines": what someone who has a network and a scan writes, sections 2 and 3.
CELLS_OF_ONE_S_OWN = ("from CTCounterfactualLib import Classifier", "result = explain(")
MOST_LINES = 20
# Far beyond what a busy machine takes; only so that a hanging kernel is told.
CELL_TIMEOUT_S = 600


@pytest.fixture
def surroundings(monkeypatch):
    """Let a program of its own find the library in this checkout."""
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY / "CTCounterfactual"))
    # Several threads each would fight for the cores with the tests beside them.
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    # A notebook's client would choose pictures that the figure's writer doesn't want.
    monkeypatch.delenv("MPLBACKEND", raising=False)
    return dict(os.environ)


def _check(text: str, folder: Path) -> None:
    """The fluid that the network sees becomes clearly less, and both slabs have a share in it."""
    assert "figure.png" in text
    result = read_result(folder / RESULT)
    before, after = result.scores.original, result.scores.counterfactual
    assert f"scan {before:.0f} mL" in text and f"counterfactual {after:.0f} mL" in text
    assert 30 < before < 200  # there are some 100 mL in the slab
    assert after < 0.9 * before
    assert len(result.chunks) == 2
    assert all(outcome.score_after < outcome.score_before for outcome in result.chunks)
    assert (folder / RESULT / "figure.png").stat().st_size > 10_000


def test_the_script_explains_a_classifier_of_ones_own(tmp_path, surroundings):
    done = subprocess.run(
        [sys.executable, SCRIPT], cwd=tmp_path, env=surroundings, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    _check(done.stdout, tmp_path)


def test_the_notebook_does_the_same_and_shows_the_figure(tmp_path, surroundings):
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=CELL_TIMEOUT_S,
        kernel_name="python3",
        resources={"metadata": {"path": str(tmp_path)}},
    )
    client.execute(env=surroundings)
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    text = "".join(output.text for output in outputs if output.output_type == "stream")
    _check(text, tmp_path)
    assert [sorted(output.data) for output in outputs if "data" in output] == [
        ["image/png", "text/plain"]
    ]


def test_script_and_notebook_hold_the_same_cells():
    """`jupytext --update --to ipynb docs/tutorial/own_classifier.py` makes them equal."""
    script, notebook = jupytext.read(SCRIPT), nbformat.read(NOTEBOOK, as_version=4)
    cells = [[(cell.cell_type, cell.source) for cell in each.cells] for each in (script, notebook)]
    assert cells[0] == cells[1]


def test_the_notebook_is_kept_without_outputs():
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert code and all(not cell.outputs and cell.execution_count is None for cell in code)


def test_what_one_writes_oneself_is_at_most_20_lines():
    sources = [cell.source for cell in jupytext.read(SCRIPT).cells if cell.cell_type == "code"]
    own = [source for source in sources if any(word in source for word in CELLS_OF_ONE_S_OWN)]
    assert len(own) == len(CELLS_OF_ONE_S_OWN)
    lines = [line for source in own for line in source.splitlines()]
    written = [line for line in lines if line.strip() and not line.strip().startswith(("#", '"""'))]
    assert len(written) <= MOST_LINES
