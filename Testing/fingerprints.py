#!/usr/bin/env python3
"""Tell whether two versions of the engine give the same explanations, bit for bit.

    python Testing/fingerprints.py SCAN ... -o before.json       # in one checkout
    python Testing/fingerprints.py SCAN ... --against before.json  # in the other: 1 if any differs

Every scan is explained in each of `WAYS`. A fingerprint holds what must stay: scores, every
evaluation of every search, flags by name, and the SHA-256 of each volume. Times, versions and words
are left out. Run both on the same machine with the same number of threads (`OMP_NUM_THREADS=1`).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from CTCounterfactualLib import CTCounterfactualError, explain

WAYS = {
    "default": {},
    "reference": {
        "mode": "chunks",
        "search": "reference",
        "baseline": "reconstruction",
        "chunk": 20,
        "frames": 0,
    },
    "increase": {"mode": "whole", "direction": "increase", "frames": 2},
    "residual": {
        "mode": "whole",
        "composite": "residual",
        "slice_smoothing": 0.0,
        "change_scope": "volume",
        "max_change": 0.02,
    },
    "effusion": {"classifier": "effusion-demo", "chunk": 15},
}


def digest(values: np.ndarray) -> str:
    """Return the SHA-256 of an array's type, shape and bytes."""
    head = f"{values.dtype} {values.shape} ".encode()
    return hashlib.sha256(head + np.ascontiguousarray(values).tobytes()).hexdigest()


def image_digest(image: sitk.Image) -> str:
    """Return the SHA-256 of an image's voxels and geometry."""
    geometry = np.array([*image.GetSpacing(), *image.GetOrigin(), *image.GetDirection()])
    return digest(sitk.GetArrayViewFromImage(image)) + digest(geometry)


def fingerprint(scan: str, way: dict) -> dict:
    """Explain a scan and return what must not change; of an error its kind."""
    try:
        found = explain(scan, device="cpu", **way)
    except CTCounterfactualError as error:
        return {"error": type(error).__name__}
    searches = [*([found.whole] if found.whole else []), *found.chunks]
    return {
        "scores": [found.scores.original, found.scores.reconstruction, found.scores.counterfactual],
        "searches": [
            [s.start, s.stop, s.stop_reason, [[p.lam, p.score, p.change] for p in s.path]]
            for s in searches
        ],
        "flags": sorted(flag.name for flag in found.flags),
        "counterfactual": digest(found.counterfactual),
        "difference": digest(found.difference),
        "heatmap": digest(found.heatmap),
        "chunk_heatmaps": [image_digest(h.image) for h in found.chunk_heatmaps],
        "frames": [
            [frame.fraction, frame.score, image_digest(frame.image)] for frame in found.frames
        ],
        "lungs": image_digest(found.lungs) if found.lungs is not None else None,
    }


def main() -> int:
    """Take or compare fingerprints; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scans", nargs="+", metavar="SCAN")
    parser.add_argument("-o", "--output", help="write the fingerprints to this file (JSON)")
    parser.add_argument("--against", help="compare with the fingerprints in this file")
    options = parser.parse_args()
    found = {}
    for scan in options.scans:
        for way, settings in WAYS.items():
            case = f"{Path(scan).name} {way}"
            found[case] = fingerprint(scan, settings)
            sys.stderr.write(f"{case}: done\n")
    if options.output:
        Path(options.output).write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    if not options.against:
        return 0
    before = json.loads(Path(options.against).read_text(encoding="utf-8"))
    # Through JSON, so that both sides hold the same types; floats come back exactly.
    found = json.loads(json.dumps(found))
    differing = 0
    for case, now in found.items():
        then = before.get(case, {})
        parts = sorted(key for key in {*then, *now} if then.get(key) != now.get(key))
        differing += bool(parts)
        print(f"{case}: {'equal' if not parts else 'differs in ' + ', '.join(parts)}")
    print(f"{len(found) - differing} of {len(found)} equal")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
