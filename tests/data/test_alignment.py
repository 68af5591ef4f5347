"""Gravity alignment: recordings of a device worn in any way become those of one worn the right way up."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from har_ray.data.alignment import check, gravity_aligned
from har_ray.data.dataset import Preset, Recording, Rejects
from har_ray.data.datasets.spar import SPAR
from har_ray.data.windows import cut

CHANNELS = tuple(channel.name for channel in SPAR.channels)


@pytest.fixture(scope="module")
def real():
    """One exercise of one person as SPAR has it: acceleration in g, angular velocity in rad/s."""
    source = SPAR.locate(None)[0]
    return next(iter(SPAR.read(source, CHANNELS, Rejects())))


def turned(x, rotation):
    return np.concatenate([rotation.apply(x[:, :3]), rotation.apply(x[:, 3:])], axis=1).astype(np.float32)


@pytest.mark.parametrize("vector", [(0, 0, 0), (np.pi, 0, 0), (0.3, -1.2, 2.0), (0, np.pi / 2, 0)])
def test_mean_acceleration_points_up_and_nothing_else_changes(real, vector):
    x = turned(real.x, Rotation.from_rotvec(vector))
    aligned = gravity_aligned(x, CHANNELS)
    mean = aligned[:, :3].mean(axis=0)
    assert mean.tolist() == pytest.approx([0, 0, float(np.linalg.norm(x[:, :3].mean(axis=0)))], abs=1e-4)
    for sensor in (slice(0, 3), slice(3, 6)):
        np.testing.assert_allclose(
            np.linalg.norm(aligned[:, sensor], axis=1), np.linalg.norm(x[:, sensor], axis=1), rtol=1e-4, atol=1e-5
        )
    # The gyroscope has turned with the accelerometer: what lies along the vertical is as it was.
    before, after = ((one[:, :3] * one[:, 3:]).sum(axis=1) for one in (x, aligned))
    np.testing.assert_allclose(after, before, atol=1e-3)


def test_however_a_device_is_worn_what_is_vertical_comes_out_the_same(real):
    """Only the turn about the vertical stays unknown, so heights and distances from the vertical are equal."""
    first, *others = (
        gravity_aligned(turned(real.x, Rotation.from_rotvec(vector)), CHANNELS)
        for vector in [(0, 0, 0), (3.0, 0.5, 0), (0, 1.0, -2.0)]
    )
    for other in others:
        np.testing.assert_allclose(other[:, [2, 5]], first[:, [2, 5]], atol=1e-3)
        np.testing.assert_allclose(np.hypot(other[:, 0], other[:, 1]), np.hypot(first[:, 0], first[:, 1]), atol=1e-3)


@pytest.mark.parametrize("mean", [(0, 0, 1), (0, 0, -1), (0, 0, 0)])
def test_a_device_that_lies_hangs_or_falls(mean):
    """The right way up, upside down, and without any mean acceleration."""
    x = np.tile(np.array(mean, dtype=np.float32), (5, 1))
    expected = np.abs(x)
    np.testing.assert_allclose(gravity_aligned(x, ("acc_x", "acc_y", "acc_z")), expected, atol=1e-6)


def test_placements_are_aligned_each_by_its_own_accelerometer():
    channels = tuple(f"{place}_acc_{axis}" for place in ("belt", "wrist") for axis in "xyz")
    x = np.tile(np.array([-9.9, 0, 0, 0, 9.7, 0], dtype=np.float32), (4, 1))
    np.testing.assert_allclose(gravity_aligned(x, channels)[0], [0, 0, 9.9, 0, 0, 9.7], atol=1e-5)


def test_a_preset_aligns_a_recording_before_it_is_cut(real):
    preset = Preset(CHANNELS, window_s=2.0, stride_s=2.0, rate_hz=50.0)
    plain = cut(Recording("r", "1", real.x, real.labels, 50.0), preset, None)
    aligned = cut(
        Recording("r", "1", real.x, real.labels, 50.0),
        Preset(CHANNELS, window_s=2.0, stride_s=2.0, rate_hz=50.0, align="gravity"),
        None,
    )
    expected = gravity_aligned(real.x, CHANNELS)[: len(aligned.x) * 100].reshape(-1, 100, 6)
    np.testing.assert_allclose(aligned.x, expected, atol=1e-6)
    assert not np.allclose(aligned.x, plain.x, atol=0.1)


@pytest.mark.parametrize(
    ("channels", "message"),
    [
        (("acc_x", "acc_y"), "no sensor has three axes"),
        (("gyr_x", "gyr_y", "gyr_z"), "gyr: no accelerometer there"),
        (("lin_acc_x", "lin_acc_y", "lin_acc_z"), "lin_acc: no accelerometer there"),
    ],
)
def test_what_has_no_gravity_is_refused(channels, message):
    with pytest.raises(ValueError, match=message):
        check(channels)
