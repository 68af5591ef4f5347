"""Which channels belong together, by names that people really use."""

import pytest

from har_ray.data.datasets import CATALOG
from har_ray.data.sensors import channel_group, feels_gravity, groups, named_groups, placements


@pytest.mark.parametrize(
    ("channels", "placed", "grouped"),
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
def test_axes_and_placements_are_found_by_name(channels, placed, grouped):
    assert [list(placement.values()) for placement in placements(channels)] == placed
    assert groups(channels) == grouped


def test_sensors_of_the_catalogue():
    found = {name: placements([channel.name for channel in one.channels]) for name, one in CATALOG.items()}
    assert {name: len(found[name]) for name in ("spar", "wisdm-watch", "sensors", "wisdm")} == {
        "spar": 1, "wisdm-watch": 1, "sensors": 5, "wisdm": 1,
    }  # fmt: skip
    assert found["sensors"][0] == {
        "left_pocket_acc": [0, 1, 2], "left_pocket_lin": [3, 4, 5],
        "left_pocket_gyr": [6, 7, 8], "left_pocket_mag": [9, 10, 11],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("sensor", "feels"),
    [("wrist_acc", True), ("a", True), ("Accelerometer", True), ("gyr", False), ("left_pocket_lin", False),
     ("userAcceleration", False), ("lin_acc", False), ("", False)],
)  # fmt: skip
def test_an_accelerometer_feels_gravity_unless_it_was_taken_out(sensor, feels):
    assert feels_gravity(sensor) is feels


def test_channels_are_grouped_by_kind_and_placement():
    names = ["belt_acc_x", "belt_lin_acc_x", "belt_mag_x", "wrist_acc_x", "wrist_gyr_x", "light"]
    assert named_groups(names) == {
        "all": tuple(names),
        "accelerometer": ("belt_acc_x", "wrist_acc_x"),
        "no-accelerometer": ("belt_lin_acc_x", "belt_mag_x", "wrist_gyr_x", "light"),
        "belt": ("belt_acc_x", "belt_lin_acc_x", "belt_mag_x"),
        "no-belt": ("wrist_acc_x", "wrist_gyr_x", "light"),
        "linear-acceleration": ("belt_lin_acc_x",),
        "no-linear-acceleration": ("belt_acc_x", "belt_mag_x", "wrist_acc_x", "wrist_gyr_x", "light"),
        "magnetometer": ("belt_mag_x",),
        "no-magnetometer": ("belt_acc_x", "belt_lin_acc_x", "wrist_acc_x", "wrist_gyr_x", "light"),
        "wrist": ("wrist_acc_x", "wrist_gyr_x"),
        "no-wrist": ("belt_acc_x", "belt_lin_acc_x", "belt_mag_x", "light"),
        "gyroscope": ("wrist_gyr_x",),
        "no-gyroscope": ("belt_acc_x", "belt_lin_acc_x", "belt_mag_x", "wrist_acc_x", "light"),
    }


def test_a_group_that_holds_every_channel_has_no_opposite():
    assert list(named_groups(["acc_x", "acc_y"])) == ["all", "accelerometer"]


def test_the_sensors_of_every_dataset_have_a_kind():
    for dataset in CATALOG.values():
        groups = named_groups([channel.name for channel in dataset.channels])
        kinds = {"accelerometer", "linear-acceleration", "gyroscope", "magnetometer", "orientation"} & set(groups)
        assert sum(len(groups[kind]) for kind in kinds) == len(dataset.channels), dataset.name


def test_groups_are_joined_in_the_order_of_the_channels():
    names = ["acc_x", "acc_y", "acc_z", "mag_x", "gyr_x"]
    assert channel_group("gyroscope+accelerometer", names) == ("acc_x", "acc_y", "acc_z", "gyr_x")
    assert channel_group("norms+gyroscope", names) == ("gyr_x", "acc_norm")
    with pytest.raises(KeyError, match="light"):
        channel_group("gyroscope+light", names)
