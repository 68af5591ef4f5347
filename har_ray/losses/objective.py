"""What a cell minimises: the weighted sum of its losses.

(Π label weights)·CE + Σ weight·term, e.g. α·CE + (1-α)·distillation + β·attention transfer
"""

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from har_ray.errors import ExtensionError
from har_ray.losses import LOSSES, Loss
from har_ray.models.architectures import Outputs
from har_ray.registry import column_name, describe
from har_ray.variants import CROSS_ENTROPY

LossConfigs = Mapping[str, Mapping[str, Any]]
"""A cell's losses: name → options; the cross-entropy is among them only where it has any."""


class Objective(nn.Module):
    """All losses of a cell. What they train beside the network belongs in the optimiser alongside it."""

    def __init__(self, losses: LossConfigs) -> None:
        super().__init__()
        given: dict[str, Mapping[str, Any]] = {CROSS_ENTROPY: {}, **losses}
        self.names = [CROSS_ENTROPY, *(name for name in given if name != CROSS_ENTROPY)]
        self.terms = nn.ModuleList(LOSSES.make(name, given[name]) for name in self.names)

    def bind(self, student: Outputs, teacher: Outputs | None, y: Tensor) -> None:
        """See `Loss.bind`."""
        for term in self.losses:
            term.bind(student, teacher, y)

    def diagnostics(self, student: Outputs, y: Tensor, teacher: Outputs | None) -> dict[str, float]:
        """What the losses say of all validation windows, by column; see `Loss.diagnostics`.

        Raises:
            ExtensionError: a loss raises an error.
        """
        found: dict[str, float] = {}
        for name, term in zip(self.names, self.losses, strict=True):
            try:
                said = term.diagnostics(student, y, teacher)
            except Exception as error:
                raise ExtensionError(f"{name}: {describe(error)}") from error
            found |= {column_name(name, key): value for key, value in said.items()}
        return found

    @property
    def losses(self) -> list[Loss]:
        return [term for term in self.terms if isinstance(term, Loss)]

    def forward(self, student: Outputs, y: Tensor, teacher: Outputs | None) -> Tensor:
        """(1 + losses, B): the total, then each loss by itself in the order of `names`.

        Raises:
            ExtensionError: a loss raises an error or is not (B,).
        """
        values = [self._value(number, student, y, teacher) for number in range(len(self.names))]
        label_weight = math.prod(term.label_weight for term in self.losses)
        total = label_weight * values[0]
        for term, value in zip(self.losses[1:], values[1:], strict=True):
            total = total + term.weight * value
        return torch.stack([total, *values])

    def _value(self, number: int, student: Outputs, y: Tensor, teacher: Outputs | None) -> Tensor:
        name = self.names[number]
        try:
            value: Tensor = self.terms[number](student, y, teacher)
        except Exception as error:
            raise ExtensionError(f"{name}: {describe(error)}") from error
        if value.shape != y.shape:
            raise ExtensionError(f"{name}: gave {list(value.shape)} for {len(y)} windows, expected one value for each")
        return value
