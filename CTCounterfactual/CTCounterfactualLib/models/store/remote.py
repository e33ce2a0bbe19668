"""What the catalogue says of a file that isn't embedded: where it comes from and how to tell it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ...errors import ModelError


@dataclass(frozen=True)
class RemoteFile:
    """A file that a model needs.

    Parameters
    ----------
    name : str
        File name in the cache; no folders.
    url : str
        Where its publisher offers it; https.
    size_bytes : int
        About how large it is, for people; 0 if not known.
    sha256 : str
        Its digest, or the first digits of it where the publisher gives no more; empty if nothing is
        known, and then the digest at the first use is pinned.
    """

    name: str
    url: str
    size_bytes: int = 0
    sha256: str = ""

    @classmethod
    def from_dict(cls, row: dict[str, Any]) -> RemoteFile:
        """Build from a row of the catalogue; raise `ModelError` for one that can't be trusted."""
        try:
            file = cls(**row)
        except TypeError as error:
            raise ModelError(f"A file of the model catalogue is wrong: {error}.") from error
        if not file.name or file.name != file.name.replace("\\", "/").split("/")[-1]:
            raise ModelError(
                f"The model catalogue names a file {file.name!r}; expected a plain file name."
            )
        if urlsplit(file.url).scheme != "https":
            raise ModelError(
                f"The model catalogue would fetch {file.name} from {file.url!r}; expected an "
                f"https address."
            )
        return file
