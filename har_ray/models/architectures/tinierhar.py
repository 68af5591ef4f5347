"""TinierHAR, the small network to compare with: Bian et al. 2025, https://arxiv.org/abs/2507.07949.

Residual depthwise-separable convolutions along time, of each sensor channel by itself; two of them halve the time
steps. Filters and sensor channels together are the features of a bidirectional GRU, whose outputs are added up by
attention over time. Sizes are those of the paper's runs (4 filters, 16 units); with 4 more blocks the network has 7,252
parameters for 6 channels and 5 classes, as in the table of WHAR Arena (https://arxiv.org/abs/2606.13194: 7.3 thousand).
"""

from typing import ClassVar

import torch
from torch import Tensor, nn

from har_ray.models.architectures import ARCHITECTURES

KERNEL = (5, 1)
HALF = (2, 1)
"""Kernels over time steps and sensor channels."""


class Block(nn.Module):
    """(B, F, T, C) → (B, F', T or T / 2, C): what a depthwise-separable convolution adds to its input."""

    def __init__(self, inputs: int, outputs: int, halve: bool) -> None:
        super().__init__()
        halved = [nn.MaxPool2d(HALF)] if halve else []
        self.convolution = nn.Sequential(
            nn.Conv2d(inputs, inputs, KERNEL, padding="same", groups=inputs),
            nn.Conv2d(inputs, outputs, 1),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
            *halved,
        )
        widened = [nn.Conv2d(inputs, outputs, 1), nn.BatchNorm2d(outputs)] if inputs != outputs else []
        self.shortcut = nn.Sequential(*widened, *halved)

    def forward(self, x: Tensor) -> Tensor:
        return torch.as_tensor(self.convolution(x) + self.shortcut(x))


@ARCHITECTURES.register("tinierhar")
class TinierHAR(nn.Module):
    """Windows (B, T, C) → logits (B, K).

    Args:
        window: T, time steps.
        channels: C, sensor channels.
        classes: K.
        filters: of the first block; the others have twice as many.
        blocks: after the two that halve the time steps.
        units: of the GRU, in each direction.
        dropout: of the GRU's input.
    """

    min_window: ClassVar[int] = HALF[0] ** 2

    def __init__(
        self,
        window: int,
        channels: int,
        classes: int,
        filters: int = 4,
        blocks: int = 4,
        units: int = 16,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        wide = 2 * filters
        self.blocks = nn.Sequential(
            Block(1, filters, halve=True),
            Block(filters, wide, halve=True),
            *(Block(wide, wide, halve=False) for _ in range(blocks)),
        )
        self.dropout = nn.Dropout(dropout)
        self.gru = nn.GRU(wide * channels, units, batch_first=True, bidirectional=True)
        self.score = nn.Linear(2 * units, 1)
        self.head = nn.Linear(2 * units, classes)

    def forward(self, x: Tensor) -> Tensor:
        planes = self.blocks(x.unsqueeze(1))  # (B, F, T / 4, C)
        steps = planes.permute(0, 2, 1, 3).flatten(2)  # (B, T / 4, F·C)
        found = self.gru(self.dropout(steps))[0]
        weights = torch.softmax(self.score(found), dim=1)
        return torch.as_tensor(self.head((weights * found).sum(dim=1)))
