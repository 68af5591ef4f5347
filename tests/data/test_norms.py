"""Norms: what is read for them, what they are, and that a turn of the device does not change them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from har_ray.data.datasets.spar import SPAR
from har_ray.data.norms import measured, with_norms
from har_ray.data.raw.identity import identify
from har_ray.data.sensors import named_groups, norms
from har_ray.data.shards import prepare
from har_ray.data.windows import WindowSpec
from har_ray.spec.dataset import DatasetSpec
from har_ray.store.storage import Storage
from har_ray.store.windows import WindowStore

WRIST = tuple(channel.name for channel in SPAR.channels)
ACC, GYR = WRIST[:3], WRIST[3:]


def test_a_norm_takes_three_axes():
    assert norms([*ACC, "light", "wrist_gyr_x"]) == {"wrist_acc_norm": ACC}
    assert named_groups(WRIST)["norms"] == ("wrist_acc_norm", "wrist_gyr_norm")
    assert "norms" not in named_groups(["light"])


def test_the_axes_of_a_norm_are_read_once():
    assert measured(["wrist_acc_norm", "wrist_gyr_x"], WRIST) == (*ACC, "wrist_gyr_x")
    assert measured(["wrist_acc_z", "wrist_acc_norm"], WRIST) == ("wrist_acc_z", "wrist_acc_x", "wrist_acc_y")


def test_a_norm_is_the_root_of_the_sum_of_squares():
    x = np.array([[3, 0, 4, 7], [2, -3, 6, 8]], dtype=np.float32)
    read = ("wrist_acc_y", "wrist_acc_x", "wrist_acc_z", "wrist_gyr_x")
    assert with_norms(x, read, ["wrist_gyr_x", "wrist_acc_norm"]).tolist() == [[7, 5], [8, 7]]
    assert with_norms(x, read, ["wrist_acc_x"]).tolist() == [[0], [-3]]


def test_norms_do_not_change_with_the_way_a_device_is_turned():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(50, 6)).astype(np.float32)
    turned = x.copy()
    turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    turned[:, :3] = x[:, :3] @ turn.astype(np.float32)
    as_worn, as_turned = (with_norms(one, WRIST, ["wrist_acc_norm"]) for one in (x, turned))
    assert np.allclose(as_worn, as_turned, atol=1e-5)


@pytest.mark.usefixtures("ray_session")
def test_windows_of_norms_are_cut_like_any_other(tmp_path, spar_storage, spar_spec):
    entry = DatasetSpec(name="spar", preset="wrist", protocol="loso", channels=("norms",), rate_hz=50.0)
    assert entry.cut.channels == ("wrist_acc_norm", "wrist_gyr_norm")
    windows = WindowStore(Storage(tmp_path))
    identity = identify(SPAR, None, Path())
    found = {}
    for preset in (entry.cut, replace(entry.cut, channels=WRIST)):
        spec = WindowSpec.of(SPAR, identity.fingerprint, preset)
        prepare(SPAR, spec, identity, None, windows)
        table = windows.read(spec.id, ["window_id", "x"]).sort_by("window_id")
        found[len(preset.channels)] = table["x"].combine_chunks().to_numpy_ndarray()
        channels = windows.require(spec.id)["channels"]
    assert np.allclose(found[2][..., 0], np.linalg.norm(found[6][..., :3], axis=-1), atol=1e-4)
    assert np.allclose(found[2][..., 1], np.linalg.norm(found[6][..., 3:], axis=-1), atol=1e-4)
    assert [channel["unit"] for channel in channels] == ["g"] * 3 + ["rad/s"] * 3
    assert (SPAR.unit("wrist_acc_norm"), SPAR.unit("wrist_gyr_norm")) == ("g", "rad/s")


def test_norms_may_be_a_choice_beside_the_axes():
    entry = DatasetSpec(name="spar", preset="wrist", protocol="loso", channels=("all", "norms"))
    assert entry.cut.channels == (*WRIST, "wrist_acc_norm", "wrist_gyr_norm")
    assert list(entry.channel_groups.values()) == [WRIST, ("wrist_acc_norm", "wrist_gyr_norm")]
