"""Section "Settings": rows of the table of settings, devices, and back to the defaults."""

from __future__ import annotations

import qt
import slicer
from slicer.i18n import tr as _

from CTCounterfactualLib.setting_choices import DEVICES

from ..options import OUTPUTS
from . import model_texts
from .choice_box import ChoiceBox, relabel
from .devices import Gpu, GpuQuery
from .method import applies, chosen_method
from .panel import Panel
from .parameter_node import all_settings
from .parameters import is_switched, parameters_of, switch_of
from .setting_rows import setting_rows, translated

DEVICE_POLL_MS = 200
# What "Restore defaults" resets; the input and its models' choice stay.
RESTORED = (
    *(parameter.name for parameter in parameters_of(all_settings())),
    "outputs",
    "autoencoder",
    "assumeHu",
)


class SettingsPanel(Panel):
    """Most controls are the parameter node's own; this gives words, fills lists, restores."""

    def setup(self) -> None:
        """Give the rows their words; fill the lists of devices and autoencoders."""
        self._rows = setting_rows(self.ui)
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
        for row in self._rows.values():
            row.show_choices()
        relabel(
            self.ui.outputsComboBox,
            OUTPUTS,
            {
                "replace": _("Replace"),
                "keep": _("Keep beside the new ones"),
            },
        )

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
        method = chosen_method(parameters)
        for row in self._rows.values():
            on = applies(row.setting, method)
            row.caption.enabled = row.control.enabled = on
            if on and is_switched(row.setting):
                row.control.enabled = parameters.getValue(switch_of(row.setting).name)
        for control, on in (
            (self.ui.chunkSpinBox, parameters.mode != "whole"),
            (
                self.ui.goalComboBox,
                parameters.search == "adaptive" and not parameters.useTargetScore,
            ),
            (self.ui.compositeComboBox, parameters.baseline == "scan"),
        ):
            control.enabled = control.enabled and on
        self.ui.autoencoderComboBox.enabled = method is None or method.searches

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
            (
                "auto",
                translated(DEVICES["auto"]),
                _("The first CUDA card that PyTorch can use, else the CPU."),
            ),
            (
                "cpu",
                translated(DEVICES["cpu"]),
                _("Works everywhere; slower than a graphics card."),
            ),
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
                for name in RESTORED:
                    parameters.setValue(name, parameters.default(name).value)
