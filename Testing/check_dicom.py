"""Check DICOM files with the validators that are installed, and print what each finds.

    python Testing/check_dicom.py EXPORT [--standard FOLDER]

* pydicom reads every file, highdicom segmentations, parametric maps and reports;
* `dciodvfy` (Debian: dicom3tools) checks them against their object definitions;
* `dicom-validator` does so by the standard's own tables, which it downloads, or finds in FOLDER.

Ends with 1 if a validator reports an error.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

import pydicom

# Remarks of dciodvfy that are no faults: a code scheme of our own, fields that may be empty.
IGNORED = ("<99CTCF>", "to build DICOMDIR")


def with_highdicom(path: Path) -> list[str]:
    """Return what highdicom says against a file."""
    import highdicom

    modality = pydicom.dcmread(path, stop_before_pixels=True).Modality
    try:
        if modality == "SEG":
            highdicom.seg.segread(path).get_volume(combine_segments=True)
        elif modality == "SR":
            highdicom.sr.srread(path)
        elif "map" in path.name:
            highdicom.pm.ParametricMap.from_dataset(pydicom.dcmread(path)).get_volume()
        else:
            highdicom.imread(path).get_frame(1)
    except Exception as error:  # whatever it raises is a finding
        return [f"Error - highdicom: {type(error).__name__}: {error}"]
    return []


def with_dciodvfy(path: Path) -> list[str]:
    """Return the lines of dciodvfy that tell of errors or warnings."""
    run = subprocess.run(["dciodvfy", str(path)], capture_output=True, text=True, check=False)
    lines = (run.stdout + run.stderr).splitlines()
    return [
        line
        for line in lines
        if line.startswith(("Error", "Warning")) and not any(word in line for word in IGNORED)
    ]


def with_validator(path: Path, standard: Path) -> list[str]:
    """Return the lines of dicom-validator that tell of errors."""
    command = [sys.executable, "-m", "dicom_validator.validate_iods", "-src", str(standard)]
    command += ["-e", "local", str(path)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = (run.stdout + run.stderr).splitlines()
    return [f"Error - {line}" for line in lines if line.startswith("Tag ")]


def main() -> int:
    """Check all files of a folder."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--standard", type=Path, help="dicom-validator's tables")
    options = parser.parse_args()
    errors = 0
    for path in sorted(options.folder.rglob("*.dcm")):
        found = with_highdicom(path)
        if shutil.which("dciodvfy"):
            found += with_dciodvfy(path)
        if options.standard:
            found += with_validator(path, options.standard)
        errors += sum(line.startswith("Error") for line in found)
        print(path.relative_to(options.folder), "ok" if not found else "")
        for line in dict.fromkeys(found):
            print("   ", line)
    if not shutil.which("dciodvfy"):
        print("dciodvfy isn't installed: apt-get install dicom3tools")
    print(f"{errors} errors")
    return int(errors > 0)


if __name__ == "__main__":
    sys.exit(main())
