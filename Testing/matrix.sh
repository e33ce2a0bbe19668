#!/usr/bin/env bash
# Run the tests under oldest and newest Pythons, NumPys and PyTorchs and print a table.
#
#     bash Testing/matrix.sh [--fast] [NAME ...]
#
# NAME: rows of the list below; all by default. --fast: reading, models, engine and command line only.
# Each row gets an environment in .venv-matrix/ (kept for the next time), made by uv (`pip install uv`)
# with a Python that is here or that uv can fetch. A row that can't be installed is said to be so.
set -uo pipefail
cd "$(dirname "$0")/.."
# name | Python | what is held back; what isn't named is the newest that fits
rows=(
  "oldest|3.10|torch==2.2.* numpy==1.26.*"
  "pinned|3.11|-c Testing/constraints.txt"
  "numpy1|3.12|torch==2.2.* numpy==1.26.*"
  "newest|3.13|"
  "next|3.14|"
)
fast=(scans models counterfactual app test_public_names.py test_house.py)
folders=(Testing/Python)
if [ "${1:-}" = --fast ]; then
  shift
  folders=("${fast[@]/#/Testing/Python/}")
fi
root=${CT_COUNTERFACTUAL_MATRIX:-.venv-matrix}
export OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 QT_QPA_PLATFORM=offscreen
mkdir -p "$root"

# Print the versions in an environment as cells of the table.
versions() {
  "$1" -c 'import numpy, platform, torch; print(platform.python_version(), numpy.__version__,
    torch.__version__, sep=" | ")'
}

table="$root/table.md"
printf '| row | Python | NumPy | PyTorch | tests | seconds |\n|---|---|---|---|---|---|\n' > "$table"
failed=0
for row in "${rows[@]}"; do
  IFS='|' read -r name version pins <<< "$row"
  if [ $# -gt 0 ] && [[ " $* " != *" $name "* ]]; then continue; fi
  venv="$root/$name" log="$root/$name.log" python="$root/$name/bin/python"
  [ -d "$root/$name/Scripts" ] && python="$root/$name/Scripts/python"
  # shellcheck disable=SC2086  # several pins are several words
  if ! { [ -x "$python" ] || uv venv --quiet --python "$version" "$venv"; } > "$log" 2>&1 ||
     ! uv pip install --quiet --python "$python" -e '.[test]' $pins >> "$log" 2>&1; then
    printf '| %s | %s | | | not installed: see %s | |\n' "$name" "$version" "$log" >> "$table"
    failed=1
    continue
  fi
  SECONDS=0
  "$python" -m pytest -q -p no:cacheprovider -n "${CT_COUNTERFACTUAL_TEST_JOBS:-2}" \
    --dist loadfile "${folders[@]}" >> "$log" 2>&1 || failed=1
  result=$(tail -n 1 "$log" | sed 's/ in .*//; s/=//g')
  printf '| %s | %s | %s | %s |\n' "$name" "$(versions "$python")" "$result" "$SECONDS" >> "$table"
done
cat "$table"
exit "$failed"
