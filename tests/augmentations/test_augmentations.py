"""Augmentations on real windows: what stays, what changes and by how much; views that a number alone decides."""

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation as Reference

from har_ray.augmentations import AUGMENTATIONS, Augmentation, view
from har_ray.augmentations.curves import curves
from har_ray.augmentations.sensors import Sensors
from har_ray.errors import ExtensionError

WRIST = ("wrist_acc_x", "wrist_acc_y", "wrist_acc_z", "wrist_gyr_x", "wrist_gyr_y", "wrist_gyr_z")
ACC, GYR = slice(0, 3), slice(3, 6)


@pytest.fixture(scope="module")
def windows(data):
    """SPAR's training windows in g and rad/s, (N, 24, 6), and their sensors."""
    return data.train.x * data.std + data.mean, Sensors(data.channels, data.std)


def changed(windows, seed=0, number=1, **augment):
    x, sensors = windows
    return view(x, {name.replace("_", "-"): options for name, options in augment.items()}, sensors, seed, number)


def test_a_rotation_keeps_every_length_and_the_angle_between_two_samples(windows):
    x, y = windows[0], changed(windows, rotation={"degrees": 30})
    for sensor in (ACC, GYR):
        torch.testing.assert_close(y[..., sensor].norm(dim=2), x[..., sensor].norm(dim=2), rtol=1e-4, atol=1e-4)
        products = [(one[:, 3, sensor] * one[:, 9, sensor]).sum(dim=1) for one in (x, y)]
        torch.testing.assert_close(*products, rtol=1e-3, atol=1e-3)
    assert (y - x).abs().mean() > 0.1


def test_the_sensors_of_a_placement_turn_together_and_every_window_otherwise(windows):
    """Found from each sensor by itself (Kabsch 1976), the rotation is the same for both."""
    x, y = (one.double().numpy() for one in (windows[0], changed(windows, rotation={"degrees": 20})))
    vectors = []
    for i in range(0, 200, 40):
        turns = [Reference.align_vectors(y[i, :, sensor], x[i, :, sensor])[0] for sensor in (ACC, GYR)]
        np.testing.assert_allclose(turns[0].as_matrix(), turns[1].as_matrix(), atol=0.02)
        vectors.append(turns[0].as_rotvec())
    assert np.std(vectors, axis=0).min() > 0.05


def test_rotation_vectors_have_the_stated_spread_about_the_stated_axes():
    gravity = torch.eye(3).repeat(4000, 1, 1)
    sensors = Sensors(("acc_x", "acc_y", "acc_z"), torch.ones(3))
    for axis, expected in (("any", [20, 20, 20]), ("y", [0, 20, 0])):
        turned = view(gravity, {"rotation": {"degrees": 20, "axis": axis}}, sensors, 3, 1)
        found = Reference.from_matrix(turned.transpose(1, 2).numpy()).as_rotvec(degrees=True)
        assert found.std(axis=0) == pytest.approx(expected, abs=0.6)


def test_sensors_of_other_placements_turn_by_themselves():
    channels = tuple(f"{place}_acc_{axis}" for place in ("left_pocket", "wrist") for axis in "xyz")
    turned = view(torch.ones(50, 2, 6), {"rotation": {}}, Sensors(channels, torch.ones(6)), 0, 1)
    assert not torch.allclose(turned[..., :3], turned[..., 3:], atol=0.05)


def test_jitter_is_as_strong_as_it_says_in_units_of_each_channel(windows):
    x, sensors = windows
    noise = changed(windows, jitter={"sd": 0.1}) - x
    assert (noise.std(dim=(0, 1)) / sensors.std).tolist() == pytest.approx([0.1] * 6, rel=0.02)


def test_scaling_multiplies_a_sensor_of_a_window_by_one_number(windows):
    factors = (changed(windows, scaling={"sd": 0.1}) / windows[0]).flatten(0, 0)
    for sensor in (ACC, GYR):
        one = factors[..., sensor].flatten(1)
        assert (one - one.median(dim=1, keepdim=True).values).abs().nanmedian() < 1e-5
        assert one.nanmedian(dim=1).values.std() == pytest.approx(0.1, rel=0.1)
    assert not torch.allclose(factors[:, 0, 0], factors[:, 0, 3], atol=0.01)


