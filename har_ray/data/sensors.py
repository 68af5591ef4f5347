"""Which channels belong together, by their names: the axes of a sensor, the sensors of a kind or of a placement."""

import re
from collections.abc import Iterator, Sequence

AXIS = re.compile(r"(?P<sensor>.*?)[\s_.-]*(?P<axis>[xyz])", re.IGNORECASE)
ACCELEROMETER = {"a", "ac", "acc", "accel", "acceleration", "accelerometer"}
WITHOUT_GRAVITY = {"lin", "linear", "user"}
GYROSCOPE = {"g", "gy", "gyr", "gyro", "gyroscope", "rotation", "angular"}
MAGNETOMETER = {"m", "mag", "magnetometer", "magnetic"}
QUANTITY = ACCELEROMETER | WITHOUT_GRAVITY | GYROSCOPE | MAGNETOMETER | {"rate", "velocity", "field", "gravity"}
"""Words of a channel's name that say what is measured, not where."""
ORIENTATION = {"quat", "quaternion", "eu", "euler", "compass", "attitude", "roll", "pitch", "yaw"}
"""Words for what devices work out of several sensors: which way they point."""
ALL, WITHOUT, NORMS = "all", "no-", "norms"


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


def named_groups(channels: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The groups that channels may be chosen by: all, those of a kind or a placement, those without them, and norms.

    Example:
        >>> list(named_groups(["wrist_acc_x", "wrist_gyr_x"]))
        ['all', 'accelerometer', 'no-accelerometer', 'gyroscope', 'no-gyroscope', 'wrist']
    """
    members: dict[str, list[str]] = {}
    for channel in channels:
        for name in _belongs_to(channel):
            members.setdefault(name, []).append(channel)
    found = {ALL: tuple(channels)}
    for name, ones in members.items():
        found[name] = tuple(ones)
        if others := tuple(channel for channel in channels if channel not in ones):
            found[WITHOUT + name] = others
    if made := tuple(norms(channels)):
        found[NORMS] = made
    return found


def channel_group(name: str, channels: Sequence[str]) -> tuple[str, ...]:
    """A group of channels by its name, or several joined by `+`, in the order of the channels, norms last.

    Raises:
        KeyError: of the part that names no group.

    Example:
        >>> channel_group("gyroscope+accelerometer", ["acc_x", "mag_x", "gyr_x"])
        ('acc_x', 'gyr_x')
    """
    groups = named_groups(channels)
    wanted = {channel for part in name.split("+") for channel in groups[part]}
    return tuple(channel for channel in (*channels, *groups.get(NORMS, ())) if channel in wanted)


def _belongs_to(channel: str) -> Iterator[str]:
    """The kind of a channel's sensor, and where it is worn, as far as its name says so."""
    named = AXIS.fullmatch(channel)
    words = _words(named["sensor"] if named else channel)
    kinds = {
        "linear-acceleration": WITHOUT_GRAVITY,
        "accelerometer": ACCELEROMETER,
        "gyroscope": GYROSCOPE,
        "magnetometer": MAGNETOMETER,
        "orientation": ORIENTATION,
    }
    kind = next((kind for kind, known in kinds.items() if known & set(words)), None)
    if kind is not None:
        yield kind
        if place := "-".join(word for word in words if word not in QUANTITY | ORIENTATION):
            yield place


def feels_gravity(sensor: str) -> bool:
    """Whether a sensor is an accelerometer from whose values gravity has not been taken out."""
    words = set(_words(sensor))
    return bool(words & ACCELEROMETER) and not words & WITHOUT_GRAVITY


def turns(sensor: str) -> bool:
    """Whether a sensor is a gyroscope."""
    return bool(set(_words(sensor)) & GYROSCOPE) and not feels_gravity(sensor)


def axes(channels: Sequence[str]) -> dict[str, list[int]]:
    """Sensor → its x, y and z, of those that have all three."""
    found: dict[str, dict[str, int]] = {}
    for number, channel in enumerate(channels):
        if named := AXIS.fullmatch(channel):
            found.setdefault(named["sensor"], {})[named["axis"].casefold()] = number
    return {sensor: [numbers[axis] for axis in "xyz"] for sensor, numbers in found.items() if len(numbers) == 3}


def norms(channels: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The norms that can be had of channels: name → the axes that it is made of.

    Example:
        >>> norms(["wrist_acc_x", "wrist_acc_y", "wrist_acc_z", "light"])
        {'wrist_acc_norm': ('wrist_acc_x', 'wrist_acc_y', 'wrist_acc_z')}
    """
    return {
        f"{sensor}_norm" if sensor else "norm": tuple(channels[number] for number in three)
        for sensor, three in axes(channels).items()
    }


def _words(sensor: str) -> list[str]:
    """`userAcceleration` and `user_acceleration` → user, acceleration."""
    return [word.casefold() for word in re.split(r"[\s_.-]+|(?<=[a-z])(?=[A-Z])", sensor)]
