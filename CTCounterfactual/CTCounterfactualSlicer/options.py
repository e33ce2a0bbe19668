"""The console's keywords, and the job that they describe."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from CTCounterfactualLib.counterfactual.settings import ExplainSettings
from CTCounterfactualLib.errors import SettingsError
from CTCounterfactualLib.jobs.job import FileInput, Job
from CTCounterfactualLib.methods.choices import SEGMENTS, takes_segments
from CTCounterfactualLib.methods.registry import LATENT_SHIFT, find_method
from CTCounterfactualLib.setting_choices import AUTO_REGION
from CTCounterfactualLib.setting_table import SETTINGS
from CTCounterfactualLib.suggest import suggest
from CTCounterfactualLib.wording import say

# The job file's own defaults.
DEFAULT_CLASSIFIER, DEFAULT_AUTOENCODER = Job.classifier, Job.autoencoder
DEFAULT_METHOD = LATENT_SHIFT
REPLACE, KEEP = "replace", "keep"
OUTPUTS = (REPLACE, KEEP)

# Keyword -> name of the setting.
SETTING_KEYWORDS = {one.console_keyword: name for name, one in SETTINGS.items()}
OTHER_KEYWORDS = {
    "classifier": "classifier",
    "target": "target",
    "autoencoder": "autoencoder",
    "region": "region",
    "assumeHu": "assume_hu",
    "outputs": "outputs",
    "report": "report",
    "method": "method",
    "methodOptions": "method_options",
    "segments": "segments",
    "runOn": "run_on",
}
KEYWORDS = tuple(sorted((*SETTING_KEYWORDS, *OTHER_KEYWORDS)))


@dataclass(frozen=True)
class Options:
    """What to compute on a volume node and what to do with the nodes that come of it.

    Parameters
    ----------
    settings : ExplainSettings
        How to search.
    classifier, autoencoder : str
        Names of the catalogue, or paths of cards.
    target : str or None
        Which output of the classifier; None takes its first.
    region : (vtkMRMLSegmentationNode, str), "auto" or None
        Segmentation and segment ID: only inside may the scan change. "auto": the run finds one.
    assume_hu : bool
        Go on although the values don't look like HU.
    outputs : str
        `replace`: the nodes of earlier explanations of that volume by the same method go; `keep`:
        they stay.
    report : bool
        Also write the report into the result folder.
    method : str
        How to explain: `latent-shift`, or a name of `methods.registry.NAMES`.
    method_options : dict
        Options of another method, by name; what isn't given keeps its default.
    segments : vtkMRMLSegmentationNode or None
        The structures of a method that compares some, such as `structures`.
    run_on : str
        The computer to run on: a host of the user's list or of ssh's; empty: this one.
    """

    settings: ExplainSettings = field(default_factory=ExplainSettings)
    classifier: str = DEFAULT_CLASSIFIER
    target: str | None = None
    autoencoder: str = DEFAULT_AUTOENCODER
    region: tuple[Any, str] | str | None = None
    assume_hu: bool = False
    outputs: str = REPLACE
    report: bool = False
    method: str = DEFAULT_METHOD
    method_options: dict[str, Any] = field(default_factory=dict)
    segments: Any = None
    run_on: str = ""

    def __post_init__(self) -> None:
        if self.outputs not in OUTPUTS:
            raise SettingsError(
                f"{say('outputs')} is {self.outputs!r}; choose {REPLACE!r} (earlier results of "
                f"this volume go) or {KEEP!r} (they stay)."
            )
        if self.region not in (None, AUTO_REGION) and not _is_region(self.region):
            raise SettingsError(
                f"{say('region')} is {self.region!r}; give a pair (segmentationNode, segmentId), "
                f"where segmentId is text such as 'Segment_1', or {AUTO_REGION!r}."
            )
        if not isinstance(self.run_on, str):
            raise SettingsError(
                f"The option runOn is {self.run_on!r}; give the name of a host as text, or '' for "
                f"this computer."
            )
        method = find_method(self.method)
        method.with_options(self.method_options)
        if self.segments is not None and not takes_segments(method):
            raise SettingsError(f"The method {self.method} takes no segments. Leave them out.")

    @classmethod
    def from_keywords(cls, **keywords: Any) -> Options:
        """Make options from the console's keywords; what isn't given keeps its default.

        Raises
        ------
        SettingsError
            Naming an unknown keyword and the nearest known one, or a value that isn't allowed.
        """
        for keyword in keywords:
            if keyword not in KEYWORDS:
                raise SettingsError(f"There is no option {keyword!r}. {suggest(keyword, KEYWORDS)}")
        settings = {SETTING_KEYWORDS[k]: v for k, v in keywords.items() if k in SETTING_KEYWORDS}
        others = {OTHER_KEYWORDS[k]: v for k, v in keywords.items() if k in OTHER_KEYWORDS}
        return cls(settings=ExplainSettings(**settings), **others)

    @property
    def region_name(self) -> str:
        """Name of the region's segment for people; empty without a region."""
        if not isinstance(self.region, (tuple, list)):
            return ""
        segmentation, segment_id = self.region
        segment = segmentation.GetSegmentation().GetSegment(segment_id)
        return segment.GetName() if segment is not None else segment_id

    def to_job(
        self,
        scan: Path,
        name: str,
        output: Path,
        region: Path | None,
        stream: Path,
        segments: Path | None = None,
    ) -> Job:
        """Return the job for a scan, and a region or segments, that were written to files."""
        return Job(
            input=FileInput(str(scan), assume_hu=self.assume_hu, name=name),
            output=str(output),
            classifier=self.classifier,
            target=self.target,
            autoencoder=self.autoencoder,
            settings=self.settings,
            region=self._region_text(region),
            region_name=self.region_name,
            scene=False,
            report=self.report,
            stream=str(stream),
            method=self.method,
            method_options=self.method_options | ({SEGMENTS: str(segments)} if segments else {}),
        )

    def _region_text(self, file: Path | None) -> str | None:
        if self.region == AUTO_REGION:
            return AUTO_REGION
        return None if file is None else str(file)


def _is_region(region: Any) -> bool:
    return (
        isinstance(region, (tuple, list))
        and len(region) == 2
        and region[0] is not None
        and isinstance(region[1], str)
        and bool(region[1])
    )
