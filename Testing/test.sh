#!/usr/bin/env bash
# Install this checkout with all that the tests need into a virtual environment of its own, check the
# style, and run all tests. Arguments go to pytest: `bash Testing/test.sh -k grid`.
set -euo pipefail
cd "$(dirname "$0")/.."
venv=${CT_COUNTERFACTUAL_TEST_VENV:-.venv-test}
python3 -m venv "$venv"
"$venv/bin/pip" install --quiet --constraint Testing/constraints.txt --editable '.[test]'
"$venv/bin/ruff" check .
exec "$venv/bin/python" -m pytest "$@"
