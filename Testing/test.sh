#!/usr/bin/env bash
# Install this checkout with all that the tests need into a virtual environment of its own, check
# style, types and docstrings, and run all tests. Arguments go to pytest: `bash Testing/test.sh -k grid`.
set -euo pipefail
cd "$(dirname "$0")/.."
venv=${CT_COUNTERFACTUAL_TEST_VENV:-.venv-test}
# Windows calls it `python`, and its virtual environments keep their programs in Scripts.
base=$(command -v python3 || command -v python)
"${CT_COUNTERFACTUAL_TEST_PYTHON:-$base}" -m venv "$venv"
if [ -d "$venv/Scripts" ]; then bin=$venv/Scripts; else bin=$venv/bin; fi
"$bin/python" -m pip install --quiet --constraint Testing/constraints.txt --editable '.[test]'
"$bin/python" -m ruff check .
"$bin/python" -m ruff format --check --quiet .
"$bin/python" -m mypy
"$bin/python" Testing/make_docs.py "$venv/site"
# Two workers with one thread each: as fast as two cores are, and no fight for them. A file's tests stay
# together, because they share what is slow to make.
export OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 QT_QPA_PLATFORM=offscreen
exec "$bin/python" -m pytest -n "${CT_COUNTERFACTUAL_TEST_JOBS:-2}" --dist loadfile "$@"
