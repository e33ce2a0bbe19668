"""What all sections have in common: they are told when to draw, and draw from state alone."""

from __future__ import annotations


class Panel:
    """One section of the module's panel.

    Parameters
    ----------
    ui
        The widgets of the .ui by their object names.
    host : CTCounterfactualWidget
        Offers `logic`, `machine` (the state), `parameterNode` (or None), `job` (or None), `shown`
        (what the results show, or None), `show(shown)`, and the panels `messages`, `results`,
        `session`, `compare`, `input`, `run`, `run_on`, `export`, `models` and `maintenance`.
    """

    def __init__(self, ui, host):
        self.ui = ui
        self.host = host
        self.setup()

    def setup(self) -> None:
        """Connect signals and fill what never changes; called once."""

    def connected(self) -> None:
        """Adjust controls that were just connected to a parameter node."""

    def enter(self) -> None:
        """Look again at what may have changed while another module was open."""

    def refresh(self) -> None:
        """Draw what is so now; called on every change, so it does nothing that takes time."""

    def cleanup(self) -> None:
        """Let go of timers and the like."""
