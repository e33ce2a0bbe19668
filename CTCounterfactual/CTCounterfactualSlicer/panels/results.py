"""Section "Results": scores, warnings, a row per chunk as it comes, and plots."""

from __future__ import annotations

import html

import qt
import slicer
from slicer.i18n import tr as _

from CTCounterfactualLib.counterfactual.direction import DECREASE
from CTCounterfactualLib.counterfactual.result import DISCLAIMER
from CTCounterfactualLib.counterfactual.scale import scale_unit
from CTCounterfactualLib.scene.look import layouts
from CTCounterfactualLib.scene.look.jump import jump_to_slab
from CTCounterfactualLib.scene.make.earlier import result_nodes
from CTCounterfactualLib.scene.make.rows import SearchRow

from ..result import NodeResult
from . import texts
from .choice_box import ChoiceBox
from .compare import current_layout
from .panel import Panel
from .shown import Shown, counterfactuals

# Right and vertically centred: Qt::AlignRight | Qt::AlignVCenter, as a plain number because the
# item's data takes one in every version of Qt.
NUMBER_ALIGNMENT = 0x0002 | 0x0080


class ResultsPanel(Panel):
    """Shows `host.shown`; remembers what jobs of this session brought, for exports."""

    def setup(self) -> None:
        """Make the table's columns and connect rows, plots and the choice of results."""
        self._results: dict[str, NodeResult] = {}  # by the counterfactual's node ID
        self._drawn: Shown | None = None
        self._filling = False
        self._result = ChoiceBox(self.ui.resultComboBox, self._choose)
        table = self.ui.chunkTable
        table.setColumnCount(len(_headers("", DECREASE)))
        table.setHorizontalHeaderLabels(_headers("", DECREASE))
        table.verticalHeader().hide()
        table.horizontalHeader().stretchLastSection = True
        table.connect("itemSelectionChanged()", self._row_selected)
        table.connect("cellClicked(int,int)", self._row_clicked)
        self.ui.disclaimerLabel.text = f"<b>{html.escape(DISCLAIMER)}</b>"
        self.ui.evidenceChartButton.connect("clicked()", self._plot_evidence)
        self.ui.pathChartButton.connect("clicked()", self._plot_path)
        self.ui.allChunksButton.connect("clicked()", self._show_all_chunks)

    def enter(self) -> None:
        """Look for results again: nodes may have been deleted meanwhile."""
        if not self.host.machine.busy:
            self.find_results()

    def add(self, result: NodeResult) -> None:
        """Take over what a job brought, and show it."""
        self._results[result.counterfactualNode.GetID()] = result
        self.host.show(Shown.of_result(result))
        self.find_results()
        self.ui.resultsCollapsibleButton.collapsed = False
        self.ui.chunkTable.clearSelection()  # of a row that was selected while it ran
        self.host.compare.show_heatmap(result.heatmapNode)

    def cleanup(self) -> None:
        """Free the files of this session's results."""
        for result in self._results.values():
            result.release()
        self._results = {}

    def extend(self, result: NodeResult) -> None:
        """Take over more nodes of a result that is known."""
        self._results[result.counterfactualNode.GetID()] = result
        self.host.show(Shown.of_result(result))

    def selected_heatmap(self):
        """Return the heatmap of the selected row's slices, or None."""
        number, shown = self.ui.chunkTable.currentRow(), self.host.shown
        if shown is None or not 0 <= number < len(shown.rows) or not self._any_selected():
            return None
        return shown.heatmap_of(shown.rows[number])

    def workplaces(self) -> list:
        """Return the folders on disk that results of this session still need."""
        return [result.workplace for result in self._results.values()]

    def find_results(self) -> None:
        """List the explanations of the scene; show the last one unless one of them is shown."""
        nodes = {node.GetID(): node for node in counterfactuals(slicer.mrmlScene)}
        for known, result in tuple(self._results.items()):
            if nodes.get(known) is not result.counterfactualNode:
                del self._results[known]
                result.release()
        self._result.fill([(key, node.GetName(), "") for key, node in nodes.items()])
        several = len(nodes) > 1
        self.ui.resultComboBoxCaption.visible = several
        self.ui.resultComboBox.visible = several
        shown = self.host.shown
        usable = shown is not None and shown.usable
        key = shown.nodes.counterfactual.GetID() if usable else None
        if key not in nodes:
            key = next(reversed(nodes), None)
            self._choose(key)
        self._result.select(key)

    def refresh(self) -> None:
        """Draw scores, warnings and rows, if they are others than those drawn last."""
        shown = self.host.shown
        busy = self.host.machine.busy
        self.ui.resultComboBox.enabled = not busy
        nodes = None if shown is None else shown.nodes
        self.ui.evidenceChartButton.enabled = nodes is not None and bool(nodes.evidence_chart)
        self.ui.pathChartButton.enabled = nodes is not None and bool(nodes.path_chart)
        self.ui.allChunksButton.enabled = nodes is not None and bool(shown.heatmaps)
        if shown is not self._drawn:
            before, self._drawn = self._drawn, shown
            self._draw_scores(shown or Shown())
            self._draw_rows(shown or Shown(), before or Shown())

    def _choose(self, key: str | None) -> None:
        """Show a result by its counterfactual's node ID."""
        if key not in self._results:
            self.host.show(None)  # what stays if the nodes turn out to be incomplete
        if key is None:
            return
        with self.host.messages.guard(_("The result can't be shown")):
            if key in self._results:
                self.host.show(Shown.of_result(self._results[key]))
            else:
                node = slicer.mrmlScene.GetNodeByID(key)
                self.host.show(Shown.of_nodes(result_nodes(slicer.mrmlScene, node)))  # type: ignore

    def _draw_scores(self, shown: Shown) -> None:
        unit = shown.unit
        self.ui.scanScoreLabel.text = texts.score_with_logit(shown.original, unit)
        self.ui.reconstructionScoreLabel.text = texts.score_with_logit(shown.reconstruction, unit)
        self.ui.counterfactualScoreLabel.text = texts.score_with_logit(shown.counterfactual, unit)
        self.ui.reductionCaption.text = texts.gain_header(shown.direction)
        self.ui.reductionCaption.toolTip = texts.gain_hint(shown.direction)
        self.ui.reductionLabel.text = texts.gain(
            shown.direction, shown.original, shown.counterfactual, scale_unit(unit), unit
        )
        self.ui.flagsLabel.visible = bool(shown.flags)
        heading = _("Please note")
        self.ui.flagsLabel.text = f"<b>{heading}</b>" + "".join(
            f"<br>\u2022 {html.escape(flag)}" for flag in shown.flags
        )

    def _draw_rows(self, shown: Shown, before: Shown) -> None:
        table = self.ui.chunkTable
        grown = shown.rows[: len(before.rows)] == before.rows and shown.unit == before.unit
        first = len(before.rows) if grown else 0
        self._filling = True
        try:
            if (shown.unit, shown.direction) != (before.unit, before.direction):
                table.setHorizontalHeaderLabels(_headers(shown.unit, shown.direction))
            if not grown:
                table.clearContents()
                table.clearSelection()
            table.setRowCount(len(shown.rows))
            for number in range(first, len(shown.rows)):
                self._draw_row(number, shown.rows[number], shown.unit)
            if len(shown.rows) > first:
                table.resizeColumnsToContents()
                table.resizeRowsToContents()
                table.scrollToBottom()
        finally:
            self._filling = False

    def _draw_row(self, number: int, row: SearchRow, unit: str) -> None:
        cells = (
            # As the log, the tables and the names of the heatmaps say it.
            (f"{row.start}-{row.stop}", False),
            (_("{low:.0f} to {high:.0f}").format(low=row.low, high=row.high), True),
            (texts.score(row.score_after), True),
            (texts.gain(row.direction, row.score_before, row.score_after, scale=unit), True),
            (row.stop_reason, False),
        )
        for column, (text, numeric) in enumerate(cells):
            item = qt.QTableWidgetItem(text)
            item.setToolTip(text)
            if numeric:
                item.setData(qt.Qt.TextAlignmentRole, NUMBER_ALIGNMENT)
            self.ui.chunkTable.setItem(number, column, item)

    def _row_selected(self) -> None:
        if not self._filling and self._any_selected():
            self._go_to(self.ui.chunkTable.currentRow())

    def _any_selected(self) -> bool:
        return bool(self.ui.chunkTable.selectedItems())

    def _row_clicked(self, row: int, column: int) -> None:
        """Go there again on a click on the row that is selected already."""
        self._go_to(row)

    def _go_to(self, number: int) -> None:
        shown = self.host.shown
        if shown is None or not 0 <= number < len(shown.rows):
            return
        row = shown.rows[number]
        with self.host.messages.guard(_("The views could not be moved")):
            heatmap, scan = shown.heatmap_of(row), self._scan()
            if heatmap is not None:
                jump_to_slab(slicer.mrmlScene, heatmap)
                self.host.compare.show_heatmap(heatmap)
            elif scan is not None:
                jump_to_slab(slicer.mrmlScene, (row.low, row.high), scan)

    def _scan(self):
        """Return the node of the scan that the rows are about, or None."""
        if self.host.shown is not None and self.host.shown.nodes is not None:
            return self.host.shown.nodes.scan
        return None if self.host.job is None else self.host.job.volumeNode

    def _show_all_chunks(self) -> None:
        with self.host.messages.guard(_("The heatmap could not be shown")):
            self.ui.chunkTable.clearSelection()
            self.host.compare.show_heatmap(self.host.shown.nodes.heatmap)

    def _plot_evidence(self) -> None:
        self._plot(self.host.shown.nodes.evidence_chart)

    def _plot_path(self) -> None:
        self._plot(self.host.shown.nodes.path_chart)

    def _plot(self, chart) -> None:
        with self.host.messages.guard(_("The plot could not be shown")):
            scene = slicer.mrmlScene
            view = scene.GetSingletonNode(layouts.OTHER_VIEW, "vtkMRMLPlotViewNode")
            if view is not None and current_layout() == layouts.COMPARE_MORE:
                view.SetPlotChartNodeID(chart.GetID())
            else:
                slicer.modules.plots.logic().ShowChartInLayout(chart)


def _headers(unit: str, direction: str) -> list[str]:
    """Return the headers of the table; units are said here and not in each row."""
    after = _("After ({unit})").format(unit=unit) if unit else _("After")
    gained = texts.gain_header(direction, scale_unit(unit))
    return [_("Slices"), _("Position (mm)"), after, gained, _("Ended by")]
