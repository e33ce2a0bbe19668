"""A live lambda: seconds and memory of its planes, on a slab of a scan, on one thread.

    python Testing/Benchmarks/live.py chest.nrrd --slices 40 --json live.json

Tells CPU seconds of preparing, of an axial plane somewhere else (its slices and the neighbours that
smooth it), of the next one, of a coronal plane with the score of all slices; and the process's
memory before and after fifty moves. With `--gif` it draws axial and coronal plane with the numbers
along lambda instead.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
from pathlib import Path
from statistics import median
from time import process_time

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "CTCounterfactual"))

import numpy as np
from PIL import Image, ImageDraw

from CTCounterfactualLib import (
    ChestSettings,
    Scan,
    Session,
    generate_chest,
    prepare_session,
    read_scan,
)

MOVES = 50
GENERATED_MM = (1.5, 1.5, 3.0)
# Frames along lambda, from scan to limit and back.
FRAMES = 12
FRAME_MS = 160
LUNG_WINDOW = (-1350.0, 150.0)
KB_PER_MB = 1024


def main() -> None:
    """Measure, print, and write what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scan", help="a file, or ML: a generated chest with so much fluid")
    parser.add_argument("--slices", type=int, default=40, help="how many of the scan")
    parser.add_argument("--classifier", default="lung-volume")
    parser.add_argument("--json", help="write the figures")
    parser.add_argument("--gif", help="draw the animation instead")
    options = parser.parse_args()
    scan = slab(read_or_make(options.scan), options.slices)
    started = process_time()
    with prepare_session(scan, options.classifier, device="cpu") as session:
        figures = {
            "scan": options.scan,
            "size": list(scan.size),
            "prepared": session.prepared.slices,
        }
        figures["prepared size"] = list(session.prepared.volume.shape)
        figures["prepare s"] = process_time() - started
        if options.gif:
            animate(session, Path(options.gif))
        else:
            figures |= measure(session, options.slices)
    for name, value in figures.items():
        print(f"{name}: {value:.3g}" if isinstance(value, float) else f"{name}: {value}")
    if options.json:
        Path(options.json).write_text(json.dumps(figures, indent=1))


def read_or_make(name: str) -> Scan:
    """Return a scan from a file, or a generated chest with so many mL of fluid."""
    if not name.isdigit():
        return read_scan(name)
    chest = generate_chest(ChestSettings(GENERATED_MM, effusion_ml=float(name)))
    return Scan.from_array(chest.hu, chest.spacing, chest.origin, name="generated chest")


def slab(scan: Scan, slices: int) -> Scan:
    """Return some slices of a scan, from a third of its height on."""
    first = max(0, (scan.size[2] - slices) // 3)  # where pleural fluid lies
    return Scan(scan.image[:, :, first : first + slices], scan.name)


def measure(session: Session, slices: int) -> dict[str, float]:
    """Time planes in CPU seconds, and follow memory over fifty moves."""
    limit = session.limit("decrease")
    lam = limit.lam if limit else -1.0
    middle = slices // 2
    far, near = [], []
    for share in (0.5, 0.7, 0.9):
        position = session.at(share * lam)
        far.append(spent(lambda at=position: at.axial(middle)))
        near.append(spent(lambda at=position: at.axial(middle + 1)))
    height = session.scan.size[1] // 2
    whole = spent(lambda: (session.at(lam).coronal(height), session.at(lam).score))
    before = resident_mb()
    for move in range(MOVES):
        session.at(lam * (move + 1) / MOVES).axial(middle)
    return {
        "axial s": median(far),
        "next axial s": median(near),
        "coronal and score s": whole,
        "session MB": session.memory_mb,
        "resident MB before the moves": before,
        "resident MB after fifty moves": resident_mb(),
        "peak MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / KB_PER_MB,
    }


def spent(work) -> float:
    """Return the CPU seconds that some work takes."""
    started = process_time()
    work()
    return process_time() - started


def resident_mb() -> float:
    """Return the memory that the process holds now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / KB_PER_MB**2


def animate(session: Session, path: Path) -> None:
    """Draw axial and coronal plane with the numbers along lambda, out and back."""
    session.find_marks(session.direction)
    # Where most has changed of all that was looked at: beyond it a bounded change may not grow.
    far = max(session.points(session.direction), key=lambda point: point.change).lam
    if far == 0:
        sys.exit("The classifier doesn't react to this scan: there is nothing to animate.")
    lams = [far * step / FRAMES for step in range(FRAMES + 1)]
    k, j = session.scan.size[2] // 2, session.scan.size[1] // 2
    frames = [frame(session, lam, lam / far, k, j) for lam in lams]
    frames += frames[-2:0:-1]
    first, *others = frames
    first.save(path, save_all=True, append_images=others, duration=FRAME_MS, loop=0, optimize=True)


def frame(session: Session, lam: float, share: float, k: int, j: int) -> Image.Image:
    """Return one picture: axial plane, coronal plane below it, numbers and a slider."""
    position = session.at(lam)
    spacing = session.scan.spacing
    axial = shown(position.axial(k), spacing[1] / spacing[0])
    coronal = shown(position.coronal(j)[::-1], spacing[2] / spacing[0])
    text_height = 40
    width = axial.width
    canvas = Image.new("L", (width, axial.height + coronal.height + text_height))
    canvas.paste(axial, (0, 0))
    canvas.paste(coronal, (0, axial.height))
    draw = ImageDraw.Draw(canvas)
    top = axial.height + coronal.height
    score = f"{session.target.name} {position.score:.3g} {session.target.unit}"
    text = f"{score}   changed {position.change_percent:.1f} %"
    draw.text((8, top + 4), text, fill=255)
    draw.line((8, top + 30, width - 8, top + 30), fill=90)
    at = 8 + (width - 16) * share
    draw.ellipse((at - 5, top + 25, at + 5, top + 35), fill=230)
    return canvas.quantize(64)


def shown(hu: np.ndarray, aspect: float) -> Image.Image:
    """Return a plane in HU as a picture of square pixels in a lung window."""
    low, high = LUNG_WINDOW
    grey = (np.clip((hu.astype(float) - low) / (high - low), 0, 1) * 255).astype(np.uint8)
    image = Image.fromarray(grey)
    size = 320
    return image.resize((size, max(1, round(size * aspect * hu.shape[0] / hu.shape[1]))))


if __name__ == "__main__":
    main()
