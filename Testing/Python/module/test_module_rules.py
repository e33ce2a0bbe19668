"""Rules of the Slicer side: small files, nothing heavy at start-up, torch never in this process."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

MODULE = Path(__file__).resolve().parents[3] / "CTCounterfactual"
PACKAGE = MODULE / "CTCounterfactualSlicer"
FILES = sorted(PACKAGE.rglob("*.py"))
LONGEST_FILE = 300
LONGEST_FUNCTION = 100
# Without Qt: these run on slicer-core and from the console.
QT_FREE = (
    "state",
    "options",
    "node_job",
    "job_nodes",
    "result",
    "caches",
    "exports",
    "packages",
    "python_slicer",
    "sample_data",
    "self_test",
    "installation",
    "model_files",
    "own_models",
    "console",
    "listed_targets",
    "node_session",
    "session_keeping",
    "session_live",
    "session_state",
)
HEAVY = ("torch", "scipy", "matplotlib", "safetensors", "pydicom")


def relative(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def test_files_and_functions_are_short():
    long = []
    for path in FILES:
        text = path.read_text(encoding="utf-8")
        if len(text.splitlines()) > LONGEST_FILE:
            long.append(relative(path))
        for node in ast.walk(ast.parse(text)):
            is_function = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
            if is_function and node.end_lineno - node.lineno >= LONGEST_FUNCTION:
                long.append(f"{relative(path)}: {node.name}")
    assert long == []


def test_torch_is_never_imported_here():
    found = []
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                modules = [node.module or ""]
            if {name.split(".")[0] for name in modules} & {"torch", "safetensors"}:
                found.append(f"{relative(path)}:{node.lineno}")
    assert found == []


def test_start_up_loads_nothing_heavy_and_no_qt():
    pytest.importorskip("slicer")
    imports = "; ".join(f"import CTCounterfactualSlicer.{name}" for name in QT_FREE)
    code = f"import sys; {imports}; print([m for m in {(*HEAVY, 'qt', 'ctk')} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=MODULE, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
