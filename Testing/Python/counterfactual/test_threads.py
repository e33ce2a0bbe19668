"""Threads that sleep soon while they wait, as many as there are cores, unless the user says so."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import CTCounterfactualLib
from CTCounterfactualLib.counterfactual.machine import cores
from CTCounterfactualLib.counterfactual.threads import settle_threads, thread_variables

LIBRARY = Path(CTCounterfactualLib.__file__).parents[1]
CHOSEN = {"OMP_NUM_THREADS": str(cores()), "GOMP_SPINCOUNT": "1000", "KMP_BLOCKTIME": "0"}


@pytest.mark.parametrize(
    ("given", "added"),
    [
        ({}, CHOSEN),
        ({"OMP_NUM_THREADS": "1"}, {k: v for k, v in CHOSEN.items() if k != "OMP_NUM_THREADS"}),
        ({"OMP_WAIT_POLICY": "active"}, {"OMP_NUM_THREADS": str(cores())}),
        ({"GOMP_SPINCOUNT": "5"}, {"OMP_NUM_THREADS": str(cores())}),
        ({"KMP_BLOCKTIME": "200", "OMP_NUM_THREADS": "3"}, {}),
    ],
)
def test_what_the_user_has_set_stays(given, added):
    assert thread_variables(given) == added


def test_a_host_that_has_loaded_torch_keeps_its_environment():
    import torch  # noqa: F401

    before = dict(os.environ)
    settle_threads()
    assert dict(os.environ) == before


@pytest.mark.skipif(sys.platform != "linux", reason="GNU's OpenMP prints its settings")
@pytest.mark.parametrize(
    ("given", "seen"),
    [
        ({}, [f"OMP_NUM_THREADS = '{cores()}'", "GOMP_SPINCOUNT = '1000'"]),
        (
            {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "ACTIVE"},
            ["OMP_NUM_THREADS = '1'", "OMP_WAIT_POLICY = 'ACTIVE'"],
        ),
    ],
)
def test_openmp_itself_has_the_settings_in_a_process_of_ours(given, seen):
    """PyTorch's own OpenMP is asked, in the command that workers run, too."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("OMP", "GOMP", "KMP"))}
    done = subprocess.run(
        [sys.executable, str(LIBRARY / "CTCounterfactualLib"), "check-model", "no-such-model"],
        env=environment | given | {"OMP_DISPLAY_ENV": "VERBOSE"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2  # torch was loaded, the model wasn't found
    for setting in seen:
        assert setting in done.stderr.replace("[host] ", "")
