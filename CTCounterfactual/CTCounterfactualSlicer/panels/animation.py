"""The change played along lambda, in section "Compare"; Slicer's own widgets step through it."""

from __future__ import annotations

import json

import slicer
import vtk
from slicer.i18n import tr as _

from CTCounterfactualLib.scene.make.nodes import SceneNodes
from CTCounterfactualLib.scene.make.provenance import get_attribute
from CTCounterfactualLib.scene.make.sequences import add_animation, memory_mb

from . import texts
from .panel import Panel


class AnimationPanel(Panel):
    """Makes the sequence on request; the slider and the player follow the result that is shown."""

    def setup(self) -> None:
        """Add Slicer's slider and player of sequences."""
        self._browser = None
        self._seek = slicer.qMRMLSequenceBrowserSeekWidget()
        self._play = slicer.qMRMLSequenceBrowserPlayWidget()
        self._seek.toolTip = _("Step from the scan to the counterfactual.")
        self._play.toolTip = _("Play the change from the scan to the counterfactual.")
        for widget in (self._seek, self._play):
            widget.setMRMLScene(slicer.mrmlScene)
            self.ui.animationWidget.layout().addWidget(widget)
        self.ui.animationButton.connect("clicked()", self._prepare)

    def cleanup(self) -> None:
        """Let go of the sequence."""
        self._follow(None)

    def refresh(self) -> None:
        """Follow the animation of the result that is shown."""
        shown = self.host.shown
        usable = shown is not None and shown.usable
        explanation = shown.explanation if usable else None
        animation = self._animation()
        playable = explanation is not None and bool(explanation.frames)
        self.ui.animationButton.enabled = playable and animation is None
        self.ui.animationWidget.visible = animation is not None
        self._follow(None if animation is None else animation.browser)
        text = self._text(usable, explanation, animation)
        self.ui.animationLabel.text = text
        self.ui.animationLabel.visible = bool(text)

    def _animation(self):
        """Return the animation of the result that is shown, or None."""
        shown = self.host.shown
        usable = shown is not None and shown.usable
        return shown.nodes.animation if usable and isinstance(shown.nodes, SceneNodes) else None

    def _text(self, usable: bool, explanation, animation) -> str:
        if animation is not None:
            return self._frame_text(animation)
        if not usable or self.host.shown.is_map:
            return ""
        if explanation is None:
            return _("To play the change, run the explanation in this session.")
        if not explanation.frames:
            return _("Nothing to play: set Animation volumes (Settings, Advanced) above 0.")
        return _("Takes about {size} of memory.").format(
            size=texts.megabytes(memory_mb(explanation))
        )

    def _frame_text(self, animation) -> str:
        """Return the score of the volume that the sequence is at."""
        number = animation.browser.GetSelectedItemNumber()
        scores = json.loads(get_attribute(animation.sequence, "stepScores") or "[]")
        if not 0 <= number < len(scores):
            return ""
        return _("Score: {score}").format(score=texts.score(scores[number], self.host.shown.unit))

    def _prepare(self) -> None:
        with self.host.messages.guard(_("The animation could not be made")):
            self.host.compare.add_nodes(add_animation)
            self.host.compare.play()
        self.refresh()

    def _follow(self, browser) -> None:
        """Let the slider and the player drive a sequence browser, or none."""
        if browser is self._browser:
            return
        modified = vtk.vtkCommand.ModifiedEvent
        if self._browser is not None:
            self.host.removeObserver(self._browser, modified, self._moved)
        self._browser = browser
        for widget in (self._seek, self._play):
            widget.setMRMLSequenceBrowserNode(browser)
        if browser is not None:
            self.host.addObserver(browser, modified, self._moved)

    def _moved(self, caller, event) -> None:
        animation = self._animation()
        if animation is not None:
            self.ui.animationLabel.text = self._frame_text(animation)
