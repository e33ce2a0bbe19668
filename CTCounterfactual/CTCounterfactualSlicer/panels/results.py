"""Section "Results": scores, warnings, a row per chunk as it comes, and plots."""

from __future__ import annotations

import html

import slicer
from slicer.i18n import tr as _

from CTCounterfactualLib.counterfactual.result import DISCLAIMER
from CTCounterfactualLib.counterfactual.scale import scale_unit
from CTCounterfactualLib.scans.modality import CT
from CTCounterfactualLib.scene.look import layouts
from CTCounterfactualLib.scene.look.jump import jump_to_change, jump_to_slab
from CTCounterfactualLib.scene.look.stage import open_in_lung_window
from CTCounterfactualLib.scene.make.earlier import result_nodes
from CTCounterfactualLib.scene.make.nodes import MapNodes, SceneNodes
from CTCounterfactualLib.scene.make.provenance import INPUT_REFERENCE

from ..announce import listen
from ..result import AnyResult
from . import table_rows, texts
from .choice_box import ChoiceBox
from .compare import current_layout
from .panel import Panel
from .result_table import ResultTable
from .shown import Shown, main_nodes


class ResultsPanel(Panel):
    """Shows `host.shown`; remembers what jobs of this session brought, for exports."""

    def setup(self) -> None:
        """Make the table's columns and connect rows, plots and the choice of results."""
        self._results: dict[str, AnyResult] = {}  # by the main node's ID
        self._mains: tuple = ()
        self._drawn: Shown | None = None
        self._stop_listening = listen(self._came)
        self._result = ChoiceBox(self.ui.resultComboBox, self._choose_and_look)
        self._table = ResultTable(self.ui.chunkTable, self._go_to)
        self._table.draw(table_rows.headers(Shown()), (), keep_selection=False)
        self.ui.chunkTable.connect("itemSelectionChanged()", self._table.row_selected)
        self.ui.chunkTable.connect("cellClicked(int,int)", self._table.row_clicked)
        self.ui.disclaimerLabel.text = f"<b>{html.escape(DISCLAIMER)}</b>"
        self.ui.evidenceChartButton.connect("clicked()", self._plot_evidence)
        self.ui.pathChartButton.connect("clicked()", self._plot_path)
        self.ui.allChunksButton.connect("clicked()", self._show_all_chunks)

    def enter(self) -> None:
        """Look for results again: nodes may have been deleted meanwhile."""
        if not self.host.machine.busy:
            self.find_results()

    def add(self, result: AnyResult) -> None:
        """Take over what a job brought, and show it."""
        self._results[result.mainNode.GetID()] = result
        self.host.show(Shown.of_result(result))
        self.find_results()
        self.ui.resultsCollapsibleButton.collapsed = False
        self._table.clear_selection()  # of a row that was selected while it ran
        if result.explanation.scan.modality == CT:
            open_in_lung_window(result.nodes.scan)
        self.host.compare.show_result()

    def _came(self, result: AnyResult) -> None:
        """Show what the console made or loaded; while a run goes on it is only remembered."""
        if result.mainNode.GetScene() is not slicer.mrmlScene:
            return
        mine = self.host.job is not None and self.host.job.result is result
        if self.host.machine.busy:
            self._results[result.mainNode.GetID()] = result
        elif not mine:
            self.host.messages.clear()  # that its forerunner was deleted is no news
            self.add(result)

    def cleanup(self) -> None:
        """Free the files of this session's results."""
        self._stop_listening()
        for result in self._results.values():
            result.release()
        self._results = {}

    def extend(self, result: AnyResult) -> None:
        """Take over more nodes of a result that is known."""
        self._results[result.mainNode.GetID()] = result
        self.host.show(Shown.of_result(result))

    def selected_heatmap(self):
        """Return the label map of the selected row, or None."""
        number, shown = self._table.selected, self.host.shown
        return None if shown is None or number < 0 else _labels_of(shown, number)

    def workplaces(self) -> list:
        """Return the folders on disk that results of this session still need."""
        return [result.workplace for result in self._results.values() if result.workplace]

    def mains_of(self, scan) -> list:
        """Return the main nodes of the results of a scan, as they were found last."""
        return [
            node
            for node in self._mains
            if node.GetScene() is not None and node.GetNodeReference(INPUT_REFERENCE) is scan
        ]

    def lost(self) -> None:
        """Say that nodes of the result that is shown were deleted, and show what there is."""
        nodes = self.host.shown.nodes
        if nodes is not None and nodes.scan.GetScene() is None:
            text = _("The scan of the result was deleted: there is nothing left to lay it over.")
        else:
            text = _("A volume of the result was deleted, so it can't be shown any more.")
        self.find_results()
        self.host.messages.show_note(text)

    def find_results(self) -> None:
        """List the explanations of the scene; show the last one unless one of them is shown."""
        nodes = {node.GetID(): node for node in main_nodes(slicer.mrmlScene)}
        for known, result in tuple(self._results.items()):
            if nodes.get(known) is not result.mainNode:
                del self._results[known]
                result.release()
        self._mains = tuple(nodes.values())
        self._result.fill([(key, node.GetName(), "") for key, node in nodes.items()])
        several = len(nodes) > 1
        self.ui.resultComboBoxCaption.visible = several
        self.ui.resultComboBox.visible = several
        shown = self.host.shown
        usable = shown is not None and shown.usable
        key = shown.nodes.main.GetID() if usable else None
        if key not in nodes:
            key = next(reversed(nodes), None)
            self._choose(key)
        self._result.select(key)
        self.host.refresh()

    def refresh(self) -> None:
        """Draw scores, warnings and rows, if they are others than those drawn last."""
        shown = self.host.shown
        busy = self.host.machine.busy
        self.ui.resultComboBox.enabled = not busy
        nodes = None if shown is None else shown.nodes
        charts = nodes if isinstance(nodes, SceneNodes) else None
        self.ui.evidenceChartButton.enabled = charts is not None and bool(charts.evidence_chart)
        self.ui.pathChartButton.enabled = charts is not None and bool(charts.path_chart)
        of_map = isinstance(nodes, MapNodes)
        self.ui.allChunksButton.text = _("Show the whole map") if of_map else _("Show all chunks")
        self.ui.allChunksButton.enabled = of_map or (nodes is not None and bool(shown.heatmaps))
        if shown is not self._drawn:
            before, self._drawn = self._drawn, shown
            self._draw_scores(shown or Shown())
            self._draw_rows(shown or Shown(), before or Shown())

    def _choose_and_look(self, key: str) -> None:
        """Show a result that the user chose, in the views too."""
        self._choose(key)
        if self.host.shown is not None:
            self.host.compare.show_result()

    def _choose(self, key: str | None) -> None:
        """Show a result by its main node's ID."""
        if key not in self._results:
            self.host.show(None)  # what stays if the nodes turn out to be incomplete
        if key is None:
            return
        with self.host.messages.guard(_("The result can't be shown")):
            if key in self._results:
                self.host.show(Shown.of_result(self._results[key]))
            else:
                node = slicer.mrmlScene.GetNodeByID(key)
                self.host.show(Shown.of_nodes(result_nodes(slicer.mrmlScene, node)))

    def _draw_scores(self, shown: Shown) -> None:
        unit = shown.unit
        labels = (
            self.ui.scanScoreLabel,
            self.ui.reconstructionScoreLabel,
            self.ui.counterfactualScoreLabel,
        )
        values = (shown.original, shown.reconstruction, shown.counterfactual)
        for label, text in zip(labels, texts.scores(values, unit), strict=True):
            label.text = text
        self.ui.reductionCaption.text = texts.gain_header(shown.direction)
        self.ui.reductionCaption.toolTip = texts.gain_hint(shown.direction)
        self.ui.reductionLabel.text = texts.gain(
            shown.direction, shown.original, shown.counterfactual, scale_unit(unit), unit
        )
        # A map has no other volume to score.
        for widget in (
            self.ui.reconstructionScoreCaption,
            self.ui.reconstructionScoreLabel,
            self.ui.counterfactualScoreCaption,
            self.ui.counterfactualScoreLabel,
            self.ui.reductionCaption,
            self.ui.reductionLabel,
        ):
            widget.visible = not shown.is_map
        answer = f"<b>{html.escape(shown.answer)}</b><br>" if shown.answer else ""
        self.ui.methodResultLabel.text = answer + html.escape(shown.about)
        self.ui.methodResultLabel.visible = bool(shown.about)
        self.ui.flagsLabel.visible = bool(shown.flags)
        heading = _("Please note")
        self.ui.flagsLabel.text = f"<b>{heading}</b>" + "".join(
            f"<br>\u2022 {html.escape(flag)}" for flag in shown.flags
        )

    def _draw_rows(self, shown: Shown, before: Shown) -> None:
        grown = shown.rows[: len(before.rows)] == before.rows and (shown.unit, shown.listing) == (
            before.unit,
            before.listing,
        )
        self._table.draw(table_rows.headers(shown), table_rows.rows(shown), keep_selection=grown)

    def _go_to(self, number: int) -> None:
        """Show a row's labels, and move the views there; without labels only move."""
        shown = self.host.shown
        if shown is None:
            return
        with self.host.messages.guard(_("The views could not be moved")):
            labels, scan = _labels_of(shown, number), self._scan()
            if labels is not None:
                self.host.compare.show_heatmap(labels)  # which may fit the scan into the views
                jump = jump_to_change if shown.is_map else jump_to_slab
                jump(slicer.mrmlScene, labels)
            elif scan is not None and 0 <= number < len(shown.rows):
                row = shown.rows[number]
                jump_to_slab(slicer.mrmlScene, (row.low, row.high), scan)

    def _scan(self):
        """Return the node of the scan that the rows are about, or None."""
        if self.host.shown is not None and self.host.shown.nodes is not None:
            return self.host.shown.nodes.scan
        return None if self.host.job is None else self.host.job.volumeNode

    def _show_all_chunks(self) -> None:
        with self.host.messages.guard(_("The heatmap could not be shown")):
            self._table.clear_selection()
            self.host.compare.show_heatmap(None)

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


def _labels_of(shown: Shown, number: int):
    """Return the label map that a row is about, or None."""
    if shown.is_map:
        return shown.part_of(number)
    return shown.heatmap_of(shown.rows[number]) if 0 <= number < len(shown.rows) else None
