"""The best, middle and worst cases, with their pictures where these were kept."""

from __future__ import annotations

import base64
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from urllib.parse import quote

from ...outputs.numbers import amount, signed
from ..rows import DONE, CaseRow

EACH = 3
PICTURE = "figure.png"
# Width of a picture in the page, pixels: three stand side by side.
WIDTH = 640


@dataclass(frozen=True)
class Chosen:
    """A case that stands for others: `kind` is best, median or worst."""

    kind: str
    case: CaseRow


def choose(cases: Sequence[CaseRow]) -> list[Chosen]:
    """Return the positives whose score fell most, as the middle one's, and least; else of all."""
    done = [case for case in cases if case.status == DONE and case.reduction is not None]
    group = [case for case in done if case.positive] or done
    ranked = sorted(group, key=lambda case: (-(case.reduction or 0.0), case.id))
    if len(ranked) < 3 * EACH:
        kinds = [("best", ranked[:1]), ("median", ranked[1:-1][:1]), ("worst", ranked[1:][-1:])]
    else:
        start = (len(ranked) - EACH) // 2
        kinds = [
            ("best", ranked[:EACH]),
            ("median", ranked[start : start + EACH]),
            ("worst", ranked[-EACH:]),
        ]
    return [Chosen(kind, case) for kind, some in kinds for case in some]


def cards(chosen: Sequence[Chosen], folder: Path, unit: str) -> str:
    """Return the cases as HTML: picture, scores, flags, a link to the folder."""
    return "".join(_card(one, folder, unit) for one in chosen)


def _card(one: Chosen, folder: Path, unit: str) -> str:
    case = one.case
    name = escape(case.id)
    picture = _picture(folder / case.folder / PICTURE) if case.folder else ""
    shown = (
        f'<img src="data:image/png;base64,{picture}" alt="Scan, counterfactual, change: {name}">'
        if picture
        else '<p class="fine">No picture was kept of this case.</p>'
    )
    title = f"<b>{one.kind}</b> {name}"
    if case.folder:
        title = f'<b>{one.kind}</b> <a href="{quote(case.folder)}/">{name}</a>'
        shown = f'<a href="{quote(case.folder)}/">{shown}</a>' if picture else shown
    before, after = (
        "?" if value is None else amount(value, 3)
        for value in (case.score_original, case.score_counterfactual)
    )
    moved = signed(-(case.reduction or 0.0))
    flags = escape(case.flags.replace(" ", ", ")) or "no flags"
    return (
        f'<div class="case {one.kind}"><h3>{title}</h3>{shown}<p>{before} to {after} '
        f'{escape(unit)} ({moved})</p><p class="fine">{flags}</p></div>'
    )


def _picture(path: Path) -> str:
    """Return a case's figure, made smaller, as base64; empty if it isn't there or no picture."""
    import numpy as np
    import SimpleITK as sitk

    if not path.is_file():
        return ""
    try:
        image = sitk.ReadImage(str(path))
        if image.GetNumberOfComponentsPerPixel() not in (1, 3, 4):
            return ""
        ratio = max(1.0, image.GetWidth() / WIDTH)
        size = [max(1, round(extent / ratio)) for extent in image.GetSize()]
        small = sitk.Resample(
            sitk.SmoothingRecursiveGaussian(sitk.Cast(image, _floats(image)), ratio / 2),
            size,
            sitk.Transform(),
            sitk.sitkLinear,
            image.GetOrigin(),
            [spacing * ratio for spacing in image.GetSpacing()],
            image.GetDirection(),
        )
        pixels = np.clip(np.rint(sitk.GetArrayFromImage(small)), 0, 255).astype(np.uint8)
        out = sitk.GetImageFromArray(pixels[..., :3], isVector=True) if pixels.ndim == 3 else None
        with tempfile.TemporaryDirectory() as folder:  # SimpleITK only writes to files
            place = Path(folder) / "small.png"
            sitk.WriteImage(out or sitk.GetImageFromArray(pixels), str(place), useCompression=True)
            return base64.b64encode(place.read_bytes()).decode("ascii")
    except RuntimeError:
        return ""


def _floats(image) -> int:
    import SimpleITK as sitk

    vector = image.GetNumberOfComponentsPerPixel() > 1
    return sitk.sitkVectorFloat32 if vector else sitk.sitkFloat32
