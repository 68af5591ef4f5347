"""Which channels belong together, by their names: the axes of a sensor, the sensors of a placement."""

import re
from typing import NamedTuple

from torch import Tensor

AXIS = re.compile(r"(?P<sensor>.*?)[\s_.-]*(?P<axis>[xyz])", re.IGNORECASE)
QUANTITY = {
    "a", "acc", "accel", "acceleration", "accelerometer", "g", "gyr", "gyro", "gyroscope", "m", "mag", "magnetometer",
    "magnetic", "lin", "linear", "user", "rotation", "rate", "angular", "velocity", "field", "gravity",
}  # fmt: skip
"""Words of a channel's name that say what is measured, not where."""


class Sensors(NamedTuple):
    """Channels of windows, by name in order; `std` float32 (C,), their spread over the training windows.

    Example:
        >>> sensors = Sensors(("wrist_acc_x", "wrist_acc_y", "wrist_acc_z", "light"), torch.ones(4))
        >>> sensors.groups, sensors.placements
        ([[0, 1, 2], [3]], [[[0, 1, 2]]])
    """

    channels: tuple[str, ...]
    std: Tensor

    @property
    def groups(self) -> list[list[int]]:
        """The channels of each sensor: the three axes of one that has them, in the order x, y, z, or one by itself."""
        axes = self._axes()
        threes = {number for three in axes.values() for number in three}
        return [*axes.values(), *([number] for number in range(len(self.channels)) if number not in threes)]

    @property
    def placements(self) -> list[list[list[int]]]:
        """The sensors with three axes at each placement, which turn together."""
        found: dict[tuple[str, ...], list[list[int]]] = {}
        for sensor, three in self._axes().items():
            words = re.split(r"[\s_.-]+|(?<=[a-z])(?=[A-Z])", sensor)
            found.setdefault(tuple(word for word in map(str.casefold, words) if word not in QUANTITY), []).append(three)
        return list(found.values())

    def _axes(self) -> dict[str, list[int]]:
        """Sensor → its x, y and z, of those that have all three."""
        found: dict[str, dict[str, int]] = {}
        for number, channel in enumerate(self.channels):
            if named := AXIS.fullmatch(channel):
                found.setdefault(named["sensor"], {})[named["axis"].casefold()] = number
        return {sensor: [axes[axis] for axis in "xyz"] for sensor, axes in found.items() if len(axes) == 3}
