"""The row "Hide changes below": how small a change the view of the change still draws."""

from __future__ import annotations

from slicer.i18n import tr as _

from CTCounterfactualLib.scene.make.colors import hide_change_below, shown_from
from CTCounterfactualLib.scene.make.nodes import SceneNodes
from CTCounterfactualLib.scene.make.volumes import unit_words

from .panel import Panel

# Digits behind the point where a change has a unit of its own, such as an MR's, and is below 1.
FINE = 3


class ThresholdPanel(Panel):
    """Shows and sets it for the result that is shown; saved with the scene in its colours."""

    def setup(self) -> None:
        """Connect the row."""
        self._drawing = False
        self.ui.thresholdSpinBox.connect("valueChanged(double)", self._hide_below)

    def refresh(self) -> None:
        """Show from where on the change is drawn; scenes of earlier versions don't say."""
        colors = self._colors()
        hidden = None if colors is None else shown_from(colors)
        box = self.ui.thresholdSpinBox
        box.enabled = hidden is not None
        if hidden is None or self._drawing:
            return
        self._drawing = True
        try:
            box.suffix = f" {unit_words(self.host.shown.nodes.change)}".rstrip()
            box.decimals = FINE if 0 < hidden < 1 else 0 if hidden == round(hidden) else 1
            box.value = hidden
        finally:
            self._drawing = False

    def _colors(self):
        """Return the colours of the change that is shown, or None."""
        shown = self.host.shown
        usable = shown is not None and shown.usable and isinstance(shown.nodes, SceneNodes)
        display = shown.nodes.change.GetDisplayNode() if usable else None
        return None if display is None else display.GetColorNode()

    def _hide_below(self, value: float) -> None:
        colors = self._colors()
        if not self._drawing and colors is not None:
            with self.host.messages.guard(_("The colours could not be changed")):
                hide_change_below(colors, value)
