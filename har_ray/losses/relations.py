"""Distillation of relations, DIST: Huang et al. 2022, "Knowledge Distillation from A Stronger Teacher",
https://arxiv.org/abs/2205.10536.

A student much smaller than its teacher can't match probabilities, but it can rank like the teacher: what is compared
are correlations, between the classes of a window, and between the windows of a batch for each class.
"""

from collections.abc import Callable
from typing import ClassVar

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.nn import functional as between_ranks

from har_ray.losses import LOSSES, Loss
from har_ray.models.architectures import Outputs

TINY = 1e-12
"""Beside the product of two sums of squares, so that a constant has correlation 0, not that of its rounding errors."""


@LOSSES.register("relational-distillation")
class RelationalDistillation(Loss):
    """T²·(inter·(1 - r over the classes of a window) + intra·(1 - r over the windows of a batch, mean over classes)).

    r is Pearson's correlation of the student's and the teacher's probabilities, softened by T. The batch is the global
    one: ranks that share it add up what a correlation is made of, so that their number does not change the curve.

    Args:
        temperature: T, above 0.
        inter, intra: β and γ of the paper, 0 or above.
        weight: of both beside the cross-entropy.

    Raises:
        ValueError: an argument is out of its range.
    """

    needs_teacher: ClassVar[bool] = True

    def __init__(self, temperature: float, inter: float = 1.0, intra: float = 1.0, weight: float = 1.0) -> None:
        if not temperature > 0:
            raise ValueError(f"temperature {temperature:g} is not above 0")
        if not (inter >= 0 and intra >= 0):
            raise ValueError(f"inter {inter:g} or intra {intra:g} is below 0")
        super().__init__(weight)
        self.temperature, self.inter, self.intra = temperature, inter, intra

    def forward(self, student: Outputs, y: Tensor, teacher: Outputs | None) -> Tensor:
        assert teacher is not None, "needs_teacher"
        ours, theirs = (torch.softmax(one.logits.float() / self.temperature, dim=1) for one in (student, teacher))
        inter = 1 - correlation(ours, theirs, dim=1)
        intra = 1 - correlation(ours, theirs, dim=0, total=_of_all_ranks).mean()
        return self.temperature**2 * (self.inter * inter + self.intra * intra)


def correlation(a: Tensor, b: Tensor, dim: int, total: Callable[[Tensor], Tensor] = lambda part: part) -> Tensor:
    """Pearson's r along `dim`; 0 where one of the two is constant. `total` adds up what other ranks have."""

    def summed(values: Tensor) -> Tensor:
        return total(values.sum(dim, keepdim=True))

    count = summed(torch.ones_like(a))
    a, b = a - summed(a) / count, b - summed(b) / count
    return (summed(a * b) / (summed(a * a) * summed(b * b) + TINY).sqrt()).squeeze(dim)


def _of_all_ranks(part: Tensor) -> Tensor:
    """Added up over the ranks, with a gradient."""
    if not dist.is_initialized():
        return part
    return torch.as_tensor(between_ranks.all_reduce(part))  # type: ignore[no-untyped-call]
