"""A movement that is faster here and slower there: Um et al. 2017, https://arxiv.org/abs/1706.00527."""

import torch
from torch import Tensor

from har_ray.augmentations import AUGMENTATIONS
from har_ray.augmentations.curves import Curved, curves
from har_ray.augmentations.sensors import Sensors

SLOWEST = 0.1
"""Time never stands still or runs backwards."""


@AUGMENTATIONS.register("time-warp")
class TimeWarp(Curved):
    """Reads each window at a speed that is a smooth random curve, all its channels at the same; both ends stay.

    Only when a sample is taken changes, not its value: that a faster movement accelerates more is not modelled.
    """

    def __call__(self, x: Tensor, sensors: Sensors, generator: torch.Generator) -> Tensor:
        count, length, _ = x.shape
        speed = curves(count, length, self.sd, self.knots, generator).clamp(min=SLOWEST)
        passed = torch.cumsum((speed[:, 1:] + speed[:, :-1]) / 2, dim=1)
        moments = torch.cat([torch.zeros(count, 1), passed / passed[:, -1:] * (length - 1)], dim=1)
        return _read(x, moments)


def _read(x: Tensor, moments: Tensor) -> Tensor:
    """Windows (N, T, C) at moments (N, T') of 0 to T-1, between samples on a straight line."""
    before = moments.floor().clamp(max=x.shape[1] - 2).long()
    share = (moments - before).unsqueeze(2)
    first, second = (x.gather(1, index.unsqueeze(2).expand(-1, -1, x.shape[2])) for index in (before, before + 1))
    return first + share * (second - first)
