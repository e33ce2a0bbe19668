"""The choice of a method, what it needs in words, and its options."""

from __future__ import annotations

import html
from collections.abc import Callable

import slicer
from slicer.i18n import tr as _

from CTCounterfactualLib.methods.choices import grouped, lacking, takes_region, takes_segments
from CTCounterfactualLib.methods.method import CAUSAL, COUNTERFACTUAL, SALIENCY, Method
from CTCounterfactualLib.methods.registry import NAMES, find_method
from CTCounterfactualLib.setting import Setting

from ..own_models import NO_GRADIENT
from ..packages import CAPTUM
from ..spots import last_point, place_point
from .choice_box import SEPARATOR, ChoiceBox, Item
from .model_texts import sentence
from .panel import Panel
from .parameters import is_switched, parameter_of, switch_of
from .setting_rows import option_rows

# Of a method that is asked about a place.
SPOT_OPTION = "at"
# Settings that mean something to every method, and those that only a counterfactual itself has:
# other methods that search for one take all slices together and keep no pictures of the way.
ALWAYS = ("device", "seed")
LATENT_SHIFT_ONLY = ("mode", "chunk", "frames", "level_edges", "region_controls")


class MethodPanel(Panel):
    """Fills the list, group by group; shows the rows of the chosen method's options alone."""

    def setup(self) -> None:
        """List the methods and make the rows of all their options."""
        self._method = ChoiceBox(self.ui.methodComboBox, self._choose)
        self._method.fill(method_items())
        self._rows = option_rows(self.ui)
        self.ui.spotButton.connect("clicked()", self._take_point)
        self.ui.spotClickButton.connect("clicked()", self._wait_for_a_click)
        self.ui.installMethodButton.connect("clicked()", self._install)
        self._stop_waiting: Callable[[], None] | None = None

    def cleanup(self) -> None:
        """Wait for no click any more."""
        self._give_up()

    def connected(self) -> None:
        """Put texts for people in place of the bare values that the parameter node fills in."""
        for rows in self._rows.values():
            for row in rows.values():
                row.show_choices()

    def refresh(self) -> None:
        """Show the chosen method, what it needs, and its options."""
        parameters = self.host.parameterNode
        free = parameters is not None and not self.host.machine.busy
        self.ui.methodComboBox.enabled = self.ui.methodOptionsGroupBox.enabled = free
        if parameters is None:
            return
        self._method.select(parameters.method, missing=_("{value} (not available)"))
        method = chosen_method(parameters)
        self.ui.methodLabel.text = _("There is no such method here; choose another.")
        if method is not None:
            entry = self.host.models.find(parameters.classifier)
            black_box = entry is not None and entry.status == NO_GRADIENT
            self.ui.methodLabel.text = method_words(method, black_box)
        self._show_rows(parameters)
        region = method is not None and takes_region(method)
        self.ui.regionAutoCheckBox.enabled = free and region
        own = free and region and not parameters.regionAuto
        self.ui.segmentComboBox.enabled = own
        structures = method is not None and takes_segments(method)
        self.ui.regionSelector.enabled = own or (free and structures)
        if structures:  # all of the segmentation's segments
            self.ui.segmentComboBox.visible = self.ui.segmentComboBoxCaption.visible = False
        spot = method is not None and SPOT_OPTION in self._rows[method.name]
        if not spot:
            self._give_up()
        for button in (self.ui.spotButton, self.ui.spotClickButton):
            button.visible = spot
            button.enabled = free and parameters.inputVolume is not None
        waiting = self._stop_waiting is not None
        self.ui.spotClickButton.text = (
            _("Click in a slice view now, or here to stop")
            if waiting
            else _("Click a spot in a view")
        )
        self.ui.installMethodButton.visible = (
            method is not None and method.needs.captum and not CAPTUM.installed
        )
        self.ui.installMethodButton.enabled = free
        caption = self.ui.regionSelectorCaption
        caption.text = _("Structures:") if structures else _("Region:")

    def _show_rows(self, parameters) -> None:
        for name, rows in self._rows.items():
            for row in rows.values():
                row.caption.visible = row.control.visible = name == parameters.method
                if is_switched(row.setting):
                    row.control.enabled = parameters.getValue(switch_of(row.setting).name)
        self.ui.methodOptionsGroupBox.visible = bool(self._rows.get(parameters.method))

    def _take_point(self) -> None:
        """Ask about the point that the user placed last."""
        self.host.messages.clear()
        parameters = self.host.parameterNode
        with self.host.messages.guard(_("The point could not be taken")):
            place = last_point(slicer.mrmlScene, parameters.inputVolume)
            setting = self._rows[parameters.method][SPOT_OPTION].setting
            with slicer.util.NodeModify(parameters):
                parameters.setValue(switch_of(setting).name, True)
                parameters.setValue(parameter_of(setting).name, place)
            self.ui.methodOptionsGroupBox.collapsed = False

    def _wait_for_a_click(self) -> None:
        """Ask about the place that the user clicks next in a view; a second click here stops."""
        if self._stop_waiting is not None:
            self._give_up()
        else:
            self.host.messages.clear()
            with self.host.messages.guard(_("A spot can't be clicked")):
                self._stop_waiting = place_point(slicer.mrmlScene, self._clicked)
        self.refresh()

    def _clicked(self) -> None:
        self._stop_waiting = None
        self._take_point()
        if not self.host.machine.busy and not self.ui.messageFrame.visible:
            self.host.run.apply()
        self.refresh()

    def _give_up(self) -> None:
        if self._stop_waiting is not None:
            stop, self._stop_waiting = self._stop_waiting, None
            stop()

    def _install(self) -> None:
        """Install what saliency maps need, after asking."""
        self.host.maintenance.install_now((CAPTUM,), _("Saliency maps are made by Captum."))
        self.refresh()

    def _choose(self, name: str) -> None:
        if self.host.parameterNode is not None:
            self.host.parameterNode.method = name


def chosen_method(parameters) -> Method | None:
    """Return the method of a parameter node, None if a scene names one that isn't here."""
    return find_method(parameters.method) if parameters.method in NAMES else None


def applies(setting: Setting, method: Method | None) -> bool:
    """Tell whether a setting of the search means anything to a method."""
    if method is None or setting.name in ALWAYS or takes_region(method):
        return True
    return method.searches and setting.name not in LATENT_SHIFT_ONLY


def method_items() -> list[Item]:
    """Return the methods as items of a combo box, a line between the groups."""
    groups = {
        COUNTERFACTUAL: _("Counterfactual"),
        CAUSAL: _("Causal"),
        SALIENCY: _("Saliency"),
    }
    items: list[Item] = []
    before = None
    for method in grouped():
        if before not in (None, method.group):
            items.append(SEPARATOR)
        before = method.group
        text = f"{groups.get(method.group, method.group)}: {method.name}"
        items.append((method.name, text, sentence(method.description)))
    return items


def method_words(method: Method, black_box: bool = False) -> str:
    """Return what a method is, what it needs, and first what is lacking, as rich text."""
    needs = str(method.needs)
    lines = [sentence(method.description), sentence(needs[0].upper() + needs[1:])]
    text = "<br>".join(html.escape(line) for line in lines)
    missing = lacking(method, black_box)
    return f"<b>{html.escape(missing)}</b><br>{text}" if missing else text
