"""Cross-entropy with the labels, in every cell; a variant may give it options by naming it among its losses."""

from typing import Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor

from har_ray.losses import LOSSES, Loss
from har_ray.models.architectures import Outputs
from har_ray.variants import CROSS_ENTROPY

ClassWeights = Literal["none", "sqrt", "balanced"]


@LOSSES.register(CROSS_ENTROPY)
class CrossEntropy(Loss):
    """-log p(label), of a label that may be smoothed, weighed by its class.

    Args:
        label_smoothing: the part of a label that is shared out among all classes, 0 to 1: Szegedy et al. 2016, section
            7 (https://arxiv.org/abs/1512.00567).
        class_weights: `balanced`: the inverse of a class's share of the training windows, so that each class counts the
            same; `sqrt`: the root of that, half the way; `none`. Their mean over the training windows is 1.

    Raises:
        ValueError: an argument is out of its range.
    """

    def __init__(self, label_smoothing: float = 0.0, class_weights: str = "none") -> None:
        if not 0 <= label_smoothing < 1:
            raise ValueError(f"label_smoothing {label_smoothing:g} is not from 0 to below 1")
        if class_weights not in get_args(ClassWeights):
            known = ", ".join(get_args(ClassWeights))
            raise ValueError(f"class_weights {class_weights!r} is none of {known}")
        super().__init__()
        self.label_smoothing, self.class_weights = label_smoothing, class_weights
        self.register_buffer("weights", None)

    def bind(self, student: Outputs, teacher: Outputs | None, y: Tensor) -> None:
        if self.class_weights == "none":
            return
        counts = torch.bincount(y, minlength=student.logits.shape[1]).double()
        rare = counts.clamp(min=1) ** {"sqrt": -0.5, "balanced": -1.0}[self.class_weights]
        self.weights = (rare * len(y) / (rare * counts).sum()).float()

    def forward(self, student: Outputs, y: Tensor, teacher: Outputs | None) -> Tensor:
        loss = F.cross_entropy(student.logits, y, reduction="none", label_smoothing=self.label_smoothing)
        return loss if self.weights is None else loss * self.weights[y]
