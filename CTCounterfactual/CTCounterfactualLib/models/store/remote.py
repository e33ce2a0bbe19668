"""What the catalogue says of a file that isn't embedded: where it comes from and how to tell it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ...errors import ModelError
from ...storage.sizes import in_words

# Catalogues round sizes ("124 MB"), and other versions of a checkpoint differ a little.
SIZE_TOLERANCE = 0.1
# Where nothing is known: no published model is as large, and a disk takes it.
MOST_BYTES = 8_000_000_000


class WrongFile(ModelError):
    """What is offered can't be the file, by its size."""


@dataclass(frozen=True)
class RemoteFile:
    """A file that a model needs.

    Parameters
    ----------
    name : str
        File name in the cache; no folders. Its ending says what kind of file it is.
    url : str
        Where its publisher offers it; https.
    size_bytes : int
        About how large it is, as its publisher says; 0 if not known.
    sha256 : str
        Its digest, or the first digits of it where the publisher gives no more; empty if nothing is
        known, and then the digest at the first use is pinned.
    size_range : tuple of int, optional
        Least and greatest size in bytes that it can have; None: `SIZE_TOLERANCE` about
        `size_bytes`, or whatever isn't absurd if that isn't known either.
    """

    name: str
    url: str
    size_bytes: int = 0
    sha256: str = ""
    size_range: tuple[int, int] | None = None

    @property
    def plausible_sizes(self) -> tuple[int, int]:
        """Least and greatest size in bytes at which it can be the right file."""
        if self.size_range is not None:
            return self.size_range
        if self.size_bytes:
            slack = int(SIZE_TOLERANCE * self.size_bytes)
            return self.size_bytes - slack, self.size_bytes + slack
        return 1, MOST_BYTES

    def check_size(self, size: int, who: str) -> None:
        """Raise `WrongFile` if the file can't have so many bytes; `who` begins the sentence."""
        least, most = self.plausible_sizes
        if not least <= size <= most:
            raise WrongFile(
                f"{who} {in_words(size)} for {self.name}, which has {in_words(least)} to "
                f"{in_words(most)}: it is another file, a part of it, or a web page. It was not "
                f"taken."
            )

    @classmethod
    def from_dict(cls, row: dict[str, Any]) -> RemoteFile:
        """Build from a row of the catalogue; raise `ModelError` for one that can't be trusted."""
        try:
            sizes = row.get("size_range")
            file = cls(**{**row, "size_range": None if sizes is None else tuple(map(int, sizes))})
            least, most = file.plausible_sizes
            if not 0 < least <= most:
                raise ValueError(f"sizes from {least} to {most} bytes")
        except (TypeError, ValueError) as error:
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
