"""Measure variants of the engine on the truth bench, and write TRUTH.md: one command, with seeds.

    python Testing/Benchmarks/truth.py --size small -o truth

Plants findings into scans that no model was trained on, explains every case in every variant,
scores all of it, and writes a table of variants and metrics with the goals. What is done stays
done: the same command goes on after an interruption. `truth/` holds the bench, results, scores and
sheets. The scans are looked for in `../shared/data/ct`; name others by `--scan`. `--minutes` ends
the runs in time and scores what there is; what was left out or not run is named in the table.

    python Testing/Benchmarks/truth.py --size full -o truth --variant default --variant ideal \\
        --leave-out "chest_acrinflt013*" --minutes 60 --markdown Testing/Benchmarks/TRUTH.md \\
        --readme README.md --sheet Screenshots/truth.png
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from time import monotonic

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
sys.path.insert(0, str(REPOSITORY / "CTCounterfactual"))

from truth_readme import put_between, readme_table, update  # noqa: E402
from truth_table import truth_report  # noqa: E402

from CTCounterfactualLib.bench.layout import chosen, read_cases  # noqa: E402
from CTCounterfactualLib.outputs.volumes import write_image  # noqa: E402
from CTCounterfactualLib.scans.generated import ChestSettings, generate_chest  # noqa: E402
from CTCounterfactualLib.scans.scan import Scan  # noqa: E402

SHARED = REPOSITORY.parent / "shared" / "data" / "ct"
# Kept aside from every training.
UNSEEN = ("chest_acrinflt013.nii.gz", "chest_cip64.nrrd", "chest_ibsi1.nii.gz")
# Trainings draw their chests from small seeds.
GENERATED_SEEDS = (90001, 90002)
GENERATED = "generated"
GENERATED_SPACING_MM = (1.5, 1.5, 3.0)
SEED = 2026
# Frames aren't scored.
WHOLE = ("--mode", "whole", "--frames", "0")
# Name -> options of `bench run`. The first is what the others are compared with.
EARLIER = (
    "--step",
    "gradient",
    "--focus",
    "none",
    "--composite",
    "bounded",
    "--within",
    "volume",
    "--goal",
    "limit",
)
VARIANTS = {
    "default": WHOLE,
    "limit": (*WHOLE, "--goal", "limit"),
    "gradient-step": (*WHOLE, "--step", "gradient"),
    "no-focus": (*WHOLE, "--focus", "none"),
    "bounded": (*WHOLE, "--composite", "bounded"),
    "earlier": (*WHOLE, *EARLIER),
    "paper": (*WHOLE, "--search", "reference", "--baseline", "reconstruction"),
    "chunks": ("--mode", "chunks", "--frames", "0"),
    "reversal": (*WHOLE, "--reversal"),
    "ideal": (*WHOLE, "--classifier", "ideal"),
    "ideal-earlier": (*WHOLE, *EARLIER, "--classifier", "ideal"),
}
# Size -> scans from UNSEEN, seeds of generated chests, options of `bench make`.
SIZES = {
    "small": (UNSEEN[1:2], GENERATED_SEEDS[:1], ("--findings", "effusion,nodule")),
    "full": (UNSEEN, GENERATED_SEEDS, ()),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", choices=SIZES, default="small")
    parser.add_argument("-o", "--output", type=Path, default=Path("truth"), help="working folder")
    parser.add_argument("--scan", action="append", default=[], help="instead of the unseen ones")
    parser.add_argument(
        "--variant", action="append", default=[], choices=VARIANTS, help="repeat; default: all"
    )
    parser.add_argument("--only", nargs="+", default=[], help="cases or findings, as `bench run`")
    parser.add_argument(
        "--leave-out", nargs="+", default=[], help="cases or findings; told in the table"
    )
    parser.add_argument("--minutes", type=float, help="end the runs by then and score what is done")
    parser.add_argument(
        "--markdown",
        type=Path,
        help="where the table goes, between its marks if it has them; default: TRUTH.md in the "
        "working folder",
    )
    parser.add_argument("--readme", type=Path, help="file with marks for the short table")
    parser.add_argument(
        "--sheet", type=Path, metavar="PNG", help="copy the sheet of the generated chests here"
    )
    options = parser.parse_args()
    output, until = options.output, None
    if options.minutes is not None:
        until = monotonic() + 60 * options.minutes
    bench = make_bench(output, options.size, options.scan)
    cases = read_cases(bench)
    wanted = chosen(cases, tuple(options.only))
    left = chosen(cases, tuple(options.leave_out)) if options.leave_out else ()
    only = ("--only", *(case.case for case in wanted if case not in left))
    names = options.variant or list(VARIANTS)
    for name in names:
        results = output / "results" / name
        # Cases without a result are told in the table.
        command(
            "bench", "run", bench, "-o", results, *VARIANTS[name], *only, may_fail=True, until=until
        )
        results.mkdir(parents=True, exist_ok=True)
        command("bench", "score", bench, results, "-o", output / "scores" / name, *only)
    summaries = {
        name: json.loads((output / "scores" / name / "summary.json").read_text("utf-8"))
        for name in names
    }
    told = " ".join(["python Testing/Benchmarks/truth.py", *sys.argv[1:]])
    text = truth_report(
        summaries,
        {name: VARIANTS[name] for name in names},
        told,
        SEED,
        tuple(case.case for case in left),
    )
    markdown = options.markdown or output / "TRUTH.md"
    if markdown.exists() and options.markdown:
        text = put_between(markdown.read_text("utf-8"), text.splitlines())
    markdown.write_text(text, encoding="utf-8")
    if options.readme:
        update(options.readme, readme_table(summaries))
    if options.sheet:
        drawn = [one for one in only[1:] if one.startswith(GENERATED)]
        draw_sheet(bench, output, names[0], drawn, options.sheet)
    print(text)


def draw_sheet(bench: Path, output: Path, variant: str, cases: list[str], sheet: Path) -> None:
    """Draw the sheet of generated chests only: others' scans aren't ours to publish."""
    drawn = output / "scores" / GENERATED
    command("bench", "score", bench, output / "results" / variant, "-o", drawn, "--only", *cases)
    shutil.copyfile(drawn / "sheet_01.png", sheet)


def make_bench(output: Path, size: str, scans: list[str]) -> Path:
    """Plant the findings; return the bench's folder."""
    unseen, seeds, planting = SIZES[size]
    paths = [Path(scan) for scan in scans] or [SHARED / name for name in unseen]
    missing = [str(path) for path in paths if not path.exists()]
    if missing:
        sys.exit(f"There is no {', '.join(missing)}: name other scans by --scan.")
    paths += [generated(output / "scans", seed) for seed in seeds]
    bench = output / f"bench-{size}"
    # It fails where a scan has no room for a finding; the other cases are made.
    command("bench", "make", *paths, "-o", bench, *planting, "--seed", SEED, may_fail=True)
    return bench


