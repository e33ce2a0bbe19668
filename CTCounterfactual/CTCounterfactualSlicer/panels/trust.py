""" "Can I trust this?": tests of the result that is shown, a row each: pass, warn or fail."""

from __future__ import annotations

import qt
from slicer.i18n import tr as _

from ..trust_job import TrustJob, verdicts_of
from .result_job import ResultJobPanel, Words


class TrustPanel(ResultJobPanel):
    """Runs the tests in the worker; what they said is kept with the result in the scene."""

    def setup(self) -> None:
        """Name the widgets and words, and connect the button."""
        self.button, self.label = self.ui.trustButton, self.ui.trustLabel
        self.table = self.ui.trustTable
        self.headers = [_("Test"), _("Verdict"), _("What it means")]
        self.words = Words(
            start=_("Can I trust this?"),
            cancel=_("Cancel the tests"),
            running=_("Testing the explanation..."),
            refused=_("The tests could not be started"),
            cancelled=_("The tests were cancelled."),
        )
        super().setup()
        self.ui.trustButton.connect("clicked()", self.start_or_cancel)

    def make_job(self, result, **how) -> TrustJob:
        """Return the job that tests."""
        return TrustJob(result, **how)

    def kept(self, main) -> dict:
        """Return the verdicts that are kept."""
        return verdicts_of(main)

    def rows(self, kept: dict) -> list[dict]:
        """Return the tests."""
        return kept.get("tests", [])

    def draw_row(self, row: int, one: dict) -> None:
        """Fill a row with test, verdict and meaning."""
        cells = (one["test"], _verdict(one["status"]), one["sentence"])
        for column, text in enumerate(cells):
            item = qt.QTableWidgetItem(text)
            item.setToolTip(_measured(one) or text)
            self.table.setItem(row, column, item)

    def summary(self, kept: dict) -> str:
        """Return how many tests said what."""
        return _summary(kept)


def _verdict(status: str) -> str:
    words = {"pass": _("pass"), "warn": _("warn"), "fail": _("FAIL"), "not run": _("not run")}
    return words.get(status, status)


def _measured(test: dict) -> str:
    """Return the number of a test with its limits, for a tool tip; empty if it has none."""
    number, limits = test.get("number"), test.get("limits")
    if number is None or not limits:
        return ""
    return _("{measure}: {number:.3g} (passes at {passes:g}, fails beyond {fails:g})").format(
        measure=test["measure"], number=number, passes=limits["passes"], fails=limits["fails"]
    )


def _summary(said: dict) -> str:
    if not said:
        return ""
    counts = [
        (status, sum(test["status"] == status for test in said["tests"]))
        for status in ("fail", "warn", "pass", "not run")
    ]
    told = ", ".join(f"{count} {_verdict(status)}" for status, count in counts if count)
    return _("Tests: {verdicts}.").format(verdicts=told)
