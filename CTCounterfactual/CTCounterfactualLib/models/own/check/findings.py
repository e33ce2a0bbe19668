"""What a check found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ....errors import Cancelled, CTCounterfactualError
from ....wording import worded

OK, NOTE, WARNING, FAILED = "ok", "note", "warning", "FAILED"


@dataclass(frozen=True)
class Finding:
    """One line of the table.

    Parameters
    ----------
    name : str
        What was checked.
    status : str
        `OK`, `NOTE` (a fact), `WARNING` (works, but know this) or `FAILED`.
    message : str
        What was found, and what to do unless it is fine.
    """

    name: str
    status: str
    message: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "message", worded(self.message))


class Findings(list):
    """The findings so far; `listener`, if there is one, gets each as it comes."""

    def __init__(self, listener: Callable[[Finding], None] | None = None):
        super().__init__()
        self.listener = listener

    def add(self, name: str, status: str, message: str) -> None:
        """Add one."""
        finding = Finding(name, status, message)
        self.append(finding)
        if self.listener is not None:
            self.listener(finding)

    def run(self, name: str, check: Callable[[], tuple[str, str]]) -> bool:
        """Run a check that returns (status, message); return whether it didn't fail.

        Whatever the model raises is what the check found.
        """
        try:
            status, message = check()
        except (Cancelled, MemoryError):
            raise
        except CTCounterfactualError as error:
            status, message = FAILED, str(error)
        except Exception as error:  # whatever the user's network raises
            words = " ".join(str(error).split())[:300]
            status, message = FAILED, f"raised {type(error).__name__}: {words}"
        self.add(name, status, message)
        return status != FAILED
