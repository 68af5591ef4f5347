"""Which channels belong together, by their names: the axes of a sensor, the sensors of a placement."""

import re
from collections.abc import Sequence

AXIS = re.compile(r"(?P<sensor>.*?)[\s_.-]*(?P<axis>[xyz])", re.IGNORECASE)
ACCELEROMETER = {"a", "acc", "accel", "acceleration", "accelerometer"}
WITHOUT_GRAVITY = {"lin", "linear", "user"}
QUANTITY = ACCELEROMETER | WITHOUT_GRAVITY | {
    "g", "gyr", "gyro", "gyroscope", "m", "mag", "magnetometer", "magnetic", "rotation", "rate", "angular", "velocity",
    "field", "gravity",
}  # fmt: skip
"""Words of a channel's name that say what is measured, not where."""


def groups(channels: Sequence[str]) -> list[list[int]]:
    """The channels of each sensor: the three axes of one that has them, in the order x, y, z, or one by itself.

    Example:
        >>> groups(["wrist_acc_x", "wrist_acc_y", "wrist_acc_z", "light"])
        [[0, 1, 2], [3]]
    """
    threes = axes(channels)
    known = {number for three in threes.values() for number in three}
    return [*threes.values(), *([number] for number in range(len(channels)) if number not in known)]


def placements(channels: Sequence[str]) -> list[dict[str, list[int]]]:
    """At each placement the sensors with three axes, which turn together: name → x, y, z.

    Example:
        >>> placements(["wrist_acc_x", "wrist_acc_y", "wrist_acc_z", "light"])
        [{'wrist_acc': [0, 1, 2]}]
    """
    found: dict[tuple[str, ...], dict[str, list[int]]] = {}
    for sensor, three in axes(channels).items():
        place = tuple(word for word in _words(sensor) if word not in QUANTITY)
        found.setdefault(place, {})[sensor] = three
    return list(found.values())


def feels_gravity(sensor: str) -> bool:
    """Whether a sensor is an accelerometer from whose values gravity has not been taken out."""
    words = set(_words(sensor))
    return bool(words & ACCELEROMETER) and not words & WITHOUT_GRAVITY


def axes(channels: Sequence[str]) -> dict[str, list[int]]:
    """Sensor → its x, y and z, of those that have all three."""
    found: dict[str, dict[str, int]] = {}
    for number, channel in enumerate(channels):
        if named := AXIS.fullmatch(channel):
            found.setdefault(named["sensor"], {})[named["axis"].casefold()] = number
    return {sensor: [numbers[axis] for axis in "xyz"] for sensor, numbers in found.items() if len(numbers) == 3}


def _words(sensor: str) -> list[str]:
    """`userAcceleration` and `user_acceleration` → user, acceleration."""
    return [word.casefold() for word in re.split(r"[\s_.-]+|(?<=[a-z])(?=[A-Z])", sensor)]
