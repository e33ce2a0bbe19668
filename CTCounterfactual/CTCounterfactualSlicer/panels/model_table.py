"""The table of models: a row each, drawn anew only when something changed."""

from __future__ import annotations

import qt

from CTCounterfactualLib.models.catalogue import CatalogueEntry

from . import model_texts


class ModelTable:
    """A table widget filled by the program; `changed()` is called when another row is selected."""

    def __init__(self, table, changed):
        self._table = table
        self._entries: tuple[CatalogueEntry, ...] = ()
        table.setColumnCount(len(model_texts.headers()))
        table.setHorizontalHeaderLabels(model_texts.headers())
        table.verticalHeader().hide()
        table.horizontalHeader().stretchLastSection = True
        table.connect("itemSelectionChanged()", changed)

    @property
    def selected(self) -> CatalogueEntry | None:
        """The model of the selected row."""
        row = self._table.currentRow()
        chosen = bool(self._table.selectedItems()) and 0 <= row < len(self._entries)
        return self._entries[row] if chosen else None

    def show(self, entries: tuple[CatalogueEntry, ...]) -> None:
        """Show models; the selected one stays selected."""
        if entries == self._entries:
            return
        before = self.selected
        self._table.clearSelection()
        self._entries = entries
        self._table.setRowCount(len(entries))
        for row, entry in enumerate(entries):
            for column, text in enumerate(model_texts.cells(entry)):
                item = qt.QTableWidgetItem(text)
                item.setToolTip(text)
                self._table.setItem(row, column, item)
        self._table.resizeColumnsToContents()
        for row, entry in enumerate(entries):
            if before is not None and entry.name == before.name:
                self._table.selectRow(row)
