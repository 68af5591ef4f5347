"""An MLP with one hidden layer on five simple features of each sensor channel.

What a random forest sees of a window (mean, spread, range, how fast it changes) and two matrix products, without
recurrent state. These products alone count as multiply-adds, by the convention of `har_ray/models/cost.py`; the
features take five additions or comparisons and a multiplication of every sample besides. Such features are the classic
of activity recognition: Bao and Intille 2004, https://doi.org/10.1007/978-3-540-24646-6_1.
"""

from typing import ClassVar

import torch
from torch import Tensor, nn

from har_ray.models.architectures import ARCHITECTURES
from har_ray.models.features import FeatureLayer


@ARCHITECTURES.register("feature-mlp")
class FeatureMLP(nn.Module):
    """Windows (B, T, C) → logits (B, K).

    Args:
        window: T, time steps.
        channels: C, sensor channels.
        classes: K.
        hidden: units of the hidden layer.
        dropout: of the hidden units.
    """

    min_window: ClassVar[int] = 2

    def __init__(self, window: int, channels: int, classes: int, hidden: int = 24, dropout: float = 0.3) -> None:
        super().__init__()
        self.hidden = FeatureLayer(channels, hidden)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(hidden, classes)

    def forward(self, x: Tensor) -> Tensor:
        return torch.as_tensor(self.head(self.dropout(self.hidden(x))))

    def closed_form_macs(self, shape: tuple[int, int]) -> int:
        """The multiply-adds of one window by formula: those of the two matrix products."""
        return self.hidden.macs + self.head.in_features * self.head.out_features
