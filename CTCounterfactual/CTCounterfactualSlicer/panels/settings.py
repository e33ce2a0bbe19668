"""Section "Settings": texts of the choices, the devices, and back to the defaults."""

from __future__ import annotations

import qt
import slicer
from slicer.i18n import tr as _

from CTCounterfactualLib.counterfactual import settings as engine

from ..options import OUTPUTS
from . import model_texts
from .choice_box import ChoiceBox, relabel
from .devices import Gpu, GpuQuery
from .panel import Panel
from .parameters import SCOPES

DEVICE_POLL_MS = 200
# What "Restore defaults" resets; the input and its models' choice stay.
SETTINGS = (
    "mode", "direction", "chunk", "maxChangePercent", "device", "outputs", "search", "baseline",
    "composite", "changeScope", "sliceSmoothing", "useTargetScore", "targetScore",
    "maxEvaluations", "levelEdges", "frames", "autoencoder", "seed", "assumeHu",
)


def _labels() -> dict[str, tuple[tuple[str, ...], dict[str, str]]]:
    """Return the choices of each combo box and their texts; a function, for the language."""
    return {
        "modeComboBox": (engine.MODES, {
            "both": _("Whole volume, then each chunk"),
            "whole": _("Whole volume only"),
            "chunks": _("Each chunk alone"),
        }),
        "directionComboBox": (engine.DIRECTIONS, {
            "decrease": _("Lower the score"), "increase": _("Raise the score"),
        }),
        "outputsComboBox": (OUTPUTS, {
            "replace": _("Replace"), "keep": _("Keep beside the new ones"),
        }),
        "searchComboBox": (engine.SEARCHES, {
            "adaptive": _("Adaptive"), "reference": _("Reference (as published)"),
        }),
        "baselineComboBox": (engine.BASELINES, {
            "scan": _("Scan"), "reconstruction": _("Reconstruction (as published)"),
        }),
        "compositeComboBox": (engine.COMPOSITES, {
            "bounded": _("Bounded"), "residual": _("Residual"),
        }),
        "changeScopeComboBox": (SCOPES, {
            "automatic": _("Automatic (as the search needs)"),
            "region": _("Edited slices"), "volume": _("Whole volume"),
        }),
    }


class SettingsPanel(Panel):
    """Most controls are the parameter node's own; this fills lists and restores defaults."""

    def setup(self) -> None:
        """Fill the lists of devices and autoencoders."""
        self._gpus: tuple[Gpu, ...] = ()
        self._query: GpuQuery | None = None
        self._timer = qt.QTimer()
        self._timer.setInterval(DEVICE_POLL_MS)
        self._timer.connect("timeout()", self._poll_devices)
        self._device = ChoiceBox(self.ui.deviceComboBox, self._setter("device"))
        self._autoencoder = ChoiceBox(self.ui.autoencoderComboBox, self._setter("autoencoder"))
        self._autoencoders: tuple = ()
        self._fill_devices()
        self.ui.defaultsButton.connect("clicked()", self._restore_defaults)

    def connected(self) -> None:
        """Put texts for people in place of the bare values that the parameter node fills in."""
        for name, (choices, labels) in _labels().items():
            relabel(getattr(self.ui, name), choices, labels)

    def enter(self) -> None:
        """Ask the driver for its cards; free memory changes all the time."""
        if self._query is None:
            self._query = GpuQuery()
            self._timer.start()

    def cleanup(self) -> None:
        """Stop asking the driver."""
        self._timer.stop()
        if self._query is not None:
            self._query.close()
            self._query = None

    def refresh(self) -> None:
        """Show what no control is connected to, and which settings have a meaning now."""
        parameters = self.host.parameterNode
        self.ui.settingsCollapsibleButton.enabled = parameters is not None
        if parameters is None:
            return
        self._device.select(parameters.device, missing=_("{value} (not found here)"))
        self._list_autoencoders()
        self._autoencoder.select(parameters.autoencoder, missing=_("{value} (not available)"))
        self.ui.chunkSpinBox.enabled = parameters.mode != "whole"
        self.ui.targetScoreSpinBox.enabled = parameters.useTargetScore
        self.ui.compositeComboBox.enabled = parameters.baseline == "scan"

    def _list_autoencoders(self) -> None:
        """Fill the list anew if there are others, or one has become ready."""
        entries = self.host.models.entries
        autoencoders = tuple(entry for entry in entries if entry.kind == "autoencoder")
        if autoencoders != self._autoencoders:
            self._autoencoders = autoencoders
            self._autoencoder.fill([model_texts.item(entry) for entry in autoencoders])

    def _setter(self, name: str):
        def choose(value: str) -> None:
            if self.host.parameterNode is not None:
                setattr(self.host.parameterNode, name, value)

        return choose

    def _poll_devices(self) -> None:
        cards = None if self._query is None else self._query.poll()
        if cards is None:
            return
        self._timer.stop()
        self._query = None
        if cards != self._gpus:
            self._gpus = cards
            self._fill_devices()
            self.refresh()

    def _fill_devices(self) -> None:
        card_text = _("CUDA: {name}, {free:.1f} of {total:.1f} GB free")
        items = [
            ("auto", _("Automatic"), _("The first CUDA card that PyTorch can use, else the CPU.")),
            ("cpu", _("CPU"), _("Works everywhere; slower than a graphics card.")),
        ]
        for card in self._gpus:
            # The first card is plain `cuda`, as on the command line.
            value = f"cuda:{card.index}" if card.index else "cuda"
            text = card_text.format(name=card.name, free=card.free_gb, total=card.total_gb)
            items.append((value, text, _("Needs PyTorch with CUDA; see Setup.")))
        self._device.fill(items, "auto")

    def _restore_defaults(self) -> None:
        parameters = self.host.parameterNode
        if parameters is not None:
            with slicer.util.NodeModify(parameters):
                for name in SETTINGS:
                    parameters.setValue(name, parameters.default(name).value)
