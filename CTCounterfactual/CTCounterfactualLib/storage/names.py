"""Names of files: what no file system or no writer takes is said before anything is computed."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from ..errors import CTCounterfactualError, OutputError

# What the system says, for a person; anything else in the system's own words.
_REASONS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EROFS: "the disk is read-only",
    errno.EACCES: "there is no permission to write there",
    errno.EPERM: "the system doesn't permit it",
    errno.ENAMETOOLONG: "the name or path is too long for the system",
    errno.EEXIST: "something of that name is in the way",
    errno.ENOTEMPTY: "something is in the way there",
    errno.ENOTDIR: "a part of its path is a file, not a folder",
    errno.ELOOP: "its path goes round in a circle of links",
}


def check_name(
    path: str | os.PathLike[str], error: type[CTCounterfactualError] = OutputError
) -> Path:
    """Return a path that every reader and writer can take.

    Libraries of images take names as UTF-8 only; given other bytes some of them end the process.

    Parameters
    ----------
    path : str or path-like
        As the user gave it.
    error : type
        What to raise.

    Raises
    ------
    CTCounterfactualError
        Of class `error`: if it is empty, holds a NUL, isn't UTF-8, or is too long.
    """
    text = os.fspath(path)
    if not text:
        raise error("The name of a file or folder is empty; give one.")
    if "\0" in text:
        raise error(f"The name {printable(text)} holds a NUL character; give another.")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise error(
            f"The name {printable(text)} is not text in UTF-8; rename the file or folder, or give "
            f"another name."
        ) from None
    try:
        os.lstat(text)
    except OSError as failed:
        if failed.errno == errno.ENAMETOOLONG:
            longest = max(text.split(os.sep), key=len)
            raise error(
                f"The path {text[:60]}... is too long: it has {len(text.encode())} bytes, its "
                f"longest name {len(longest.encode())}. Give a shorter one."
            ) from None
    return Path(text)


def printable(text: str) -> str:
    """Return a name in quotes that any terminal can show: odd characters are written as escapes."""
    shown = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return "'" + "".join(c if c.isprintable() else ascii(c)[1:-1] for c in shown) + "'"


def reason(error: BaseException) -> str:
    """Return why the system couldn't write, in words that fit after a colon."""
    said = getattr(error, "strerror", None) or str(error) or type(error).__name__
    number = getattr(error, "errno", None)
    return str(said) if number is None else _REASONS.get(number, str(said))


def check_plain_name(name: str, what: str, error: type[CTCounterfactualError] = OutputError) -> str:
    """Return a name that makes a file in the folder it is meant for, and in no other.

    Parameters
    ----------
    name : str
        As the user gave it.
    what : str
        What it names, to begin the message with: "The name of the model".
    error : type
        What to raise.

    Raises
    ------
    CTCounterfactualError
        Of class `error`: if it holds a separator, a drive or a control character, or is no name.
    """
    check_name(name, error)
    unfit = set('/\\:*?"<>|')
    if name.strip(". ") == "" or any(c in unfit or not c.isprintable() for c in name):
        raise error(
            f"{what} is {printable(name)}; give letters, digits, '-', '_' and '.', and no folder."
        )
    return name
