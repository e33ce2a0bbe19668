"""The table of the results: drawn from rows, and told which row the user means."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import qt

from .table_rows import Cell

# Right and vertically centred: Qt::AlignRight | Qt::AlignVCenter, as a plain number because the
# item's data takes one in every version of Qt.
NUMBER_ALIGNMENT = 0x0002 | 0x0080
# Pixels: longer texts are elided, and whole in the tool tip. So all columns are seen at once in a
# panel of 380 pixels.
WIDEST_COLUMN = 100
# So many fit; what a method lists may need more.
FEW_COLUMNS = 5


class ResultTable:
    """A table widget whose rows the program draws; `chosen(row)` is called on a user's choice.

    Its owner connects `itemSelectionChanged()` and `cellClicked(int,int)`.
    """

    def __init__(self, table, chosen: Callable[[int], None]):
        self._table = table
        self._chosen = chosen
        self._filling = False
        self._headers: list[str] = []
        table.verticalHeader().hide()
        table.horizontalHeader().stretchLastSection = True

    def draw(
        self, headers: Sequence[str], rows: Sequence[Sequence[Cell]], keep_selection: bool
    ) -> None:
        """Show other rows; `chosen` isn't called."""
        table = self._table
        self._filling = True
        try:
            if list(headers) != self._headers:
                self._headers = list(headers)
                table.setColumnCount(len(headers))
                table.setHorizontalHeaderLabels(self._headers)
            if not keep_selection:
                table.clearContents()
                table.clearSelection()
            grown = len(rows) > table.rowCount
            table.setRowCount(len(rows))
            for number, row in enumerate(rows):
                for column, cell in enumerate(row):
                    table.setItem(number, column, _item(cell))
            table.resizeColumnsToContents()
            few = len(headers) <= FEW_COLUMNS
            for column in range(len(headers) - 1):  # the last takes what is left
                table.setColumnWidth(column, min(table.columnWidth(column), WIDEST_COLUMN))
            if few and headers:  # the header stretches it again, to what is left
                table.setColumnWidth(len(headers) - 1, 0)
            table.horizontalScrollBarPolicy = (
                qt.Qt.ScrollBarAlwaysOff if few else qt.Qt.ScrollBarAsNeeded
            )
            table.resizeRowsToContents()
            if grown:
                table.scrollToBottom()
        finally:
            self._filling = False

    @property
    def selected(self) -> int:
        """The number of the selected row; -1 without one."""
        return self._table.currentRow() if self._table.selectedItems() else -1

    def clear_selection(self) -> None:
        """Select no row."""
        self._table.clearSelection()

    def row_selected(self) -> None:
        """Tell which row was selected, unless the program did it."""
        if not self._filling and self.selected >= 0:
            self._chosen(self.selected)

    def row_clicked(self, row: int, column: int) -> None:
        """Go there again on a click on the row that is selected already."""
        self._chosen(row)


def _item(cell: Cell):
    item = qt.QTableWidgetItem(cell.text)
    item.setToolTip(cell.text)
    if cell.numeric:
        item.setData(qt.Qt.TextAlignmentRole, NUMBER_ALIGNMENT)
    return item
