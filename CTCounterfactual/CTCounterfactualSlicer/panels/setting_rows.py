"""The rows of the settings: their words, and controls for settings that the .ui has none for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import qt
from slicer.i18n import getContext, translate

from CTCounterfactualLib import setting_table
from CTCounterfactualLib.methods.choices import option_settings
from CTCounterfactualLib.setting import Setting, camel_case

from .choice_box import relabel
from .parameters import choices_of, is_switched, parameter_of, switch_of

# How names of controls end: of the .ui, and of those made here.
CHOICES, NUMBER, SLIDER, TEXT, SWITCH = "ComboBox", "SpinBox", "Slider", "LineEdit", "CheckBox"
CAPTION = "Caption"
SHORTEST_CHOICE = 10  # letters
# The property by which a parameter node finds its controls.
PARAMETER = "SlicerParameterName"


@dataclass
class SettingRow:
    """The row of one setting: what is to the left, and what holds the value."""

    setting: Setting
    caption: Any
    control: Any

    def show_words(self) -> None:
        """Set caption and tool tips."""
        said = self.setting.help[0].upper() + self.setting.help[1:] + "."
        tip = translated(self.setting.tooltip or said)
        self.caption.toolTip = self.control.toolTip = tip
        colon = "" if self.caption is self.control else ":"
        self.caption.text = translated(self.setting.label) + colon

    def show_choices(self) -> None:
        """Put texts for people in place of the bare values that the parameter node fills in."""
        if self.setting.closed:
            labels = {value: translated(text) for value, text in choices_of(self.setting).items()}
            relabel(self.control, tuple(labels), labels)


def translated(text: str) -> str:
    """Return a text of the table in the user's language."""
    return translate(getContext(setting_table.__file__), text) if text else ""


def setting_rows(ui) -> dict[str, SettingRow]:
    """Return the row of each setting by the setting's name, with its words.

    A setting that the .ui has no row for gets one in the section "Advanced", above the last row.
    """
    rows = {
        name: _row_of_ui(ui, one) or _new_row(ui, one, ui.advancedGroupBox.layout(), 1)
        for name, one in setting_table.SETTINGS.items()
    }
    for row in rows.values():
        row.show_words()
    return rows


def option_rows(ui) -> dict[str, dict[str, SettingRow]]:
    """Make a row for each option of each method, by method and option, with its words."""
    form = ui.methodOptionsGroupBox.layout()
    rows = {
        method: {name: _new_row(ui, one, form, 0) for name, one in settings.items()}
        for method, settings in option_settings().items()
    }
    for of_method in rows.values():
        for row in of_method.values():
            row.show_words()
    return rows


def _row_of_ui(ui, setting: Setting) -> SettingRow | None:
    name = camel_case(setting.name)
    controls = (getattr(ui, name + end, None) for end in (CHOICES, NUMBER, SLIDER, TEXT, SWITCH))
    control = next((one for one in controls if one is not None), None)
    if control is None:
        return None
    switch = getattr(ui, name + SWITCH, None)
    return SettingRow(setting, switch or getattr(ui, control.objectName + CAPTION), control)


def _new_row(ui, setting: Setting, form, kept_below: int) -> SettingRow:
    """Make a row in a form, above the last `kept_below` rows."""
    parameter, stem = parameter_of(setting), camel_case(setting.name)
    place = form.rowCount() - kept_below
    if parameter.kind is bool:
        control = _named(ui, qt.QCheckBox(), stem + SWITCH, parameter.name)
        form.insertRow(place, control)
        return SettingRow(setting, control, control)
    if parameter.choices:
        control = _named(ui, qt.QComboBox(), stem + CHOICES, parameter.name)
        # As in the .ui: a long choice must not make the whole panel wider.
        control.minimumContentsLength = SHORTEST_CHOICE
        control.sizeAdjustPolicy = qt.QComboBox.AdjustToMinimumContentsLengthWithIcon
    elif parameter.kind is str:
        control = _named(ui, qt.QLineEdit(), stem + TEXT, parameter.name)
    else:
        number = qt.QSpinBox() if parameter.kind is int else qt.QDoubleSpinBox()
        number.suffix = " %" if setting.percent else f" {translated(setting.unit)}".rstrip()
        control = _named(ui, number, stem + NUMBER, parameter.name)
    if is_switched(setting):
        caption = _named(ui, qt.QCheckBox(), stem + SWITCH, switch_of(setting).name)
    else:
        caption = _named(ui, qt.QLabel(), control.objectName + CAPTION)
    form.insertRow(place, caption, control)
    return SettingRow(setting, caption, control)


def _named(ui, widget, name: str, parameter: str = ""):
    """Name a widget as the .ui would, so that the parameter node and the panels find it."""
    widget.objectName = name
    if parameter:
        widget.setProperty(PARAMETER, parameter)
    setattr(ui, name, widget)
    return widget
