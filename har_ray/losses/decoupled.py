"""Decoupled distillation: Zhao et al. 2022, "Decoupled Knowledge Distillation", https://arxiv.org/abs/2203.08679.

The distillation of Hinton et al. is the sum of two terms, of which the second is multiplied with how unsure the teacher
is of the label, so that a sure teacher teaches little (equation 7). Here each has a weight of its own.
"""

from typing import ClassVar

import torch.nn.functional as F
from torch import Tensor

from har_ray.losses import LOSSES, Loss
from har_ray.models.architectures import Outputs


@LOSSES.register("decoupled-distillation")
class DecoupledDistillation(Loss):
    """T²·(target·KL of "the label, or not" + non_target·KL among the other classes), teacher ‖ student.

    Args:
        temperature: T, above 0.
        target: α of the paper, 0 or above.
        non_target: β of the paper, 0 or above.
        weight: of both beside the cross-entropy.

    Raises:
        ValueError: an argument is out of its range.
    """

    needs_teacher: ClassVar[bool] = True

    def __init__(self, temperature: float, target: float = 1.0, non_target: float = 8.0, weight: float = 1.0) -> None:
        if not temperature > 0:
            raise ValueError(f"temperature {temperature:g} is not above 0")
        if not (target >= 0 and non_target >= 0):
            raise ValueError(f"target {target:g} or non_target {non_target:g} is below 0")
        super().__init__(weight)
        self.temperature, self.target, self.non_target = temperature, target, non_target

    def forward(self, student: Outputs, y: Tensor, teacher: Outputs | None) -> Tensor:
        assert teacher is not None, "needs_teacher"
        (ours, others), (theirs, their_others) = (
            _decoupled(logits / self.temperature, y) for logits in (student.logits, teacher.logits)
        )
        target, non_target = (
            F.kl_div(found, wanted, reduction="none", log_target=True).sum(dim=1)
            for found, wanted in ((ours, theirs), (others, their_others))
        )
        return self.temperature**2 * (self.target * target + self.non_target * non_target)


def _decoupled(logits: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Log-probabilities of the label and of all others together (B, 2), and of each other if it is one (B, K-1)."""
    labelled = F.one_hot(y, logits.shape[1]).bool()
    true, others = logits[labelled].unsqueeze(1), logits[~labelled].view(len(y), -1)
    return F.log_softmax(_pair(true, others), dim=1), F.log_softmax(others, dim=1)


def _pair(true: Tensor, others: Tensor) -> Tensor:
    """Logits of "the label" and "another class" (B, 2)."""
    return F.pad(true, (0, 1)) + F.pad(others.logsumexp(dim=1, keepdim=True), (1, 0))
