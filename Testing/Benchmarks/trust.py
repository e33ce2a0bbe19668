"""Put explanations to the tests of trust, and write TRUST.md: one command, with seeds.

    python Testing/Benchmarks/trust.py -o trust
    python Testing/Benchmarks/trust.py -o trust --probe probe/effusion-probe.json

Plants findings into a slab of a scan that no model was trained on, explains it by every method,
and tests each explanation: the cascade of random weights for all methods, and every other test for
Latent Shift with each embedded classifier. What is done stays done, unless the classifier has got
other weights since: the same command goes on after an interruption. The scan is looked for in
`../shared/data/ct`; name another by `--scan`.
"""

import argparse
import json
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
sys.path.insert(0, str(REPOSITORY / "CTCounterfactual"))

import trust_backbone  # noqa: E402
from trust_table import trust_report  # noqa: E402

from CTCounterfactualLib import attribute, explain, read_scan, write_result  # noqa: E402
from CTCounterfactualLib.errors import CTCounterfactualError  # noqa: E402
from CTCounterfactualLib.models.catalogue import load_classifier  # noqa: E402
from CTCounterfactualLib.outputs.volumes import write_image  # noqa: E402
from CTCounterfactualLib.planting import plant  # noqa: E402
from CTCounterfactualLib.scans.grid import prepare  # noqa: E402
from CTCounterfactualLib.scans.scan import Scan  # noqa: E402
from CTCounterfactualLib.trust.examine import examine_result  # noqa: E402
from CTCounterfactualLib.trust.registry import NAMES  # noqa: E402

SCAN = REPOSITORY.parent / "shared" / "data" / "ct" / "chest_cip64.nrrd"
# Draws fluid that both effusion classifiers see in the slab.
SEED = 3
ML, SIDE = 600.0, "right"
# What is looked at: so many prepared slices of 3 mm around the middle of what is planted, and so
# much around it within them. Small, so that a cascade takes a minute of one core.
SLICES, MARGIN_MM = 12, 36.0
# Of both lungs, with nothing planted: room for what the test `planted` plants.
ROOMY_SLICES = 28
CASCADE, PLANTED = ("randomisation",), ("planted",)
HALF = 0.5


@dataclass(frozen=True, eq=False)
class Case:
    """An explanation to be tested.

    Parameters
    ----------
    classifier, target : str
        Of the catalogue.
    finding : str
        What is planted; empty: nothing.
    method : str
        Of explanation, with its options.
    cascade : bool
        Whether it is put to the whole cascade of random weights, or to each test once.
    planted : bool
        Whether only a planted finding is looked for, in a part with room for one.
    """

    classifier: str
    target: str
    finding: str = "effusion"
    method: str = "latent-shift"
    options: dict = field(default_factory=dict)
    cascade: bool = True
    planted: bool = False

    @property
    def explained(self) -> str:
        roomy = "-roomy" if self.planted else ""
        return f"{self.classifier}-{self.finding or 'none'}-{self.method}{roomy}"

    @property
    def tests(self) -> tuple[str, ...]:
        return PLANTED if self.planted else CASCADE if self.cascade else NAMES

    @property
    def name(self) -> str:
        kind = "planted" if self.planted else "cascade" if self.cascade else "all"
        return f"{self.explained}-{kind}"