def test_a_magnitude_warp_is_a_smooth_curve_for_each_sensor(windows):
    warped = changed(windows, magnitude_warp={"sd": 0.2, "knots": 1})
    factors = (warped / windows[0])[windows[0].abs().amin(dim=(1, 2)) > 0.01]
    torch.testing.assert_close(factors[..., 0], factors[..., 1], rtol=1e-3, atol=1e-3)
    # Through three knots a spline is a parabola, whose third differences are 0.
    assert factors[..., 0].diff(n=3, dim=1).abs().max() < 1e-2
    assert factors[..., 0].diff(n=1, dim=1).abs().max() > 0.01


def test_a_time_warp_reads_the_same_movement_at_another_speed():
    """A ramp shows at which moment each sample was taken: in order, both ends in place, all channels alike."""
    ramp = torch.arange(50.0).view(1, 50, 1).repeat(300, 1, 6)
    moments = view(ramp, {"time-warp": {"sd": 0.3}}, Sensors(WRIST, torch.ones(6)), 0, 1)
    assert torch.equal(moments[..., 0], moments[..., 5])
    assert (moments.diff(dim=1) > 0).all()
    assert moments[:, 0].abs().max() == 0
    assert moments[:, -1].min() == pytest.approx(49, abs=1e-3)
    assert (moments[:, 25, 0] - 25).std() > 1


def test_curves_have_the_stated_mean_and_spread_at_their_knots():
    drawn = curves(20_000, 31, 0.2, 2, torch.Generator().manual_seed(0))
    assert drawn[:, [0, 10, 20, 30]].mean(dim=0).tolist() == pytest.approx([1] * 4, abs=0.01)
    assert drawn[:, [0, 10, 20, 30]].std(dim=0).tolist() == pytest.approx([0.2] * 4, abs=0.01)


@pytest.mark.parametrize("name", AUGMENTATIONS.names())
def test_seed_and_number_alone_decide_a_view(windows, name):
    one = changed(windows, **{name: {}})
    torch.rand(3)
    assert torch.equal(changed(windows, **{name: {}}), one)
    for other in (changed(windows, seed=1, **{name: {}}), changed(windows, number=2, **{name: {}})):
        assert not torch.allclose(other, one)
    assert one.shape == windows[0].shape


@pytest.mark.parametrize("name", sorted(set(AUGMENTATIONS.names()) - {"rotation"}))
def test_at_strength_0_nothing_changes(windows, name):
    torch.testing.assert_close(changed(windows, **{name: {"sd": 0}}), windows[0], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("rotation", {"degrees": -1}, "rotation: degrees -1 is not from 0 to 180"),
        ("rotation", {"axis": "strap"}, "rotation: axis 'strap' is none of any, x, y, z"),
        ("jitter", {"sd": -0.1}, "jitter: sd -0.1 is below 0"),
        ("scaling", {"sd": -0.1}, "scaling: sd -0.1 is below 0"),
        ("time-warp", {"knots": -1}, "time-warp: knots -1 is below 0"),
    ],
)
def test_options_out_of_range_are_refused(windows, name, options, message):
    with pytest.raises(ExtensionError, match=message):
        changed(windows, **{name: options})


def test_a_rotation_needs_three_axes_and_says_what_it_found():
    sensors = Sensors(("acc_x", "acc_y", "pulse"), torch.ones(3))
    with pytest.raises(ExtensionError, match=r"rotation: needs sensors with three axes, .*; found acc_x, acc_y, p"):
        view(torch.ones(2, 4, 3), {"rotation": {}}, sensors, 0, 1)


class Halved(Augmentation):
    """Somebody's own, with a mistake."""

    def __call__(self, x, sensors, generator):
        return x[:, ::2]


def test_an_augmentation_that_gives_another_shape_is_named():
    with pytest.raises(ExtensionError, match=r"Halved: gave \[2, 2, 3\] for windows \[2, 4, 3\]"):
        view(torch.ones(2, 4, 3), {f"{__name__}:Halved": {}}, Sensors(WRIST[:3], torch.ones(3)), 0, 1)
