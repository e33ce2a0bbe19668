"""Section "Cohort": the cases of a finished cohort in a table; a click loads one into the scene."""

from __future__ import annotations

from pathlib import Path

import qt
import slicer
from slicer.i18n import tr as _

from CTCounterfactualLib.cohort.rows import DONE, CaseRow
from CTCounterfactualLib.cohort.tables import read_cases
from CTCounterfactualLib.errors import worded_for
from CTCounterfactualLib.outputs.earlier import RECORD
from CTCounterfactualLib.wording import Place

from .panel import Panel

# Which case a row is of, whatever the table is sorted by: in the data of its first cell.
CASE_ROLE = 0x0100  # Qt::UserRole, as a plain number as every version of Qt takes it
DISPLAY_ROLE = 0  # Qt::DisplayRole: numbers put there are sorted as numbers


class CohortPanel(Panel):
    """Reads `cases.csv`; what a case holds is read when it is clicked."""

    def setup(self) -> None:
        """Make the table's columns and connect."""
        self._folder = Path.home()
        self._cases: list[CaseRow] = []
        table = self.ui.cohortTable
        heads = [
            _("Case"),
            _("Label"),
            _("Score"),
            _("Counterfactual"),
            _("Reduction"),
            _("Flipped"),
            _("Flags"),
        ]
        table.setColumnCount(len(heads))
        table.setHorizontalHeaderLabels(heads)
        table.verticalHeader().hide()
        table.horizontalHeader().stretchLastSection = True
        table.connect("cellClicked(int,int)", self._load)
        self.ui.cohortButton.connect("clicked()", self._open)

    def refresh(self) -> None:
        """Enable what can be done now."""
        self.ui.cohortButton.enabled = not self.host.machine.busy
        self.ui.cohortTable.enabled = not self.host.machine.busy
        self.ui.cohortTable.visible = bool(self._cases)
        self.ui.cohortLabel.visible = bool(self.ui.cohortLabel.text)

    def _open(self) -> None:
        path = qt.QFileDialog.getExistingDirectory(
            slicer.util.mainWindow(), _("Folder of a finished cohort"), str(self._folder)
        )
        if not path:
            return
        self.host.messages.clear()
        with (
            self.host.messages.guard(_("The cohort can't be opened")),
            slicer.util.WaitCursor(),
            worded_for(Place.PANEL),
        ):
            cases = read_cases(path)  # before anything of the earlier one is forgotten
            self._folder, self._cases = Path(path), cases
            self._draw()
            done = sum(case.status == DONE for case in cases)
            self.ui.cohortLabel.text = _("{name}: {done} of {all} cases explained.").format(
                name=self._folder.name, done=done, all=len(cases)
            )
        self.host.refresh()

    def _draw(self) -> None:
        table = self.ui.cohortTable
        table.setSortingEnabled(False)  # else rows move while they are filled
        table.setRowCount(len(self._cases))
        for row, case in enumerate(self._cases):
            flipped = "" if case.flipped is None else (_("yes") if case.flipped else _("no"))
            cells = (
                case.id,
                case.label,
                case.score_original,
                case.score_counterfactual,
                case.reduction,
                flipped,
                case.flags if case.status == DONE else _("failed: {why}").format(why=case.reason),
            )
            for column, value in enumerate(cells):
                item = qt.QTableWidgetItem()
                item.setData(DISPLAY_ROLE, "" if value is None else value)
                item.setToolTip(str(cells[-1]))
                if column == 0:
                    item.setData(CASE_ROLE, row)
                table.setItem(row, column, item)
        table.setSortingEnabled(True)
        table.resizeColumnsToContents()

    def _load(self, row: int, column: int) -> None:
        """Add a case's result to the scene and show it."""
        case = self._cases[int(self.ui.cohortTable.item(row, 0).data(CASE_ROLE))]
        messages = self.host.messages
        messages.clear()
        place = self._folder / case.folder
        if case.status != DONE:
            messages.show_note(_("{id} failed: {why}").format(id=case.id, why=case.reason))
        elif not case.folder or not (place / RECORD).is_file():
            messages.show_note(
                _("Only the numbers of {id} were kept, nothing to load.").format(id=case.id)
            )
        else:
            with messages.guard(_("The case could not be loaded")), slicer.util.WaitCursor():
                self.host.results.add(self.host.logic.load(place, place=Place.PANEL))
