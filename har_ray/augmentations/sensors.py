"""What an augmentation knows of the channels of windows."""

from typing import NamedTuple

from torch import Tensor

from har_ray.data import sensors


class Sensors(NamedTuple):
    """Channels of windows, by name in order; `std` float32 (C,), their spread over the training windows."""

    channels: tuple[str, ...]
    std: Tensor

    @property
    def groups(self) -> list[list[int]]:
        """The channels of each sensor: x, y, z of one with three axes, or one by itself."""
        return sensors.groups(self.channels)

    @property
    def placements(self) -> list[list[list[int]]]:
        """The sensors with three axes at each placement, which turn together."""
        return [list(placement.values()) for placement in sensors.placements(self.channels)]
