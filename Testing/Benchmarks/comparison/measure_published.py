"""The published size, counted: FLOPs and memory of both codes on meta tensors."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from statistics import mean

from . import devices, paper, published
from .engine import CHUNK
from .report import FLOPS_RATIO, GROWTH, MEMORY_RATIO, PUBLISHED_NAME, TERA, Report
from .sizes import PUBLISHED
from .table import Row
from .tasks import meta_task


def measure_published(search: type, evaluations: list[int], report: Report) -> None:
    """Count FLOPs and memory of the published architecture; no numbers, so any machine can."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:  # shapes only: a core is enough
        growth = pool.submit(gradient_peaks)
        meta = meta_task(PUBLISHED, search)
        (paper_work, theirs_peak), (engine_work, ours_peak) = (
            published.count_paper(meta),
            published.count_engine(meta),
        )
        few, many = growth.result()
    a_chunk = mean(evaluations)
    chunks = [a_chunk] * (PUBLISHED.slices // CHUNK)
    theirs, ours = published.flops(paper_work, engine_work, chunks)
    report.values |= {
        "flops_ratio": theirs / ours,
        "memory_ratio": theirs_peak / ours_peak,
        "gradient_memory_growth": many / few,
    }
    report.details["published"] = {
        "theirs_flops": theirs,
        "ours_flops": ours,
        "evaluations": a_chunk,
        "theirs_memory_bytes": theirs_peak,
        "ours_memory_bytes": ours_peak,
        "gradient_bytes_10_slices": few,
        "gradient_bytes_300_slices": many,
    }
    gb = devices.GB
    report.rows += [
        Row(
            PUBLISHED_NAME,
            f"TFLOP, {a_chunk:.3g} evaluations a chunk",
            f"{theirs / TERA:.0f}",
            f"{ours / TERA:.0f}",
            theirs / ours,
            FLOPS_RATIO,
        ),
        Row(
            PUBLISHED_NAME,
            "peak GB above weights and volume",
            f"{theirs_peak / gb:.2f}",
            f"{ours_peak / gb:.2f}",
            theirs_peak / ours_peak,
            MEMORY_RATIO,
        ),
        Row(
            PUBLISHED_NAME,
            "latent gradient: GB for 300 slices / for 10",
            "",
            f"{many / gb:.2f} / {few / gb:.2f}",
            many / few,
            GROWTH,
            at_most=True,
        ),
    ]
    report.notes += [
        "Published size: counted by running both codes on meta tensors, with the evaluations of "
        "the random-weight task. Memory: theirs, one chunk (gradient, one evaluation); ours, "
        "gradients of all slices and one evaluation of every chunk. Kernels' scratch is left out.",
    ]


def gradient_peaks() -> tuple[int, int]:
    """Return the peak bytes of the published size's latent gradient, of 10 and of 300 slices."""
    search = paper.load_search()
    paper.import_paper()
    return published.gradient_peaks(meta_task(PUBLISHED, search))
