"""All sections of the panel, in the order in which they draw; a new one is a line here."""

from __future__ import annotations

from .animation import AnimationPanel
from .cohort import CohortPanel
from .compare import ComparePanel
from .export import ExportPanel
from .input import InputPanel
from .maintenance import MaintenancePanel
from .measure import MeasurePanel
from .messages import MessagesPanel
from .method import MethodPanel
from .models import ModelsPanel
from .panel import Panel
from .results import ResultsPanel
from .run import RunPanel
from .run_on import RunOnPanel
from .says import SaysPanel
from .session import SessionPanel
from .settings import SettingsPanel
from .threshold import ThresholdPanel
from .trust import TrustPanel

# Section, and the name by which the others reach it, if they do: `host.results`.
SECTIONS: tuple[tuple[type[Panel], str], ...] = (
    (MessagesPanel, "messages"),
    (InputPanel, "input"),
    (MethodPanel, ""),
    (SettingsPanel, ""),
    (RunOnPanel, "run_on"),
    (RunPanel, "run"),
    (ResultsPanel, "results"),
    (SaysPanel, ""),
    (SessionPanel, "session"),
    (ComparePanel, "compare"),
    (ThresholdPanel, ""),
    (AnimationPanel, ""),
    (TrustPanel, ""),
    (MeasurePanel, ""),
    (ExportPanel, "export"),
    (CohortPanel, ""),
    (ModelsPanel, "models"),
    (MaintenancePanel, "maintenance"),
)


def make_sections(ui, host) -> tuple[Panel, ...]:
    """Make all sections, first those that others reach by a name of the host's."""
    made: dict[type[Panel], Panel] = {}
    for section, name in sorted(SECTIONS, key=lambda each: not each[1]):
        made[section] = section(ui, host)
        if name:
            setattr(host, name, made[section])
    return tuple(made[section] for section, _ in SECTIONS)
