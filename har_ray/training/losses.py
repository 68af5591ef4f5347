"""The losses: cross-entropy, response distillation, attention transfer.

    α·CE + (1-α)·T²·KL(teacher ‖ student) + β·(L_CA + L_SA)

Response distillation: Hinton, Vinyals, Dean 2015 (https://arxiv.org/abs/1503.02531), both distributions softened by T.
Attention transfer: mean squared differences of the channel and of the spatial attention maps, as in Agac and Durmaz
Incel 2024 (doi 10.1109/IE61493.2024.10599908). Where student and teacher differ in filters, the student's channel map
is first projected to the teacher's width by a linear layer that is trained along and left behind.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from har_ray.models.attention import Maps


class Taught(NamedTuple):
    """A teacher's output on windows: logits (B, K) and attention maps, `channel` (B, F) and `spatial` (B, T', C)."""

    logits: Tensor
    maps: Maps


class Losses(NamedTuple):
    """Per window, (B,); a part that the cell does not have is 0."""

    total: Tensor
    cross_entropy: Tensor
    distillation: Tensor
    attention_transfer: Tensor


def distillation(student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """T²·KL(teacher ‖ student) of softened distributions; logits (B, K) → (B,)."""
    log_student = F.log_softmax(student / temperature, dim=1)
    log_teacher = F.log_softmax(teacher / temperature, dim=1)
    return temperature**2 * F.kl_div(log_student, log_teacher, reduction="none", log_target=True).sum(dim=1)


def attention_transfer(student: Maps, teacher: Maps, projection: nn.Module) -> Tensor:
    """Mean squared differences of the maps, summed over the kinds; (B,)."""
    differences = []
    for kind, wanted in teacher.items():
        found = projection(student[kind]) if kind == "channel" else student[kind]
        differences.append((found - wanted).square().flatten(1).mean(dim=1))
    return torch.stack(differences).sum(dim=0)


class Objective(nn.Module):
    """What a cell minimises. Holds the projection, so its parameters belong into the optimiser beside the student's.

    Args:
        temperature, alpha: of the distillation; None for none.
        beta: weight of the attention transfer; None for none.
        widths: filters of student and teacher, needed with `beta`.
    """

    def __init__(
        self,
        temperature: float | None = None,
        alpha: float | None = None,
        beta: float | None = None,
        widths: tuple[int, int] = (1, 1),
    ) -> None:
        super().__init__()
        self.temperature, self.alpha, self.beta = temperature, alpha, beta
        student, teacher = widths
        needs = beta is not None and student != teacher
        self.projection: nn.Module = nn.Linear(student, teacher) if needs else nn.Identity()

    def forward(self, logits: Tensor, maps: Maps, y: Tensor, taught: Taught | None) -> Losses:
        """logits (B, K), maps of the student, labels (B,), the teacher's output on the same windows → (B,) each."""
        total = cross_entropy = F.cross_entropy(logits, y, reduction="none")
        distilled = transferred = torch.zeros_like(total)
        if taught is not None and self.alpha is not None and self.temperature is not None:
            distilled = distillation(logits, taught.logits, self.temperature)
            total = self.alpha * cross_entropy + (1 - self.alpha) * distilled
        if taught is not None and self.beta is not None:
            transferred = attention_transfer(maps, taught.maps, self.projection)
            total = total + self.beta * transferred
        return Losses(total, cross_entropy, distilled, transferred)
