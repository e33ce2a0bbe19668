"""Occlusion: how much the score falls where a window is hidden (Zeiler, Fergus 2014)."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, prod

from ...errors import SettingsError
from ...limits import ABOVE_0
from ...setting import setting
from ..method import Found, Method, Needs, Options, Request
from ..occlusion import AIR, KINDS, check_occlusion

# Scan and occlusion are the same where they differ by less: 1 HU of 2000.
LEAST_DIFFERENCE = 5e-4


@dataclass(frozen=True)
class OcclusionOptions(Options):
    """What hides, and in which windows."""

    occlusion: str = setting(
        AIR,
        f"what hides: {', '.join(KINDS)}, a number in HU, or a scan's file",
        "Occlusion",
        check=check_occlusion,
    )
    window_mm: float = setting(
        40.0, "edge of the window that is hidden, in mm", "Window", limit=ABOVE_0, unit="mm"
    )
    stride_mm: float = setting(
        30.0, "from one window to the next, in mm", "Stride", limit=ABOVE_0, unit="mm"
    )


def run(request: Request) -> Found:
    """Hide window after window within the part where scan and occlusion differ."""
    import numpy as np
    import torch

    from ..occlusion import chosen_occlusion, occluded
    from ..responsibility.boxes import box_around
    from .tools import captum

    options: OcclusionOptions = request.options
    behind = occluded(request, chosen_occlusion(request, options.occlusion))
    box = box_around(np.abs(behind - request.prepared.volume) >= LEAST_DIFFERENCE)
    if box is None:
        raise SettingsError(
            f"The occlusion {options.occlusion!r} shows the scan itself: no voxel differs visibly. "
            f"Choose another one."
        )
    place = (slice(None), slice(None), *box.slices)
    steps = request.prepared.spec.spacing[::-1]  # (I, J, K) -> (K, J, I)
    window, stride = (
        tuple(
            min(max(round(edge / step), 1), size)
            for step, size in zip(steps, box.shape, strict=True)
        )
        for edge in (options.window_mm, options.stride_mm)
    )
    stride = tuple(min(s, w) for s, w in zip(stride, window, strict=True))  # no gaps
    windows = prod(
        ceil((size - w) / s) + 1 for size, w, s in zip(box.shape, window, stride, strict=True)
    )
    whole = request.x.clone()
    done = 0

    def score(part: torch.Tensor) -> torch.Tensor:
        nonlocal done
        request.reporter.report(
            "searched",
            f"Window {done} of {windows}",
            0.15 + 0.8 * min(done / windows, 1),
            calls=done,
        )
        done += 1
        whole[place] = part
        return request.score(whole)

    with torch.no_grad():
        found = (
            captum()
            .Occlusion(score)
            .attribute(
                request.x[place].clone(),
                sliding_window_shapes=(1, *window),
                strides=(1, *stride),
                baselines=torch.from_numpy(behind).to(request.device)[None, None][place],
            )
        )
    values = np.zeros(request.prepared.volume.shape, np.float32)
    values[box.slices] = found[0, 0].float().cpu().numpy()
    return Found(values, {"calls": done, "window": list(window), "stride": list(stride)})


METHOD = Method(
    name="occlusion",
    description="How much the score falls where a window is hidden",
    sign="positive: the score falls where this is hidden; negative: it rises",
    needs=Needs(captum=True),
    run=run,
    options=OcclusionOptions,
    source="Zeiler MD, Fergus R. Visualizing and Understanding Convolutional Networks. ECCV 2014.",
    searches=True,
)
