"""Response distillation: Hinton, Vinyals, Dean 2015 (https://arxiv.org/abs/1503.02531).

α·CE + (1-α)·T²·KL(teacher ‖ student), both distributions softened by T
"""

from typing import ClassVar

import torch.nn.functional as F
from torch import Tensor

from har_ray.losses import LOSSES, Loss
from har_ray.models.architectures import Outputs


@LOSSES.register("distillation")
class Distillation(Loss):
    """T²·KL(teacher ‖ student).

    Args:
        temperature: T, above 0.
        alpha: α, the weight of the cross-entropy, 0 to 1; the distillation has the rest.

    Raises:
        ValueError: an argument is out of its range.
    """

    needs_teacher: ClassVar[bool] = True

    def __init__(self, temperature: float, alpha: float) -> None:
        if not temperature > 0:
            raise ValueError(f"temperature {temperature:g} is not above 0")
        if not 0 <= alpha <= 1:
            raise ValueError(f"alpha {alpha:g} is not between 0 and 1")
        super().__init__(weight=1 - alpha)
        self.temperature, self.label_weight = temperature, alpha

    def forward(self, student: Outputs, y: Tensor, teacher: Outputs | None) -> Tensor:
        assert teacher is not None, "needs_teacher"
        log_student = F.log_softmax(student.logits / self.temperature, dim=1)
        log_teacher = F.log_softmax(teacher.logits / self.temperature, dim=1)
        return self.temperature**2 * F.kl_div(log_student, log_teacher, reduction="none", log_target=True).sum(dim=1)
