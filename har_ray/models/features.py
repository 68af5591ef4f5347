"""Simple features of a window, each of one sensor channel by itself: what trees and the small MLP see of it."""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

FEATURES: dict[str, Callable[[Tensor], Tensor]] = {
    "mean": lambda x: x.mean(dim=1),
    "sd": lambda x: x.std(dim=1, correction=0),
    "minimum": lambda x: x.amin(dim=1),
    "maximum": lambda x: x.amax(dim=1),
    "median": lambda x: x.median(dim=1).values,
    "rms": lambda x: x.square().mean(dim=1).sqrt(),
    "change": lambda x: x.diff(dim=1).abs().mean(dim=1),
}
"""By name, windows (B, T, C) → (B, C); `sd` is the standard deviation, `rms` the root mean square, `change` the mean
absolute difference between neighbouring samples."""


def features(x: Tensor, names: Iterable[str] = tuple(FEATURES)) -> Tensor:
    """Windows (B, T, C) → (B, len(names)·C), the channels of the first feature first."""
    return torch.cat([FEATURES[name](x) for name in names], dim=1)


USED = ("mean", "sd", "minimum", "maximum", "change")
"""By networks: sums and extremes, which a microcontroller keeps up sample by sample; a median is not."""


class FeatureLayer(nn.Sequential):
    """Windows (B, T, C) → (B, units): the features `USED`, brought to one scale, and a hidden layer on them."""

    def __init__(self, channels: int, units: int) -> None:
        count = len(USED) * channels
        super().__init__(
            nn.BatchNorm1d(count, affine=False),  # the next layer has weights of its own
            nn.Linear(count, units, bias=False),
            nn.BatchNorm1d(units),
            nn.ReLU(),
        )
        self.macs = count * units
        """Of its matrix product."""

    def forward(self, x: Tensor) -> Tensor:
        found = features(x, USED)
        for layer in self:
            found = layer(found)
        return found
