"""The tables of a cohort: `cases.csv` and `cases.parquet`, `chunks.csv` and `chunks.parquet`.

A row is a `CaseRow` or a `ChunkRow`, a column each field in this order; the fields `metrics`,
`trust` and `stress` have a column for each name in them, `metrics.NAME`, in the order of the
alphabet. In CSV nothing stands for None, and 1 and 0 for true and false; numbers are written so
that they are read again to the bit. Rows come in the manifest's order, each case exactly once.

    OUT/
      cohort.json            what was asked and with what; see `cohort.cohort_file`
      cases.csv, .parquet    a row a case
      chunks.csv, .parquet   a row a search of a chunk, of all chunk sizes
      cases/ID/              result folder of the case with `result.json`; how much, says `keep`
      records/ID.json        the case's rows, and of what they were made; a case is done once it is
                             there
      report.html            of all of it
"""

from __future__ import annotations

from dataclasses import dataclass, field

DONE, FAILED = "done", "failed"
CASES, CHUNKS = "cases", "chunks"  # file names without suffix
COHORT = "cohort.json"
RESULTS, RECORDS = "cases", "records"  # folders
# Fields that have a column for each name in them.
SPREAD = ("metrics", "trust", "stress")


@dataclass(frozen=True)
class CaseRow:
    """One case; what isn't known, or makes no sense for the method, is None.

    Parameters
    ----------
    id, path, series, group : str
        As in the manifest; the path is absolute, or a URL.
    label : float
        1 or 0, or a value (> 0: the finding is there).
    status : str
        `done` or `failed`.
    reason : str
        Why it failed, on one line; empty if it is done.
    attempts : int
        How often it was begun by the run that ended it, 1 or 2.
    target, unit : str
        What the score is of.
    score_original, score_reconstruction, score_counterfactual : float
        In the target's unit; see `Scores`.
    logit_original, logit_reconstruction, logit_counterfactual : float
        The same on the logit, of probabilities only.
    threshold : float
        Score at or above which the finding is called present.
    flipped : bool
        Whether scan and counterfactual lie on different sides of the threshold.
    reduction : float
        score_original - score_counterfactual.
    lam, change : float
        Of the search of the whole volume: lambda, and the share of the image that changed.
    chunk : int
        Chunk size of the result in the case's folder, prepared slices.
    slices : int
        Of the prepared scan.
    flags : str
        Names of the explanation's flags, with a space between.
    seconds : float
        Of the case, all chunk sizes, tests and writing included.
    peak_mb : float
        Greatest memory of the worker while it explained the case.
    folder : str
        The case's folder within OUT; empty if it has none.
    sha256 : str
        Of the scan that was read.
    metrics : dict of str to float
        See `evaluation`; `metrics.NAME`.
    trust : dict of str to str
        Test -> pass, warn, fail or not run; `trust.NAME`.
    stress : dict of str to float
        Distractor -> its greatest reaction as a share of a finding's; `stress.NAME`.
    """

    id: str
    path: str
    series: str
    group: str
    label: float
    status: str
    reason: str = ""
    attempts: int = 0
    target: str = ""
    unit: str = ""
    score_original: float | None = None
    score_reconstruction: float | None = None
    score_counterfactual: float | None = None
    logit_original: float | None = None
    logit_reconstruction: float | None = None
    logit_counterfactual: float | None = None
    threshold: float | None = None
    flipped: bool | None = None
    reduction: float | None = None
    lam: float | None = None
    change: float | None = None
    chunk: int | None = None
    slices: int | None = None
    flags: str = ""
    seconds: float | None = None
    peak_mb: float | None = None
    folder: str = ""
    sha256: str = ""
    metrics: dict[str, float] = field(default_factory=dict)
    trust: dict[str, str] = field(default_factory=dict)
    stress: dict[str, float] = field(default_factory=dict)

    @property
    def positive(self) -> bool:
        """Whether the finding is there, by the label."""
        return self.label > 0


@dataclass(frozen=True)
class ChunkRow:
    """One search of a chunk, all other slices fixed.

    Parameters
    ----------
    id : str
        The case.
    chunk : int
        Chunk size, prepared slices (the last chunk may have fewer).
    start, stop : int
        Slices [start, stop) of the prepared scan, from foot to head.
    low_mm, high_mm : float
        Its lower and upper face, S in mm.
    score_before, score_after : float
        In the target's unit.
    reduction : float
        score_before - score_after.
    lam, change : float
        Lambda, and the share of the image that changed.
    truth : float
        Share of the finding's mask that lies in the chunk; None without a mask.
    """

    id: str
    chunk: int
    start: int
    stop: int
    low_mm: float
    high_mm: float
    score_before: float
    score_after: float
    reduction: float
    lam: float
    change: float
    truth: float | None = None
