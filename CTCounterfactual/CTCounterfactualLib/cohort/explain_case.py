"""Explain one case, as far as its record lacks it: on a worker, into the cohort's folder."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Any

from ..counterfactual.engine import explain
from ..counterfactual.environment import choose_device, peak_memory_mb
from ..counterfactual.machine import forget_peak_memory
from ..counterfactual.region import read_region
from ..counterfactual.result import Explanation
from ..evaluation.evaluate import evaluate_result
from ..events import CancelToken
from ..methods.attribute import attribute
from ..outputs.earlier import RECORD
from ..scans.read import read_scan
from ..scans.scan import Scan
from ..setting_choices import AUTO_REGION
from ..storage.bounded import MOST_RECORD_BYTES
from ..storage.objects import read_object
from ..stress.run import stress
from ..stress.stress_settings import StressSettings
from ..trust.examine import examine_result
from .case_record import is_record, new_record, record_file
from .cohort_settings import ALL
from .fingerprint import content_of, stamp_of
from .inputs import InputCache
from .keep import drop_the_rest, write_kept
from .loaded import Loaded
from .locations import is_url
from .output import FolderOutput, Output
from .result_values import chunk_values, result_values, truth_slices
from .rows import RESULTS
from .work import Work, keys_of


class CaseExplainer:
    """Explains a case.

    Parameters
    ----------
    work : Work
        Which, and how.
    output : Output
        Where the cohort is written.
    loaded : Loaded
        The worker's models.
    inputs : InputCache
        The worker's fetched scans.
    scratch : Path
        An empty folder of this computer.
    cancel : CancelToken
        Stops it.
    """

    def __init__(
        self,
        work: Work,
        output: Output,
        loaded: Loaded,
        inputs: InputCache,
        scratch: Path,
        cancel: CancelToken,
    ):
        self._work, self._output, self._loaded = work, output, loaded
        self._inputs, self._cancel = inputs, cancel
        self._folder = scratch / work.case.id
        self._scan: Scan | None = None

    def run(self) -> tuple[dict[str, Any], bool]:
        """Make what the record lacks, write it, and return it, and whether anything was made.

        Raises
        ------
        CTCounterfactualError
            Then the record and the folder are as before.
        """
        case, wanted = self._work.case, self._work.wanted
        name = record_file(case.id)
        record = self._output.read_json(name)
        if not is_record(record, case.id):
            record = new_record(case.id)
        assert record is not None
        inputs, digests = self._digests(record["inputs"])
        keys = keys_of(self._work, digests)
        lacks = keys.lacking(record, wanted.keep)
        if not self._output.holds(f"{RESULTS}/{case.id}/{RECORD}"):
            lacks.add("result")
        if not lacks and record["failed"] is None:
            return record, False
        self._loaded.get(self._work)
        forget_peak_memory()
        started = perf_counter()
        parts = dict(record["parts"])
        if lacks & {"result", "metrics", "trust"}:
            self._make_result(parts, keys, lacks)
        chunks = {size: part for size, part in parts.get("chunks", {}).items()}
        for size, key in keys.chunks.items():
            if chunks.get(str(size), {}).get("key") != key:
                chunks[str(size)] = {"key": key, "rows": self._chunk_rows(size)}
        parts["chunks"] = chunks
        if "truth" in lacks:
            parts["truth"] = {"key": keys.truth, "slices": self._truth()}
        if "stress" in lacks:
            parts["stress"] = {"key": keys.stress, "values": self._stress()}
        for part in ("truth", "metrics", "trust", "stress"):
            if getattr(keys, part) is None:
                parts.pop(part, None)
        self._cancel.check()
        device = choose_device(wanted.settings.device)
        anew = "result" in lacks
        record = new_record(case.id) | {
            "inputs": inputs,
            "parts": parts,
            "seconds": (0.0 if anew else record["seconds"]) + perf_counter() - started,
            "peak_mb": max(0.0 if anew else record["peak_mb"], peak_memory_mb(device)),
            "attempts": self._work.attempt,
        }
        self._output.write_json(name, record)
        return record, True

    def _digests(self, known: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
        """Return what the record is to say of the files, and their digests by location."""
        inputs = {}
        for location in self._work.files:
            held = known.get(location, {})
            stamp = stamp_of(location)
            if held.get("stamp") != stamp:
                held = {"stamp": stamp, "sha256": content_of(self._inputs.local(location))}
            inputs[location] = held
        return inputs, {location: held["sha256"] for location, held in inputs.items()}

    @property
    def _read(self) -> Scan:
        """The case's scan, read once; it is called by where it came from."""
        if self._scan is None:
            case, path = self._work.case, self._local(self._work.case.path)
            modality = self._loaded.classifier.grid.modality
            scan = read_scan(path, case.series or None, self._work.wanted.assume_hu, modality)
            self._scan = replace(scan, path=case.path) if is_url(case.path) else scan
        return self._scan

    def _local(self, location: str) -> Path:
        return self._inputs.local(location)

    def _explain(self, **changed: Any) -> Explanation:
        work, region = self._work, self._work.region
        read = (
            read_region(self._local(region)) if region and region != AUTO_REGION else region or None
        )
        return explain(
            self._read,
            self._loaded.classifier,
            work.target,
            self._loaded.autoencoder,
            replace(work.wanted.settings, **changed),
            region=read,
            cancel=self._cancel,
        )

    def _make_result(self, parts: dict[str, Any], keys: Any, lacks: set[str]) -> None:
        """Make the result, or take it from its folder where only measures and tests lack."""
        case, wanted = self._work.case, self._work.wanted
        place = f"{RESULTS}/{case.id}"
        if "result" not in lacks and self._whole_there(parts):
            shutil.copytree(Path(self._output.location) / place, self._folder)
        else:
            made: Any
            if wanted.counterfactual:
                made = self._explain()
                rows = [chunk_values(outcome) for outcome in made.chunks]
                main = wanted.settings.chunk
                if main in keys.chunks:
                    chunks = parts.get("chunks", {})
                    chunks = {**chunks, str(main): {"key": keys.chunks[main], "rows": rows}}
                    parts["chunks"] = chunks
            else:
                made = attribute(
                    self._read,
                    wanted.method,
                    self._loaded.classifier,
                    self._work.target,
                    wanted.method_options,
                    self._loaded.autoencoder,
                    wanted.settings,
                    cancel=self._cancel,
                )
            self._cancel.check()  # half a map isn't one
            write_kept(made, self._folder, wanted, self._work.whole_result)
        if keys.metrics is not None:
            parts["metrics"] = {"key": keys.metrics, "values": self._measure()}
        if keys.trust is not None:
            parts["trust"] = {"key": keys.trust, "values": self._test()}
        drop_the_rest(self._folder, wanted.keep)
        values = result_values(read_object(self._folder / RECORD, MOST_RECORD_BYTES))
        self._output.put_folder(place, self._folder)
        parts["result"] = {
            "key": keys.result,
            "keep": wanted.keep,
            "values": {**values, "chunk": wanted.settings.chunk, "folder": place},
        }

    def _whole_there(self, parts: dict[str, Any]) -> bool:
        return isinstance(self._output, FolderOutput) and parts["result"]["keep"] == ALL

    def _chunk_rows(self, size: int) -> list[list[float]]:
        made = self._explain(chunk=size, mode="chunks", frames=0)
        return [chunk_values(outcome) for outcome in made.chunks]

    def _measure(self) -> dict[str, float]:
        case = self._work.case
        made = evaluate_result(
            self._folder,
            self._local(case.mask) if case.mask else None,
            self._local(case.clean) if case.clean else None,
            self._local(case.path),
            self._loaded.classifier,
            cancel=self._cancel,
        )
        return made.metrics

    def _test(self) -> dict[str, str]:
        work, region = self._work, self._work.region
        made = examine_result(
            self._folder,
            work.wanted.tests,
            truth=self._local(work.case.mask) if work.case.mask else None,
            scan=self._local(work.case.path),
            classifier=self._loaded.classifier,
            autoencoder=self._loaded.autoencoder,
            region=self._local(region) if region and region != AUTO_REGION else None,
            cancel=self._cancel,
        )
        self._cancel.check()  # some of the tests aren't all
        return {verdict.test: verdict.status for verdict in made.verdicts}

    def _truth(self) -> list[int]:
        return truth_slices(
            self._read, self._local(self._work.case.mask), self._loaded.classifier.grid
        )

    def _stress(self) -> dict[str, float]:
        settings = self._work.wanted.settings
        made = stress(
            self._read,
            self._loaded.classifier,
            self._work.target,
            StressSettings(seed=settings.seed),
            cancel=self._cancel,
            device=settings.device,
        )
        return {one.kind: float(one.share) for one in made.verdicts if one.share is not None}
