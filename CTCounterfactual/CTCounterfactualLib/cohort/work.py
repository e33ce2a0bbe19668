"""What one worker is asked: a case, how to explain it, and of what each part of it is made."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from .case_record import has_part
from .cohort_settings import ALL, KEEPS, CohortSettings
from .fingerprint import MEASURING, STRESSING, TESTING, code_digest, key_of
from .manifest import Case

# Settings that decide the result in a case's folder, and no search of a chunk alone.
_OF_THE_RESULT = ("mode", "frames", "level_edges")


@dataclass(frozen=True)
class Models:
    """Which models all cases are explained with: digests, by which every worker knows them."""

    classifier: str
    autoencoder: str


@dataclass(frozen=True)
class Work:
    """One case to explain.

    Parameters
    ----------
    case : Case
        Which.
    wanted : CohortSettings
        How.
    models : Models
        With what.
    output : str
        Where the cohort is written.
    run : str
        Name of the run, which a worker must find in `cohort.json` there: else it would write to a
        folder of its own.
    code : str
        Digest of the engine that the run began with.
    attempt : int
        1 or 2.
    """

    case: Case
    wanted: CohortSettings
    models: Models
    output: str
    run: str
    code: str
    attempt: int = 1

    @property
    def target(self) -> str | None:
        """The manifest's target, or the run's."""
        return self.case.target or self.wanted.target

    @property
    def region(self) -> str | None:
        """The manifest's region, or the run's."""
        return self.case.region or self.wanted.region

    @property
    def files(self) -> tuple[str, ...]:
        """All locations that the case is read from."""
        region = self.region if self.region != "auto" else ""
        named = (self.case.path, region, self.case.mask, self.case.clean)
        return tuple(location for location in named if location)

    @property
    def metrics(self) -> bool:
        """Whether the result is to be measured."""
        return self.wanted.metrics or bool(self.case.mask or self.case.clean)

    @property
    def whole_result(self) -> bool:
        """Whether the result has to be written whole, be it to be kept, measured or tested."""
        return self.wanted.keep == ALL or self.metrics or bool(self.wanted.tests)

    def again(self) -> Work:
        """Return the same as a second attempt."""
        return replace(self, attempt=self.attempt + 1)


@dataclass(frozen=True)
class Keys:
    """Of what each part of a case's record is made; None: the part isn't asked for."""

    result: str
    chunks: dict[int, str]
    truth: str | None
    metrics: str | None
    trust: str | None
    stress: str | None

    def lacking(self, record: dict[str, Any], keep: str) -> set[str]:
        """Return the parts that a record lacks; chunk sizes as `chunk 5`."""
        parts = record["parts"]
        lacks = {
            name
            for name in ("result", "truth", "metrics", "trust", "stress")
            if (key := getattr(self, name)) is not None and not has_part(record, name, key)
        }
        held = parts.get("result", {}).get("keep")
        if held not in KEEPS or KEEPS.index(held) > KEEPS.index(keep):
            lacks.add("result")
        sizes = parts.get("chunks", {})
        lacks |= {
            f"chunk {size}"
            for size, key in self.chunks.items()
            if sizes.get(str(size), {}).get("key") != key
        }
        return lacks


def keys_of(work: Work, digests: dict[str, str]) -> Keys:
    """Return the keys of a case's parts.

    Parameters
    ----------
    digests : dict
        Location -> SHA-256 of what is there, for all of `work.files`.
    """
    case, wanted = work.case, work.wanted
    settings = wanted.settings.to_dict()
    main = settings.pop("chunk")
    scan = {
        "scan": digests[case.path],
        "series": case.series,
        "assume_hu": wanted.assume_hu,
        "classifier": [wanted.classifier, work.models.classifier],
        "target": work.target,
        "code": work.code,
    }
    base = {
        **scan,
        "region": digests.get(work.region or "", work.region),
        "autoencoder": [wanted.autoencoder, work.models.autoencoder],
        "method": wanted.method,
        "options": wanted.method_options,
    }
    result = key_of({**base, "settings": settings, "chunk": main, "files": _files_asked(wanted)})
    alone = {name: value for name, value in settings.items() if name not in _OF_THE_RESULT}
    sizes = wanted.chunks if wanted.counterfactual and settings["mode"] != "whole" else ()
    mask, clean = digests.get(case.mask), digests.get(case.clean)
    of_mask = {"result": result, "mask": mask, "clean": clean}
    return Keys(
        result=result,
        chunks={
            size: key_of(
                {**base, "settings": alone, "chunk": size}
                | ({"mode": settings["mode"]} if size == main else {})
            )
            for size in sizes
        },
        truth=key_of({**scan, "mask": mask}) if mask else None,
        metrics=key_of({**of_mask, "code": code_digest(MEASURING)}) if work.metrics else None,
        trust=key_of({**of_mask, "tests": wanted.tests, "code": code_digest(TESTING)})
        if wanted.tests
        else None,
        stress=key_of({**scan, "seed": settings["seed"], "stress": code_digest(STRESSING)})
        if wanted.stress
        else None,
    )


def _files_asked(wanted: CohortSettings) -> list[str]:
    """Return the files of a folder that are there only if they are asked for."""
    return [name for name in ("scene", "report") if getattr(wanted, name)]
