"""What a result says in words, from its folder, and kept with it in the scene."""

from __future__ import annotations

from pathlib import Path

from CTCounterfactualLib.outputs.says.files import SAYS_FILE
from CTCounterfactualLib.scene.make.provenance import get_attribute, set_attributes

# Attribute of a main node: the text, so that it is saved with the scene.
ATTRIBUTE = "says"
# A text file of a result that is longer was written by somebody else.
MOST_BYTES = 1 << 20


def says_of(main, folder: Path | None) -> str:
    """Return what a result says, as `what-this-says.txt` has it; empty if nobody knows.

    Parameters
    ----------
    main : vtkMRMLNode
        The main node of the result's set; the text is kept on it.
    folder : Path or None
        The result folder, where there is one.
    """
    path = None if folder is None else folder / SAYS_FILE
    kept = get_attribute(main, ATTRIBUTE) or ""
    try:
        if path is None or path.stat().st_size > MOST_BYTES:
            return kept
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return kept
    if text != kept:
        set_attributes(main, **{ATTRIBUTE: text})
    return text