def generated(folder: Path, seed: int) -> Path:
    """Write a generated chest; return its file."""
    path = folder / f"{GENERATED}-{seed}.nrrd"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        chest = generate_chest(ChestSettings(spacing=GENERATED_SPACING_MM, seed=seed))
        partial = path.with_name(f"partial-{path.name}")
        write_image(Scan.from_array(chest.hu, chest.spacing, chest.origin).image, partial)
        partial.replace(path)
    return path


def command(*arguments: object, may_fail: bool = False, until: float | None = None) -> None:
    """Run a command of `ct-counterfactual`; stop with it unless it may fail, or was cancelled.

    At the time `until` (of `monotonic`) it is told to end, as by Ctrl-C: finished cases stay.
    """
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY / "CTCounterfactual")}
    if until is not None and until <= monotonic():
        return
    begun = subprocess.Popen(
        [sys.executable, "-m", "CTCounterfactualLib", *map(str, arguments)], env=environment
    )
    try:
        code = begun.wait(None if until is None else until - monotonic())
    except subprocess.TimeoutExpired:
        begun.send_signal(signal.SIGINT)
        begun.wait()
        return
    except KeyboardInterrupt:
        begun.wait()
        raise
    if code and not (may_fail and code == 2):
        sys.exit(code)


if __name__ == "__main__":
    main()
