"""Which channels belong together, by names that people really use."""

import pytest
import torch

from har_ray.augmentations.sensors import Sensors
from har_ray.data.datasets import CATALOG


def sensors(*channels):
    return Sensors(channels, torch.ones(len(channels)))


@pytest.mark.parametrize(
    ("channels", "placements", "groups"),
    [
        (("ax", "ay", "az", "gx", "gy", "gz"), [[[0, 1, 2], [3, 4, 5]]], [[0, 1, 2], [3, 4, 5]]),
        (("x", "y", "z", "heart rate"), [[[0, 1, 2]]], [[0, 1, 2], [3]]),
        (("Accel Z", "Accel X", "Accel Y"), [[[1, 2, 0]]], [[1, 2, 0]]),
        (("acc.x", "acc.y", "light"), [], [[0], [1], [2]]),
        (
            ("chest_acc_x", "chest_acc_y", "chest_acc_z", "wrist_acc_x", "wrist_acc_y", "wrist_acc_z"),
            [[[0, 1, 2]], [[3, 4, 5]]],
            [[0, 1, 2], [3, 4, 5]],
        ),
        (
            ("userAcceleration.x", "userAcceleration.y", "userAcceleration.z", "gravity.x", "gravity.y", "gravity.z"),
            [[[0, 1, 2], [3, 4, 5]]],
            [[0, 1, 2], [3, 4, 5]],
        ),
    ],
)
def test_axes_and_placements_are_found_by_name(channels, placements, groups):
    found = sensors(*channels)
    assert found.placements == placements
    assert found.groups == groups


def test_sensors_of_the_catalogue():
    placements = {name: len(sensors(*(c.name for c in one.channels)).placements) for name, one in CATALOG.items()}
    assert {name: placements[name] for name in ("spar", "wisdm-watch", "sensors", "wisdm")} == {
        "spar": 1, "wisdm-watch": 1, "sensors": 5, "wisdm": 1,
    }  # fmt: skip
    left_pocket = sensors(*(c.name for c in CATALOG["sensors"].channels)).placements[0]
    assert left_pocket == [[0, 1, 2], [3, 4, 5], [6, 7, 8], [9, 10, 11]]
