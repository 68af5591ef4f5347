"""A stronger or weaker movement, or another gain: Um et al. 2017, https://arxiv.org/abs/1706.00527."""

import torch
from torch import Tensor

from har_ray.augmentations import AUGMENTATIONS, Augmentation
from har_ray.augmentations.sensors import Sensors


@AUGMENTATIONS.register("scaling")
class Scaling(Augmentation):
    """Multiplies each sensor of a window by a number of its own, the axes of a sensor by the same one.

    Args:
        sd: standard deviation of the numbers, whose mean is 1.

    Raises:
        ValueError: it is below 0.
    """

    def __init__(self, sd: float = 0.1) -> None:
        if not sd >= 0:
            raise ValueError(f"sd {sd:g} is below 0")
        self.sd = sd

    def __call__(self, x: Tensor, sensors: Sensors, generator: torch.Generator) -> Tensor:
        factors = torch.ones(len(x), 1, x.shape[2])
        for group in sensors.groups:
            factors[:, :, group] += self.sd * torch.randn(len(x), 1, 1, generator=generator)
        return x * factors
