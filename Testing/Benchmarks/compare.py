"""Compare this engine with the paper's own code: time, FLOPs, memory, and what the searches reach.

    python Testing/Benchmarks/compare.py --size small [--json FILE] [--results FILE]

Makes an environment of its own at the first use (`.venv-benchmark`), with the paper's package from
the package index, and runs both sides in it on the same weights and inputs. `small` takes minutes
on two cores; `full` is the published size: hours on a CPU (see --their-chunks), minutes on a GPU.

The exit code is 1 if a goal that doesn't depend on the machine is missed: the lambda path or the
predictions differ, FLOPs or memory, evaluations, scores. Times and their ratios are printed beside
their goals but don't decide it, because machines are noisy.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from comparison import environment

SIZES = ("small", "full", "tiny")


def main() -> int:
    options = parse()
    code = environment.enter(Path(__file__).resolve(), sys.argv[1:], options.env)
    return run(options) if code is None else code


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--size",
        choices=SIZES,
        default="small",
        help="tiny only proves that everything runs; its figures mean nothing",
    )
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--json", type=Path, help="write all figures to this file")
    parser.add_argument("--results", type=Path, help="write the table to this file, in Markdown")
    parser.add_argument("--env", help="folder of the environment, or `this` to use the running one")
    parser.add_argument("--threads", type=int, help="of both sides; default: torch's own")
    parser.add_argument(
        "--their-chunks",
        type=int,
        metavar="N",
        help="run the paper's code on N chunks only and scale its time",
    )
    parser.add_argument("--peak", choices=("theirs", "ours"), help=argparse.SUPPRESS)
    return parser.parse_args()


def run(options: argparse.Namespace) -> int:
    """Measure, print, write; return the exit code."""
    for folder in ("CTCounterfactual", "Testing/Oracles"):
        sys.path.insert(0, str(environment.REPOSITORY / folder))
    import torch
    from comparison import devices, paper, table
    from comparison.benchmark import measure

    if options.threads:
        torch.set_num_threads(options.threads)
    device = devices.choose(options.device)
    search = paper.load_search()
    paper.import_paper()

    if options.peak:  # a process of its own, see `resident`
        from comparison.resident import run_side

        sys.stdout.write(f"{run_side(options.peak, options.size, search)}\n")
        return 0

    def say(text: str) -> None:
        sys.stderr.write(f"{text} ...\n")

    report = measure(options.size, search, device, options.their_chunks, say)
    sys.stdout.write(table.as_text(report.rows) + "\n\n" + "\n".join(report.notes) + "\n")
    if options.json:
        options.json.write_text(json.dumps(report.to_dict(), indent=1) + "\n", encoding="utf-8")
    if options.results:
        title = f"`--size {options.size}`, {report.values['date']}"
        written = table.as_markdown(report.rows, title, report.notes)
        options.results.write_text(written, encoding="utf-8")
    return 0 if options.size == "tiny" else table.exit_code(report.rows)


if __name__ == "__main__":
    sys.exit(main())
