"""Channels that do not change with the way a device is turned: the norm of a sensor's three axes at each sample."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from har_ray.data.sensors import norms

Samples = npt.NDArray[np.float32]


def measured(channels: Sequence[str], known: Sequence[str]) -> tuple[str, ...]:
    """What has to be read for these channels: in the place of a norm its axes; `known`: all channels of the dataset."""
    made_of = norms(known)
    return tuple(dict.fromkeys(name for channel in channels for name in made_of.get(channel, (channel,))))


def with_norms(x: Samples, read: Sequence[str], channels: Sequence[str]) -> Samples:
    """Of a recording [n, len(read)] these channels [n, len(channels)], norms among them."""
    made_of, columns = norms(read), {name: x[:, number] for number, name in enumerate(read)}
    if all(channel in columns for channel in channels):
        return x[:, [read.index(channel) for channel in channels]]
    return np.stack(
        [
            columns[channel]
            if channel in columns
            else np.linalg.norm([columns[axis] for axis in made_of[channel]], axis=0)
            for channel in channels
        ],
        axis=1,
    ).astype(np.float32)
