"""Recordings turned so that gravity points one way, however the device was worn.

Each placement is turned by one rotation for the whole recording, which is found from that recording's own mean
acceleration and nothing else: over a minute or more the movements of a body average out and gravity is left (Mizell
2003, https://doi.org/10.1109/ISWC.2003.1241424). How the device is turned about the vertical stays unknown.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from har_ray.data.sensors import feels_gravity, placements

Samples = npt.NDArray[np.float32]

UP = np.array([0.0, 0.0, 1.0])
"""Where gravity is to point: an accelerometer that lies still shows its reaction, upwards along z."""
LEAST = 1e-6
"""A mean acceleration, in the sensor's units, that has a direction."""


def check(channels: Sequence[str]) -> None:
    """Raises ValueError where a placement has nothing to align it by."""
    found = placements(channels)
    if not found:
        raise ValueError("no sensor has three axes, named like acc_x, acc_y, acc_z")
    for placement in found:
        if not any(map(feels_gravity, placement)):
            names = ", ".join(placement)
            raise ValueError(f"{names}: no accelerometer there to find gravity by (acc_x, acc_y, acc_z)")


def gravity_aligned(x: Samples, channels: Sequence[str]) -> Samples:
    """A recording [n, C] with every sensor of a placement turned alike, so that its mean acceleration is along z."""
    turned = x.copy()
    for placement in placements(channels):
        gravity = next(axes for sensor, axes in placement.items() if feels_gravity(sensor))
        rotation = _onto_up(x[:, gravity].mean(axis=0, dtype=np.float64))
        for axes in placement.values():
            turned[:, axes] = x[:, axes] @ rotation.T.astype(np.float32)
    return turned


def _onto_up(mean: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The smallest rotation (3, 3) that takes a mean acceleration to z: Rodrigues' formula."""
    length = np.linalg.norm(mean)
    if length < LEAST:
        return np.eye(3)
    found = mean / length
    axis, cosine = np.cross(found, UP), float(found @ UP)
    if cosine < LEAST - 1:  # it hangs upside down, where any axis that lies flat will do
        return np.diag([1.0, -1.0, -1.0])
    cross = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    return np.asarray(np.eye(3) + cross + cross @ cross / (1 + cosine))
