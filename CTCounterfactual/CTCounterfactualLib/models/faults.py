"""What went wrong inside a model of somebody else, in one sentence with what to mend.

PyTorch says what it could not do, not why; the same few causes come back in every report. Only a
matter of shapes has to do with the card's axes, channels or crop; all others lie in the network.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from ..errors import CTCounterfactualError, ModelError, as_out_of_memory

# PyTorch's messages carry a stack of lines; the first few say what is wrong.
MESSAGE_LENGTH = 300
# TorchScript tells its own stack before what was raised.
_SCRIPT_RAISED = re.compile(r"TorchScript interpreter.*(?:RuntimeError|Error): (.*)", re.DOTALL)

NO_GRADIENT_TO_TAKE = (
    "the score doesn't depend on the input in a way that PyTorch can differentiate. Is there a "
    ".detach(), torch.no_grad(), argmax, a threshold or NumPy in the network?"
)
GRADIENT_CUT = "no gradient reaches the input: something in the network cuts it off."
NO_GRADIENT_IN_DECODE = (
    "the decoded slices don't depend on the latents in a way that PyTorch can differentiate. Is "
    "there a .detach(), torch.no_grad(), rounding, a codebook look-up or NumPy in its decoder?"
)
NO_PROBABILITY = (
    'That is no probability between 0 and 1. If the network returns logits, say kind = "logit" '
    'and an activation in its card, or unit "logit" in its target.'
)
IN_PLACE = (
    "It overwrites in place a tensor that its gradient needs: write x = x - mean instead of "
    "x -= mean, x.sub_(mean) or inplace=True."
)
TAKES_GRADIENTS = (
    "It takes gradients itself, but is also asked for scores alone, without them: do it within "
    "torch.enable_grad()."
)
_CAUSES = (
    (
        "could not run 'aten::\\w+' with arguments from the '",
        "It makes tensors of a kind (sparse, quantised) that PyTorch doesn't compute this with: "
        "give plain dense float tensors (to_dense(), dequantize()).",
    ),
    (
        "does(n't| not) require grad|not have been used in the graph|numpy\\(\\) on Tensor that "
        "req",
        "There is no gradient to take: is there a .detach(), torch.no_grad(), argmax, a threshold "
        "or NumPy in the network?",
    ),
    (
        "inference tensor",
        "Some of its tensors were made in torch.inference_mode, which keeps nothing for a "
        "gradient: load and run it under torch.no_grad() instead.",
    ),
    ("in-?place|written-to tensor|leaf variable that requires grad", IN_PLACE),
    (
        "backward through the graph a second time|have already been freed",
        "It keeps tensors from one call to the next: compute each call from its input alone, or "
        "detach what is kept.",
    ),
    (
        "same device|on device|different devices?|torch\\.cuda\\.\\w*tensor",
        "Its tensors lie on different devices: register constants with register_buffer, or make "
        "them with device=x.device.",
    ),
    (
        "dtype|c10::|scalar type|bias type|weight type|'(half|double|bfloat16)'|data type",
        "It computes in another precision than float32: give it in float32 (network.float() before "
        "it is saved), and make no tensors of another type inside.",
    ),
    (
        "more than 1 value per channel when training",
        "Its batch norm is in training mode: call eval() and nothing that undoes it in forward.",
    ),
)
# What PyTorch says where the user's own line takes a gradient under torch.no_grad().
_NOTHING_TO_TAKE = re.compile("tensors does(n't| not) require grad")
_TAKING = re.compile(r"\.backward\(|\bgrad\(")
_SHAPES = re.compile(
    "shape|size|dimension|channel|too small|expected \\d+-?d\\b|to unpack|must match|divisible"
    "|out of bounds|out of range|broadcast|ndim",
    re.IGNORECASE,
)
# Never a mismatch of shapes, though they may speak of a `size`.
_CODE_ERRORS = (NameError, AttributeError, TypeError, KeyError, ImportError, OSError, SyntaxError)


@contextmanager
def naming_faults(name: str, given: str, shapes: str) -> Iterator[None]:
    """Turn what a model raises into a `ModelError` that names the model and the likely cause.

    Errors meant for the user, a shortage of memory and Ctrl-C pass as they are.

    Parameters
    ----------
    name : str
        The model, as it is told: "classifier lung" or "mine.decode".
    given : str
        What it was given: "an input of (1, 1, 40, 64, 64)".
    shapes : str
        What to do if it was a matter of shapes.

    Raises
    ------
    ModelError
        For everything else, also for `sys.exit` and the like.
    """
    try:
        yield
    except (CTCounterfactualError, KeyboardInterrupt):
        raise
    except SystemExit as error:
        raise ModelError(
            f"{name} ends the program (sys.exit or quit{_place(error)}). Let it raise an error "
            f"that says why instead."
        ) from error
    except BaseException as error:  # whatever the user's code raises
        if as_out_of_memory(error) is not None or isinstance(error, torch.cuda.OutOfMemoryError):
            raise
        cause = cause_of(error)
        verb = "fails on" if cause else "cannot take"
        raise ModelError(f"{name} {verb} {given} ({_words(error)}). {cause or shapes}") from error


def cause_of(error: BaseException) -> str:
    """Return what to mend, or "" if the shapes are the cause."""
    text = _message(error)
    if isinstance(error, AssertionError):  # mostly without words; the line says what was asserted
        text = f"{text} {_line(error)}"
    if _NOTHING_TO_TAKE.search(text) and _TAKING.search(_line(error)):
        return TAKES_GRADIENTS
    for pattern, advice in _CAUSES:
        if re.search(pattern, text, re.IGNORECASE):
            return advice
    if not isinstance(error, _CODE_ERRORS) and _SHAPES.search(text):
        return ""
    return "Mend its code there; check-model tries it out."


def _words(error: BaseException) -> str:
    """Return an error on one line with its class, and where the user's code raised it."""
    message = _message(error).split("Hint:")[0]  # PyTorch's hints are for who wrote the network
    message = " ".join(message.split())[:MESSAGE_LENGTH].rstrip(". ")
    return f"{type(error).__name__}: {message or 'no reason given'}{_place(error)}"


def _message(error: BaseException) -> str:
    inside = _SCRIPT_RAISED.search(str(error))
    return inside[1] if inside else str(error)


def _frame(error: BaseException) -> traceback.FrameSummary | None:
    """Return the innermost line outside of PyTorch and of this package; None if there is none."""
    ours = (Path(torch.__file__).parent, Path(__file__).resolve().parents[1])
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        path = Path(frame.filename)
        if path.is_absolute() and not any(path.is_relative_to(folder) for folder in ours):
            return frame
    return None


def _place(error: BaseException) -> str:
    frame = _frame(error)
    return f", {Path(frame.filename).name} line {frame.lineno}" if frame else ""


def _line(error: BaseException) -> str:
    frame = _frame(error)
    return (frame.line or "") if frame else ""
