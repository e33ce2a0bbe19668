"""From what a user's network returns to one number per volume."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from ...errors import ModelError
from ..files.fields import Table
from ..guarded.calling import describe, tensor_of
from ..targets import PROBABILITY, Target, decision_fault

LOGIT, SCORE, SEGMENTATION = "logit", "score", "segmentation"
KINDS = (LOGIT, PROBABILITY, SCORE, SEGMENTATION)
ACTIVATIONS = ("none", "sigmoid", "softmax")
LITRES, VOXELS = "L", "voxels"
_DECISION = ("threshold", "negatives")
_TARGET_FIELDS = ("name", "unit", "code", "index", *_DECISION)


@dataclass(frozen=True)
class CardTarget(Target):
    """A target of a card.

    Parameters
    ----------
    index : tuple of int
        Outputs (or classes of a segmentation) that are added up after the activation.
    """

    index: tuple[int, ...] = (0,)


@dataclass(frozen=True)
class OutputSpec:
    """What a network returns and how a score is made of it.

    Parameters
    ----------
    kind : str
        `logit`, `probability` or `score`: (N, outputs). `segmentation`: (N, classes, D, H, W).
    activation : str
        Applied to it: `none`, `sigmoid`, or `softmax` over outputs or classes.
    select : int, str or None
        Which item if the network returns a tuple, list or dict.
    """

    kind: str
    activation: str = "none"
    select: int | str | None = None

    @classmethod
    def from_table(cls, values: Any, where: str) -> OutputSpec:
        """Return the spec of a card's table `output`; raise `ModelError` naming what is wrong."""
        table = Table(values, where, cls.__dataclass_fields__)
        kind = table.choice("kind", KINDS)
        activation = table.choice("activation", ACTIVATIONS, "none")
        if kind == PROBABILITY and activation != "none":
            raise table.refuse(
                "activation",
                "none for kind probability; if the network gives logits, say kind logit",
            )
        select = values.get("select")
        if select is not None and (isinstance(select, bool) or not isinstance(select, int | str)):
            raise table.refuse("select", "a number or a name")
        return cls(kind, activation, select)

    @property
    def unit(self) -> str:
        """Unit of the score, unless a target says another."""
        if self.kind == SEGMENTATION:
            return LITRES
        if self.kind == SCORE:
            return ""
        return LOGIT if (self.kind, self.activation) == (LOGIT, "none") else PROBABILITY

    def target(self, values: Any, position: int, where: str) -> CardTarget:
        """Return one target of a card; its index is by default its place in the list."""
        table = Table(values, where, _TARGET_FIELDS)
        listed = isinstance(values.get("index"), list)
        default = self.default_index(position)
        index = (
            table.integers("index", None, least=0)
            if listed
            else (table.integer("index", default, least=0),)
        )
        unit = table.text("unit", self.unit)
        if self.kind == SEGMENTATION and unit not in (LITRES, VOXELS):
            raise table.refuse("unit", f"{LITRES} or {VOXELS} for a segmentation")
        threshold, negatives = (
            table.number(name) if name in values else None for name in _DECISION
        )
        fault = decision_fault(unit, threshold, negatives)
        if fault:
            raise ModelError(f"{where}: {fault}")
        return CardTarget(
            table.text("name"), unit, table.text("code", ""), threshold, negatives, index
        )

    def default_index(self, position: int) -> int:
        """Return the output of a target by position; class 0 of a segmentation is background."""
        return position + 1 if self.kind == SEGMENTATION else position

    def score(self, returned: Any, target: CardTarget, litres: float) -> torch.Tensor:
        """Return the target's score of each volume, (N,).

        Parameters
        ----------
        returned : any
            What the network returned.
        target : CardTarget
            Which score.
        litres : float
            Volume of the whole network input; a segmentation may be coarser than that.

        Raises
        ------
        ModelError
            If it isn't what the card says.
        """
        tensor = self._checked(self._selected(returned))
        if max(target.index) >= tensor.shape[1]:
            raise ModelError(
                f"Target {target.name!r} is output {max(target.index)}, but the network has "
                f"{tensor.shape[1]} outputs (0 to {tensor.shape[1] - 1}); mend `index` in the card."
            )
        if self.kind != SEGMENTATION:  # of few numbers; a probability near 1 keeps its logit
            tensor = tensor.double()
        if self.activation == "sigmoid":
            tensor = torch.sigmoid(tensor)
        elif self.activation == "softmax":
            tensor = torch.softmax(tensor, dim=1)
        chosen = tensor[:, list(target.index)]
        if self.kind != SEGMENTATION:
            return chosen.sum(1)
        # In float64: 1e7 voxels in float32 would lose the change of a few slices.
        voxels = chosen.flatten(1).sum(1, dtype=torch.float64)
        return voxels if target.unit == VOXELS else voxels * (litres / tensor[0, 0].numel())

    def _selected(self, returned: Any) -> Any:
        if self.select is None:
            if isinstance(returned, torch.Tensor):
                return returned
            raise ModelError(
                f"The network returned {describe(returned)}, not a tensor. Say in the card which "
                f"item is the output: `select` in the table `output`."
            )
        try:
            return returned[self.select]
        except (LookupError, TypeError) as error:
            raise ModelError(
                f"The card selects {self.select!r} of the network's output, which is "
                f"{describe(returned)}. Mend `select` in the table `output`."
            ) from error

    def _checked(self, tensor: Any) -> torch.Tensor:
        """Return (N, outputs) or (N, classes, D, H, W)."""
        tensor = tensor_of(tensor, "The network", "scores (N, outputs)")
        if self.kind == SEGMENTATION:
            if tensor.ndim != 5:
                raise ModelError(
                    f"The network returned {tuple(tensor.shape)}; a segmentation is expected as "
                    f"(N, classes, D, H, W)."
                )
            return tensor
        if tensor.ndim == 1:
            return tensor[:, None]
        if tensor.ndim < 1 or tensor.shape[2:].numel() != 1:
            raise ModelError(
                f"The network returned {tuple(tensor.shape)}; kind {self.kind} is expected as "
                f"(N, outputs). Is it a segmentation?"
            )
        return tensor.flatten(1)  # (N, outputs, 1, 1, 1) -> (N, outputs)