_DEMO = ("effusion-demo", "pleural effusion logit")
CASES = (
    Case(*_DEMO),
    Case(*_DEMO, method="input-gradient"),
    Case(*_DEMO, method="grad-cam"),
    Case(*_DEMO, method="hirescam"),
    Case(*_DEMO, method="guided-backprop"),
    Case(*_DEMO, method="smoothgrad", options={"samples": 8}),
    Case(*_DEMO, method="integrated-gradients", options={"steps": 16}),
    Case(*_DEMO, method="occlusion"),
    Case(*_DEMO, method="responsibility", options={"occlusion": "air", "iterations": 2}),
    Case("findings-demo", "effusion"),
    Case(*_DEMO, cascade=False),
    Case("findings-demo", "effusion", cascade=False),
    Case("lung-volume", "aerated lung volume", finding="", cascade=False),
    Case(*_DEMO, finding="", cascade=False, planted=True),
    Case("findings-demo", "effusion", finding="", cascade=False, planted=True),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-o", "--output", type=Path, default=Path("trust"), help="working folder")
    parser.add_argument("--scan", type=Path, default=SCAN)
    parser.add_argument("--probe", type=Path, metavar="CARD", help="a probe on a backbone, too")
    parser.add_argument("--only", nargs="+", default=[], help="cases whose names hold one of these")
    parser.add_argument("--markdown", type=Path, help="default: TRUST.md in the working folder")
    options = parser.parse_args()
    output = options.output
    output.mkdir(parents=True, exist_ok=True)
    for case in CASES:
        if not options.only or any(part in case.name for part in options.only):
            run(case, options.scan, output)
    if options.probe:
        trust_backbone.run(options.probe, options.scan, output)
    reports = {case: _report(output / case.name) for case in CASES}
    markdown = options.markdown or output / "TRUST.md"
    text = trust_report(reports, options.scan.name, SLICES, ML) + trust_backbone.section(output)
    markdown.write_text(text, encoding="utf-8")
    print(f"Written: {markdown}")


def run(case: Case, scan: Path, output: Path) -> None:
    """Explain and test one case, unless that is done."""
    folder, problem = output / case.name, output / f"{case.name}.problem"
    made = output / "explained" / case.explained
    for there in (folder, made):
        if _of_other_weights(there, case):
            shutil.rmtree(there)
    if (folder / "trust.json").exists() or problem.exists():
        return
    print(case.name, flush=True)
    slab, mask = _slab(case, scan, output)
    try:
        if not (made / "result.json").exists():
            if case.method == "latent-shift":
                found = explain(slab, case.classifier, case.target, mode="whole", seed=SEED)
            else:
                found = attribute(slab, case.method, case.classifier, case.target, case.options)
            write_result(found, made, scene=False, with_scan=True)
        if not folder.exists():
            shutil.copytree(made, folder)
        examine_result(folder, case.tests, all_tests=case.cascade, truth=mask, progress=print)
    except CTCounterfactualError as error:
        problem.write_text(str(error), encoding="utf-8")
        print(f"{case.name}: {error}", flush=True)


def _of_other_weights(folder: Path, case: Case) -> bool:
    """Tell whether a result is of weights that its classifier no longer has."""
    record = folder / "result.json"
    if not record.exists():
        return False
    made_with = json.loads(record.read_text("utf-8"))["classifier"]["sha256"]
    return made_with != str(load_classifier(case.classifier).sha256 or "")


def _slab(case: Case, scan: Path, output: Path) -> tuple[Path, Path | None]:
    """Return the slab with the finding planted, and the finding's mask; made once."""
    stem = "roomy" if case.planted else case.finding or "none"
    count = ROOMY_SLICES if case.planted else SLICES
    slab, mask = output / f"slab-{stem}.nrrd", output / f"mask-{stem}.nrrd"
    if not slab.exists():
        prepared = prepare(read_scan(scan))
        hu = prepared.spec.window.to_hu(prepared.volume)
        cover = prepared.lungs.astype(np.float32)
        if case.finding:
            rng = np.random.default_rng(SEED)
            planted = plant(case.finding, hu, prepared.lungs, prepared.spec.spacing, rng, ML, SIDE)
            hu, cover = planted.hu, planted.cover
        part = _part(cover, prepared.spec.spacing, count)
        voxels = np.rint(hu).astype(np.int16)
        write_image(Scan(prepared.as_image(voxels)[part]).image, slab)
        write_image(prepared.as_image((cover >= HALF).astype(np.uint8))[part], mask)
    return slab, mask if case.finding else None


def _part(
    cover: np.ndarray, spacing: tuple[float, float, float], count: int = SLICES
) -> tuple[slice, ...]:
    """Return the part of an image (I, J, K) that holds `count` slices of a cover (K, J, I)."""
    middle = int(np.average(np.arange(len(cover)), weights=cover.sum(axis=(1, 2))))
    first = max(middle - count // 2, 0)
    found = [slice(first, first + count)]
    shown = cover[found[0]] >= HALF
    for axis, step in ((1, spacing[1]), (2, spacing[0])):
        held = np.flatnonzero(shown.any(axis=(0, 3 - axis)))
        margin = round(MARGIN_MM / step)
        found.append(slice(max(int(held[0]) - margin, 0), int(held[-1]) + 1 + margin))
    return tuple(
        slice(one.start, min(one.stop, size))
        for one, size in zip(found[::-1], cover.shape[::-1], strict=True)
    )


def _report(folder: Path) -> dict | str | None:
    """Return what the tests of a case said; why there is nothing; or None if it wasn't run."""
    problem = folder.with_name(f"{folder.name}.problem")
    if problem.exists():
        return problem.read_text(encoding="utf-8")
    path = folder / "trust.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


if __name__ == "__main__":
    main()
