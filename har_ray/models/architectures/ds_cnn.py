"""A depthwise-separable CNN over time that ends in pooling, in attention over time or in a small GRU.

Depthwise-separable convolutions: Howard et al. 2017 (MobileNets, https://arxiv.org/abs/1704.04861); DS-CNN is the name
of such a network for microcontrollers in Zhang et al. 2017 (Hello Edge, https://arxiv.org/abs/1711.07128). Here the
convolutions run along time and every sensor channel is an input channel of the first, so that the cost hardly grows
with the number of sensors. Ending in `pool` or `attention` it needs no recurrent state on the watch.
"""

from typing import ClassVar, Literal, get_args

import torch
from torch import Tensor, nn

from har_ray.models.architectures import ARCHITECTURES
from har_ray.models.features import FeatureLayer

End = Literal["pool", "attention", "gru"]
KERNEL = 5


class Convolution(nn.Sequential):
    """(B, F, T) → (B, F', T / stride): convolution, batch normalisation, ReLU."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__(
            nn.Conv1d(inputs, outputs, kernel, stride, padding=kernel // 2, groups=groups, bias=False),
            nn.BatchNorm1d(outputs),
            nn.ReLU(),
        )


class MeanAndMax(nn.Module):
    """(B, F, T) → (B, 2·F): over time."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x.mean(dim=2), x.amax(dim=2)], dim=1)


class AttentionOverTime(nn.Module):
    """(B, F, T) → (B, F): the mean over time, each step weighed by a softmax of its linear score."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.score = nn.Linear(features, 1)

    def forward(self, x: Tensor) -> Tensor:
        weights = torch.softmax(self.score(x.transpose(1, 2)), dim=1)  # (B, T, 1)
        return (weights * x.transpose(1, 2)).sum(dim=1)


class LastOfGRU(nn.Module):
    """(B, F, T) → (B, units): a GRU's output at the last step."""

    def __init__(self, features: int, units: int) -> None:
        super().__init__()
        self.gru = nn.GRU(features, units, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        return torch.as_tensor(self.gru(x.transpose(1, 2))[0][:, -1])


@ARCHITECTURES.register("ds-cnn")
class DSCNN(nn.Module):
    """Windows (B, T, C) → logits (B, K).

    Args:
        window: T, time steps.
        channels: C, sensor channels.
        classes: K.
        width: filters of every convolution.
        blocks: depthwise-separable blocks after the first convolution.
        stride: of the first convolution, by which everything after it costs less.
        end: `pool` (mean and maximum over time), `attention` (over time) or `gru`.
        units: of the GRU, where that is the end.
        features: units of a hidden layer on simple features of the window, see `har_ray.models.features`, which the
            head sees beside the end; 0: none.

    Raises:
        ValueError: `end` is none of these.
    """

    min_window: ClassVar[int] = KERNEL

    def __init__(
        self,
        window: int,
        channels: int,
        classes: int,
        width: int = 24,
        blocks: int = 3,
        stride: int = 2,
        end: End = "pool",
        units: int = 16,
        features: int = 0,
    ) -> None:
        super().__init__()
        if end not in get_args(End):
            raise ValueError(f"end {end!r} is none of {', '.join(get_args(End))}")
        self.width, self.blocks, self.stride, self.end = width, blocks, stride, end
        self.stem = Convolution(channels, width, KERNEL, stride)
        self.body = nn.Sequential(
            *(
                layer
                for _ in range(blocks)
                for layer in (Convolution(width, width, KERNEL, groups=width), Convolution(width, width, 1))
            )
        )
        self.over_time: nn.Module
        if end == "pool":
            self.over_time, self.ends = MeanAndMax(), 2 * width
        elif end == "attention":
            self.over_time, self.ends = AttentionOverTime(width), width
        else:
            self.over_time, self.ends = LastOfGRU(width, units), units
        self.beside = FeatureLayer(channels, features) if features else None
        self.head = nn.Linear(self.ends + features, classes)

    def forward(self, x: Tensor) -> Tensor:
        found = self.over_time(self.body(self.stem(x.transpose(1, 2))))
        if self.beside is not None:
            found = torch.cat([found, self.beside(x)], dim=1)
        return torch.as_tensor(self.head(found))

    def closed_form_macs(self, shape: tuple[int, int]) -> int:
        """The multiply-adds of one window of `shape` (T, C) by formula."""
        window, channels = shape
        steps = -(-window // self.stride)
        stem = channels * KERNEL * self.width
        block = self.width * KERNEL + self.width**2
        end = {"pool": 0, "attention": self.width, "gru": 3 * self.ends * (self.width + self.ends)}[self.end]
        beside = 0 if self.beside is None else self.beside.macs
        return steps * (stem + self.blocks * block + end) + beside + self.head.in_features * self.head.out_features
