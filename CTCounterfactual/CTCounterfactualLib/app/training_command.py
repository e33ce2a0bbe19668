"""The verb `train-vqgan`: train a slice VQ-GAN and write its weights with a card."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from .interrupt import cancel_on_signal
from .training_config import DEFAULT_NAME, Plan, plan_from
from .training_run import add_run_options, is_first_process, kept, step_printer


def add_train_options(parser: argparse.ArgumentParser) -> None:
    """Add what to train on, the network's sizes and how long; defaults are the settings' own."""
    parser.add_argument(
        "scans",
        nargs="*",
        metavar="CONFIG.yaml | SCAN",
        help="a configuration, which says all that options say; or CT files and DICOM folders",
    )
    parser.add_argument(
        "--data",
        metavar="DIR",
        help="what paths in the configuration are relative to (default: its own folder)",
    )
    parser.add_argument(
        "--folder",
        action="append",
        metavar="DIR|CSV",
        dest="folders",
        help="a data set: all scans in a folder (LUNA16, TotalSegmentator, DeepLesion ...), or a "
        "list with the columns path and patient; may be repeated",
    )
    parser.add_argument(
        "--cache",
        metavar="DIR",
        help="keeps the folders' slices from training to training (default: in the output)",
    )
    parser.add_argument(
        "--hold-out",
        type=float,
        metavar="FRACTION",
        help="of the folders' patients, leave out this share, by a hash of their names "
        "(default: 0.1)",
    )
    parser.add_argument(
        "--workers",
        type=int,
        metavar="N",
        help="processes that prepare the folders' slices (default: one a core)",
    )
    parser.add_argument(
        "--slices",
        action="append",
        metavar="NPZ",
        help="single slices of many patients: arrays hu (N, H, W), spacing_mm "
        "(N, 2), patient (N,); rows from anterior to posterior, columns from "
        "the patient's right to left; may be repeated",
    )
    parser.add_argument(
        "--leave-out",
        type=int,
        metavar="N",
        help="of --slices, leave out patients whose number is a multiple of N, to "
        "measure on them (default: none)",
    )
    add_run_options(parser, DEFAULT_NAME, "TrainSettings", configured=True)
    parser.add_argument(
        "--generated", type=int, metavar="N", help="generated chests to add (default: 30)"
    )
    parser.add_argument(
        "--generated-share",
        type=float,
        metavar="FRACTION",
        help="share of examples drawn from them (default: 0.4)",
    )
    parser.add_argument(
        "--planted",
        type=int,
        metavar="N",
        help="findings to plant, each into a copy of each SCAN that has lungs (default: 0)",
    )
    parser.add_argument(
        "--planted-share",
        type=float,
        metavar="FRACTION",
        help="share of the real scans' examples drawn from the slices that show "
        "them (default: 0.25)",
    )
    parser.add_argument(
        "--device",
        metavar="auto|cpu|cuda",
        help="where to train (default: auto); several GPUs: start it by torchrun",
    )
    parser.add_argument("--force", action="store_true", help="replace a model of that name in DIR")
    parser.add_argument("--licence", help="licence of the weights, for the card")


def train(options: argparse.Namespace) -> None:
    """Train, or go on training, and export; Ctrl-C stops it and keeps the checkpoint."""
    from ..training.files import claim_training

    plan = plan_from(options)
    with (
        cancel_on_signal() as cancel,
        claim_training(plan.output, plan.name, options.force) as folder,
        kept(folder),
    ):
        card = _train(plan, folder, cancel, options.force)
    if card is not None:
        sys.stderr.write(f"Model written: {card}\n")


def _train(plan: Plan, folder: Path, cancel, force: bool) -> Path | None:
    """Train and export; return the card, or None in a process that doesn't write."""
    from ..counterfactual.environment import choose_device
    from ..training.data.gather import gather
    from ..training.export import export_model
    from ..training.slices import describe_stacks
    from ..training.start import read_start
    from ..training.vqgan_loop import Trainer

    def say(words: str) -> None:
        if is_first_process():
            sys.stderr.write(f"{words}\n")

    start = read_start(plan.start_from) if plan.start_from else None
    settings = plan.settings(start)
    gathered = gather(plan.data, folder, say, cancel.check)
    for remark in gathered.remarks:
        say(remark)
    trainer = Trainer(gathered.stacks, settings, folder, start, str(choose_device(plan.device)))
    network = trainer.run(step_printer(cancel, settings.log_every))
    writes = trainer.machine.writes
    trainer.machine.wait()
    trainer.machine.close()
    if not writes:
        return None
    return export_model(
        network,
        settings,
        folder,
        plan.name,
        data=describe_stacks(gathered.stacks),
        licence=plan.licence,
        started_from=start.told if start else None,
        force=force,
    )
