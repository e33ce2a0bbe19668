"""The verb `check-model`: does a model do what its card says?"""

from __future__ import annotations

import argparse
import sys
import textwrap

from ..errors import ModelError
from ..storage.sizes import BYTES_PER_MB

# Width of the table's first two columns and of the whole.
NAME_WIDTH, STATUS_WIDTH, WIDTH = 16, 9, 100


def add_check_options(parser: argparse.ArgumentParser) -> None:
    """Add what to check."""
    parser.add_argument("model", metavar="CARD", help="a card (.toml, .json), or a catalogue name")
    parser.add_argument("--target", metavar="NAME", help="default: the classifier's first")
    parser.add_argument(
        "--device",
        default="auto",
        metavar="auto|cpu|cuda",
        help="where to compute (default: %(default)s)",
    )
    add_trust_option(parser)


def add_trust_option(parser: argparse.ArgumentParser) -> None:
    """Add the consent to run a model's code."""
    parser.add_argument(
        "--trust-code",
        action="store_true",
        help="agree to run the code of this model (Python, TorchScript, .pt2, "
        "MONAI bundle); remembered for exactly these files",
    )


def add_consent_option(parser: argparse.ArgumentParser) -> None:
    """Add what the user agreed to on another computer; only `remote-worker` gives it."""
    parser.add_argument("--consent", metavar="FILE", help=argparse.SUPPRESS)


def consent_from(options: argparse.Namespace):
    """Return who may agree: the option, or the user if there is a terminal."""
    from ..models.own.consent import Consent, consent_of_sender

    if getattr(options, "consent", None):
        return consent_of_sender(options.consent)
    ask = _ask if sys.stdin is not None and sys.stdin.isatty() else None
    return Consent(ask=ask, trust=options.trust_code)


def check(options: argparse.Namespace) -> None:
    """Print a table of all findings; raise `ModelError` if a check failed."""
    from ..counterfactual.environment import choose_device, peak_memory_mb
    from ..models.own.check.autoencoder import CHECKED_AT, check_autoencoder
    from ..models.own.check.classifier import check_classifier
    from ..models.own.check.findings import FAILED, NOTE, WARNING, Finding
    from ..models.own.check.subject import generated_chest

    device = choose_device(options.device)
    model, is_classifier = _load(options.model, consent_from(options))
    sys.stdout.write(f"{model.name}: {model.description}\nSHA-256 {model.sha256 or 'none'}\n")
    if is_classifier:
        model.find_target(options.target)  # before the chest is made
        prepared = generated_chest(model.grid)
        findings = check_classifier(model, prepared, options.target, device, _print)
    else:
        if options.target:
            raise ModelError(f"{model.name} is an autoencoder; it has no targets.")
        findings = check_autoencoder(model, generated_chest(CHECKED_AT), device, _print)
    peak = f"{peak_memory_mb(device):.0f} MB at most in this process"
    if device.type == "cuda":
        import torch

        peak += f", {torch.cuda.max_memory_allocated(device) / BYTES_PER_MB:.0f} MB on the GPU"
    _print(Finding("memory", NOTE, peak))
    failed = [finding.name for finding in findings if finding.status == FAILED]
    warned = sum(finding.status == WARNING for finding in findings)
    if failed:
        raise ModelError(f"{len(failed)} check(s) failed: {', '.join(failed)}.")
    sys.stdout.write(f"Fit for use{f', with {warned} warning(s)' if warned else ''}.\n")


def _load(name: str, consent):
    """Return the model and whether it is a classifier."""
    from ..models.catalogue import is_card, load_autoencoder, load_card, load_classifier
    from ..models.entry import list_models
    from ..models.own.kind import AUTOENCODER, CLASSIFIER

    if is_card(name):
        loaded = load_card(name, consent)
        return loaded.model, loaded.kind.kind == CLASSIFIER
    kinds = {entry.name: entry.kind for entry in list_models()}
    is_classifier = kinds.get(name, CLASSIFIER) != AUTOENCODER
    return (load_classifier(name) if is_classifier else load_autoencoder(name)), is_classifier


def _ask(question: str) -> bool:
    sys.stderr.write(f"{question}\nRun it? [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _print(finding) -> None:
    indent = " " * (NAME_WIDTH + STATUS_WIDTH)
    head = f"{finding.name:<{NAME_WIDTH}}{finding.status:<{STATUS_WIDTH}}"
    sys.stdout.write(
        textwrap.fill(finding.message, WIDTH, initial_indent=head, subsequent_indent=indent) + "\n"
    )
    sys.stdout.flush()
