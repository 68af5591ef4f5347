"""A movement whose strength changes within the window: Um et al. 2017, https://arxiv.org/abs/1706.00527."""

import torch
from torch import Tensor

from har_ray.augmentations import AUGMENTATIONS
from har_ray.augmentations.curves import Curved, curves
from har_ray.augmentations.sensors import Sensors


@AUGMENTATIONS.register("magnitude-warp")
class MagnitudeWarp(Curved):
    """Multiplies each sensor of a window by a smooth random curve, the axes of a sensor by the same one."""

    def __call__(self, x: Tensor, sensors: Sensors, generator: torch.Generator) -> Tensor:
        factors = torch.empty_like(x)
        for group in sensors.groups:
            factors[:, :, group] = curves(len(x), x.shape[1], self.sd, self.knots, generator).unsqueeze(2)
        return x * factors
