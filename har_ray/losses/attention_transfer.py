"""Attention transfer: β times the mean squared differences of the channel and of the spatial attention maps.

As in Agac and Durmaz Incel 2024 (doi 10.1109/IE61493.2024.10599908). Where student and teacher differ in filters, the
student's channel map is first projected to the teacher's width by a linear layer, trained jointly, then discarded.
"""

from typing import ClassVar

import torch
from torch import Tensor, nn

from har_ray.losses import LOSSES, Loss
from har_ray.models.architectures import Outputs


@LOSSES.register("attention-transfer")
class AttentionTransfer(Loss):
    """Mean squared differences of the maps, summed over the maps.

    Args:
        beta: β, above 0.

    Raises:
        ValueError: β is not above 0.
    """

    needs_teacher: ClassVar[bool] = True
    needs_maps: ClassVar[bool] = True

    def __init__(self, beta: float) -> None:
        if not beta > 0:
            raise ValueError(f"beta {beta:g} is not above 0")
        super().__init__(weight=beta)
        self.projection: nn.Module = nn.Identity()

    def bind(self, student: Outputs, teacher: Outputs | None) -> None:
        if teacher is not None and "channel" in teacher.maps:
            found, wanted = student.maps["channel"].shape[1], teacher.maps["channel"].shape[1]
            if found != wanted:
                self.projection = nn.Linear(found, wanted)

    def forward(self, student: Outputs, y: Tensor, teacher: Outputs | None) -> Tensor:
        assert teacher is not None, "needs_teacher"
        differences = []
        for name, wanted in teacher.maps.items():
            found = self.projection(student.maps[name]) if name == "channel" else student.maps[name]
            differences.append((found - wanted).square().flatten(1).mean(dim=1))
        return torch.stack(differences).sum(dim=0)
