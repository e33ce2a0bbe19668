"""What the end of a worker means, as far as the system tells."""

import pytest

from CTCounterfactualLib.jobs.outcome import judge
from CTCounterfactualLib.wording import Place

STATUS_NO_MEMORY = 0xC0000017


@pytest.mark.parametrize(
    ("returncode", "kills", "error", "said"),
    [
        (-9, 1, "OutOfMemory", "ended the computation for lack of memory"),
        (137, 2, "OutOfMemory", "ended the computation for lack of memory"),
        (STATUS_NO_MEMORY, None, "OutOfMemory", "ended the computation for lack of memory"),
        (-9, 0, "Killed", "(signal 9): the system reports no lack of memory meanwhile"),
        (-9, None, "Killed", "(signal 9): often the system does so for lack of memory, but"),
        (-15, 1, "", "crashed (SIGTERM)"),
        (1, 1, "", "ended with exit code 1"),
    ],
)
def test_a_kill_is_told_from_a_lack_of_memory(returncode, kills, error, said):
    outcome = judge(returncode, False, None, None, "", Place.CONSOLE, kills)
    assert outcome.kind == "failed"
    assert outcome.error == error
    assert said in outcome.message
    assert ("chunkSize" in outcome.advice) == bool(error)  # in the words of the place


def test_what_the_worker_said_itself_comes_first():
    error = {"kind": "ScanError", "message": "No HU.", "advice": "", "details": ""}
    assert judge(-9, False, None, error, "", kills=1).message == "No HU."
    assert judge(-9, True, None, error, "", kills=1).kind == "cancelled"
