"""Noise of the sensor: Um et al. 2017, https://arxiv.org/abs/1706.00527."""

import torch
from torch import Tensor

from har_ray.augmentations import AUGMENTATIONS, Augmentation
from har_ray.augmentations.sensors import Sensors


@AUGMENTATIONS.register("jitter")
class Jitter(Augmentation):
    """Adds normal noise to every sample.

    Args:
        sd: its standard deviation, in those of the channels over the training windows.

    Raises:
        ValueError: it is below 0.
    """

    def __init__(self, sd: float = 0.05) -> None:
        if not sd >= 0:
            raise ValueError(f"sd {sd:g} is below 0")
        self.sd = sd

    def __call__(self, x: Tensor, sensors: Sensors, generator: torch.Generator) -> Tensor:
        return x + self.sd * sensors.std * torch.randn(x.shape, generator=generator)
