"""The table of models: a row each, drawn anew only when something changed."""

from __future__ import annotations

import qt

from CTCounterfactualLib.models.entry import CatalogueEntry

from . import model_texts


class ModelTable:
    """The table of the section; `changed()` is called when another row is selected."""

    def __init__(self, ui, changed):
        self.ui = ui
        table = self.ui.modelsTable
        self._entries: tuple[CatalogueEntry, ...] = ()
        table.setColumnCount(len(model_texts.headers()))
        table.setHorizontalHeaderLabels(model_texts.headers())
        table.verticalHeader().hide()
        table.horizontalHeader().stretchLastSection = True
        table.connect("itemSelectionChanged()", changed)

    @property
    def selected(self) -> CatalogueEntry | None:
        """The model of the selected row."""
        table = self.ui.modelsTable
        row = table.currentRow()
        chosen = bool(table.selectedItems()) and 0 <= row < len(self._entries)
        return self._entries[row] if chosen else None

    def show(self, entries: tuple[CatalogueEntry, ...]) -> None:
        """Show models; the selected one stays selected."""
        if entries == self._entries:
            return
        before = self.selected
        table = self.ui.modelsTable
        table.clearSelection()
        self._entries = entries
        table.setRowCount(len(entries))
        for row, entry in enumerate(entries):
            for column, text in enumerate(model_texts.cells(entry)):
                item = qt.QTableWidgetItem(text)
                item.setToolTip(text)
                table.setItem(row, column, item)
        table.resizeColumnsToContents()
        table.resizeRowsToContents()
        for row, entry in enumerate(entries):
            if before is not None and entry.name == before.name:
                table.selectRow(row)
