"""The paper's evaluation again: Table 1 and Figure 5 beside what was published.

Cohen, Blankemeier and Chaudhari, "Explaining 3D Computed Tomography Classifiers with
Counterfactuals": Merlin's probability of pleural effusion on NSCLC-Radiomics with PleThora's
labels, the paper's search, one chunk changed at a time, of each scan the chunk that leaves the
least probability; chunks of 12 slices in the table. Which sizes its Figure 5A shows isn't told in
its text beyond 12 as the greatest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from ...archives.listed import Listed, reasons, write_manifest
from ...archives.plethora import read_plethora
from ...counterfactual.settings import ExplainSettings
from ...events import CancelToken, ProgressCallback
from ...statistics.describe import Description, described
from ..cohort_settings import FIGURES, CohortSettings
from ..rows import CaseRow, ChunkRow
from . import blocks
from .figure_five import by_case_and_size, reductions
from .scores import scored
from .write import Extra, write_cohort_report

if TYPE_CHECKING:
    from ...models.own.consent import Consent
    from ..cluster import Cluster

CLASSIFIER, TARGET, AUTOENCODER = "merlin-phecodes", "507", "ct2-vqgan256-paper"
TABLE_CHUNK = 12
CHUNKS = (5, 10, TABLE_CHUNK)
MANIFEST, COHORT_FOLDER = "plethora.csv", "cohort"
# The method as the paper's own code runs it.
SETTINGS = ExplainSettings(
    mode="chunks", search="reference", baseline="reconstruction", chunk=TABLE_CHUNK
)


@dataclass(frozen=True)
class Published:
    """A row of the paper's Table 1: mean and standard error."""

    name: str
    n: int
    mean: float
    error: float


PUBLISHED = (
    Published("Positive examples", 77, 0.24, 0.03),
    Published("Negative examples", 322, 0.05, 0.01),
    Published("Counterfactuals of positives, the best chunk of 12", 77, 0.15, 0.02),
)


def reproduce(
    data: str | Path,
    out: str | Path,
    cluster: Cluster | None = None,
    notice: str = "",
    chunks: tuple[int, ...] = CHUNKS,
    settings: ExplainSettings = SETTINGS,
    progress: ProgressCallback | None = None,
    cancel: CancelToken | None = None,
    consent: Consent | None = None,
) -> Path:
    """Run the paper's study on data as it was downloaded; return the report's page.

    Stopped or killed, the same call goes on: finished cases are found again.

    Parameters
    ----------
    data : str or Path
        NSCLC-Radiomics and PleThora, as `archives.plethora` takes them.
    out : str or Path
        Gets the manifest, and the cohort in a folder of its own.
    notice : str
        Said on top of the report, such as that data or weights stand in for the real ones.
    chunks : tuple of int
        Sizes for Figure 5; that of the table is always among them.
    settings : ExplainSettings
        As the paper's, but for such as the device.

    Raises
    ------
    ScanError
        If the data aren't laid out so.
    ModelError
        If the models' files aren't there: `models fetch` gets them.
    """
    from ..run import run_cohort

    cancel = cancel or CancelToken()
    out = Path(out)
    listed = read_plethora(Path(data), {}, out, cancel)
    manifest, _ = write_manifest(listed, out / MANIFEST, force=True)
    wanted = CohortSettings(
        classifier=CLASSIFIER,
        target=TARGET,
        autoencoder=AUTOENCODER,
        settings=settings,
        chunks=tuple(dict.fromkeys((*chunks, TABLE_CHUNK))),
        keep=FIGURES,
    )
    place = out / COHORT_FOLDER
    cohort = run_cohort(str(manifest), str(place), wanted, cluster, progress, cancel, consent)
    rows = cohort.in_order()
    searched = [chunk for row in rows for chunk in cohort.chunks[row.id]]
    extra = Extra(
        title="The paper's Table 1 and Figure 5, computed again",
        notice=notice,
        settings={"classifier": CLASSIFIER, "target": TARGET, "autoencoder": AUTOENCODER},
        sections=(beside_published(rows, searched, listed),),
    )
    return write_cohort_report(place, extra, check=cancel.check)


def beside_published(cases: Sequence[CaseRow], chunks: Sequence[ChunkRow], listed: Listed) -> str:
    """Return the section that sets this run beside the paper's Table 1."""
    rows = [
        [
            one.name,
            f"{one.mean:.2f} {blocks.PLUS_MINUS} {one.error:.2f}",
            str(one.n),
            blocks.plus_minus(found),
            str(found.n),
        ]
        for one, found in zip(PUBLISHED, measured(cases, chunks), strict=True)
    ]
    head = ("", "published", "N", "here", "N")
    left_out = f"Left out of the archive: {reasons(listed)}." if listed.left_out else ""
    told = (
        "Mean and standard error of the probability. The paper evaluated 399 of the 402 scans, "
        "77 of them positives, as data and labels didn't match for the others. " + left_out
    )
    return (
        f"<section><h2>Beside the published values</h2>{blocks.table(head, rows)}"
        f'<p class="fine">{escape(told)}</p></section>'
    )


def measured(
    cases: Sequence[CaseRow], chunks: Sequence[ChunkRow]
) -> tuple[Description, Description, Description]:
    """Return what the paper's table holds: positives, negatives, counterfactuals of positives."""
    together = scored(cases)
    best = [
        one.after
        for one in reductions(cases, by_case_and_size(chunks))
        if one.chunk == TABLE_CHUNK and one.positive
    ]
    return (
        described(together.of(True).before),
        described(together.of(False).before),
        best[0] if best else described([]),
    )
