"""A device that sits at another angle: Um et al. 2017, https://arxiv.org/abs/1706.00527."""

import math

import torch
from torch import Tensor

from har_ray.augmentations import AUGMENTATIONS, Augmentation
from har_ray.augmentations.sensors import Sensors

AXES = ("any", "x", "y", "z")


@AUGMENTATIONS.register("rotation")
class Rotation(Augmentation):
    """Turns all sensors of a placement by the same random rotation, which is another for each window.

    Args:
        degrees: standard deviation of the rotation vector in each direction.
        axis: the axis of the device to turn about, such as that of the strap; `any`: about every one.

    Raises:
        ValueError: an argument is out of its range.
    """

    def __init__(self, degrees: float = 20.0, axis: str = "any") -> None:
        if not 0 <= degrees <= 180:
            raise ValueError(f"degrees {degrees:g} is not from 0 to 180")
        if axis not in AXES:
            raise ValueError(f"axis {axis!r} is none of {', '.join(AXES)}")
        self.radians, self.axis = math.radians(degrees), axis

    def __call__(self, x: Tensor, sensors: Sensors, generator: torch.Generator) -> Tensor:
        placements = sensors.placements
        if not placements:
            named = ", ".join(sensors.channels)
            raise ValueError(f"needs sensors with three axes, named like acc_x, acc_y, acc_z; found {named}")
        turned = x.clone()
        for placement in placements:
            rotations = self._rotations(len(x), generator)
            for axes in placement:
                turned[:, :, axes] = x[:, :, axes] @ rotations.transpose(1, 2)
        return turned

    def _rotations(self, count: int, generator: torch.Generator) -> Tensor:
        """Random rotation matrices (count, 3, 3): of rotation vectors, whose length is the angle."""
        vectors = self.radians * torch.randn(count, 3, generator=generator)
        if self.axis != "any":
            vectors = vectors * torch.tensor([float(axis == self.axis) for axis in "xyz"])
        a, b, c = vectors.unbind(dim=1)
        zero = torch.zeros(count)
        crosses = torch.stack([zero, -c, b, c, zero, -a, -b, a, zero], dim=1).view(count, 3, 3)
        return torch.as_tensor(torch.linalg.matrix_exp(crosses))
