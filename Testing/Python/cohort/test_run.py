"""A cohort by real workers: whatever is killed, hangs or is corrupt, every case comes out once."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import CTCounterfactualLib
from CTCounterfactualLib.cohort.case_record import case_row
from CTCounterfactualLib.cohort.cluster import Cluster
from CTCounterfactualLib.cohort.cohort_file import read_cohort
from CTCounterfactualLib.cohort.manifest import read_manifest
from CTCounterfactualLib.cohort.run import run_cohort
from CTCounterfactualLib.cohort.tables import read_cases
from CTCounterfactualLib.counterfactual.settings import ExplainSettings
from CTCounterfactualLib.errors import Cancelled, OutputError, SettingsError
from CTCounterfactualLib.events import CancelToken
from CTCounterfactualLib.models.own.consent import Consent
from small_cohort import AIR_HU, HANGS, KILLS_ONCE, write_cohort

SMALL = ExplainSettings(mode="both", chunk=3, frames=0)
TIMEOUT_S = 10.0  # a case takes half a second; workers of a busy machine longer
# What a run's clock and luck decide, and nothing else.
BY_CHANCE = ("seconds", "peak_mb", "attempts")


def numbers(row):
    """Return all of a row that has to come out again."""
    return {name: value for name, value in vars(row).items() if name not in BY_CHANCE}


def test_every_case_comes_out_once_whatever_happens_to_its_worker(tmp_path, settings, here):
    """One worker is killed, another hangs, a file is corrupt: the others are as if alone."""
    corners = {"a": AIR_HU, "once": KILLS_ONCE, "bad": AIR_HU, "hangs": HANGS, "b": AIR_HU}
    manifest = write_cohort(tmp_path / "scans", corners)
    (tmp_path / "scans" / "bad.nrrd").write_bytes(b"no image")
    wanted = settings(settings=SMALL, case_timeout_s=TIMEOUT_S)
    told = []
    out = str(tmp_path / "many")
    made = run_cohort(
        manifest, out, wanted, Cluster(workers=2), told.append, consent=Consent(trust=True)
    )
    rows = {row.id: row for row in read_cases(out)}
    assert list(rows) == list(corners) == [row.id for row in made.in_order()]
    assert {name: row.status for name, row in rows.items()} == {
        "a": "done", "once": "done", "bad": "failed", "hangs": "failed", "b": "done",
    }  # fmt: skip
    assert [rows[name].attempts for name in corners] == [1, 2, 2, 2, 1]
    assert "case timeout" in rows["hangs"].reason and "bad.nrrd" in rows["bad"].reason
    again = [event.message for event in told if event.step == "again"]
    assert any("once: Its worker ended" in message for message in again)
    assert any("dashboard: http://127.0.0.1" in event.message for event in told)
    assert read_cohort(out)["state"] == "finished"
    # The killed worker's mark is there by now: here the case is explained without a fall.
    lines = Path(manifest).read_text().splitlines()
    done = [line for line in lines if not line.startswith(("bad", "hangs"))]
    Path(manifest).write_text("\n".join(done))
    answers = here(manifest, wanted)
    for case in read_manifest(manifest):
        assert numbers(rows[case.id]) == numbers(case_row(case, answers[case.id]["record"]))


def test_a_killed_run_goes_on_where_it_ended(tmp_path, settings, here, cards):
    """SIGKILL for the driver; the second run makes what lacks, and each result is as if alone."""
    names = [f"case{number}" for number in range(8)]
    manifest = write_cohort(tmp_path / "scans", dict.fromkeys(names, AIR_HU))
    out = tmp_path / "many"
    wanted = settings(settings=SMALL)
    arguments = ["cohort", manifest, "-o", str(out), "--workers", "1", "--keep", "records"]
    arguments += ["--chunk", "3", "--frames", "0", "--trust-code"]
    arguments += [part for kind, path in cards.items() for part in (f"--{kind}", path)]
    with subprocess.Popen(
        [sys.executable, str(Path(CTCounterfactualLib.__file__).parent), *arguments],
        stderr=subprocess.DEVNULL,
    ) as driver:
        until = time.monotonic() + 300
        while not list(out.glob("records/*.json")) and driver.poll() is None:
            assert time.monotonic() < until
            time.sleep(0.02)
        driver.send_signal(signal.SIGKILL)
        driver.wait()
    before = {path.stem for path in out.glob("records/*.json")}
    assert 0 < len(before) < len(names)
    assert not (out / "cases.csv").exists() and read_cohort(out)["state"] == "running"
    made = run_cohort(manifest, str(out), wanted, Cluster(workers=1), consent=Consent(trust=True))
    # A case that was just being written when the driver fell may have got its record since.
    assert len(names) - len(before) - 1 <= made.made <= len(names) - len(before)
    rows = read_cases(out)
    assert [row.id for row in rows] == names
    answers = here(manifest, wanted)
    for case, row in zip(read_manifest(manifest), rows, strict=True):
        assert numbers(row) == numbers(case_row(case, answers[case.id]["record"]))


def test_a_folder_of_something_else_and_a_cohort_at_work_are_refused(tmp_path, settings):
    manifest = write_cohort(tmp_path / "scans", {"a": AIR_HU})
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "mine.txt").touch()
    with pytest.raises(OutputError, match="holds something, and no cohort"):
        run_cohort(manifest, str(tmp_path / "other"), settings())


def test_no_scheduler_and_targets_of_unlike_units_are_told_before_the_work(tmp_path, settings):
    manifest = write_cohort(tmp_path / "scans", {"a": AIR_HU, "b": AIR_HU}, ",target")
    path = tmp_path / "scans" / "manifest.csv"
    path.write_text(path.read_text().replace("b,\n", "b,again\n"))
    consent = Consent(trust=True)
    with pytest.raises(SettingsError, match="b: its target 'again' is in mL, that of a in logit"):
        run_cohort(manifest, str(tmp_path / "out"), settings(), consent=consent)
    assert not (tmp_path / "out").exists()
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        run_cohort(manifest, str(tmp_path / "out"), settings(), cancel=cancel)


def test_both_workers_and_a_scheduler_are_too_much():
    with pytest.raises(SettingsError, match="Give one of them"):
        Cluster("tcp://x:1", 2)
