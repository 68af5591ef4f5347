"""The published shapes from real recordings: all ten participants of Sensors, and watch subjects of WISDM 2019."""

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial import cKDTree

import har_ray
from har_ray.data.datasets.sensors import SENSORS
from har_ray.data.datasets.wisdm_watch import WISDM_WATCH
from har_ray.data.guess.descriptor import guess
from har_ray.data.guess.writing import yaml_of
from har_ray.data.raw.fetch import fetch
from har_ray.data.tensors import load_windows
from har_ray.store.storage import Storage
from har_ray.store.windows import WindowStore
from tests.data.windows_of import made

pytestmark = pytest.mark.skipif("HAR_RAY_TEST_DATA" not in os.environ, reason="HAR_RAY_TEST_DATA is not set")


def make_raw(*arguments):
    script = Path(os.environ["HAR_RAY_TEST_DATA"]) / "make_raw.py"
    subprocess.run([sys.executable, script, *map(str, arguments)], check=True)


@pytest.fixture(scope="module")
def sensors(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sensors")
    make_raw("sensors", folder / "raw")
    return folder


@pytest.mark.parametrize(("preset", "shape", "each"), [("paper", (50, 45), 180), ("wrist", (100, 6), 179)])
def test_sensors_gives_the_published_windows(ray_session, sensors, preset, shape, each):
    storage = Storage(sensors / "store")
    folder = fetch(SENSORS, sensors / "data", str(sensors / "raw"))
    spec, manifest = made(SENSORS, SENSORS.presets[preset], folder, storage, sensors / "data")
    # 9,000 samples of each activity and participant: 180 windows of 50, 179 of 100 every 50.
    assert manifest["windows_per_subject_and_class"] == {
        subject: dict.fromkeys(SENSORS.classes, each) for subject in SENSORS.subjects
    }
    assert manifest["windows"] == 10 * 7 * each
    assert load_windows(WindowStore(storage), spec.id).x.shape == (10 * 7 * each, *shape)


def test_watch_subjects_without_a_sensor_are_named(ray_session, tmp_path):
    make_raw("wisdm-watch", tmp_path / "raw", "--subjects", 1600, 1637)
    _, manifest = made(WISDM_WATCH, WISDM_WATCH.presets["wrist"], tmp_path / "raw", Storage(tmp_path))
    counts = manifest["windows_per_subject_and_class"]
    assert set(counts) == {"1600"}
    assert len(counts["1600"]) == 18
    # About three minutes of each activity, a window a second.
    assert all(150 < n < 200 for n in counts["1600"].values())
    assert manifest["rejects"]["subject 1637: no accelerometer file"] == 1


def own_sensors(folder):
    """A descriptor of the publisher's files; columns by number, since each of five phones has the same names."""
    columns = {f"wrist_{sensor}_{axis}": first + number
               for sensor, first in (("acc", 30), ("gyr", 36)) for number, axis in enumerate("xyz")}  # fmt: skip
    channels = [f"  {name}: {{column: {column}, unit: {'m/s^2' if 'acc' in name else 'rad/s'}}}"
                for name, column in columns.items()]  # fmt: skip
    legend = ", ".join(f"{name}: {name}" for name in SENSORS.classes if name != "upstairs")
    text = rf"""
files: raw/DataSet/Participant_[12].csv
format: {{header_line: 2}}
rate_hz: 50
subject: {{pattern: 'Participant_(\d+)'}}
label: {{column: 70, map: {{upsatirs: upstairs, {legend}}}, classes: [{", ".join(SENSORS.classes)}]}}
channels:
{chr(10).join(channels)}
presets: {{wrist: {{window_s: 2, stride_s: 1}}}}
"""
    (folder / "own.yaml").write_text(text)
    return str(folder / "own.yaml")


def test_the_files_of_sensors_as_own_recordings_give_the_windows_of_the_catalogue(sensors):
    own = har_ray.windows(own_sensors(sensors))
    ours = har_ray.windows("sensors", "wrist", path=str(sensors / "raw"), data=sensors / "data", subjects=["1", "2"])
    assert (own.classes, own.channels) == (ours.classes, ours.channels)
    assert np.array_equal(own.x, ours.x)
    assert np.array_equal(own.y, ours.y)
    assert np.array_equal(own.subject, ours.subject)


def guessed(folder, raw):
    """The windows by the descriptor that a look at files below `folder` gives, as it is."""
    (folder / "guessed.yaml").write_text(yaml_of(guess([str(folder / raw)], folder), "guess"))
    return har_ray.windows(str(folder / "guessed.yaml"))


def test_a_guess_of_two_files_of_sensors_gives_the_windows_of_the_catalogue(sensors):
    two = sensors / "two" / "DataSet"
    two.mkdir(parents=True)
    for name in ("Participant_1.csv", "Participant_2.csv"):
        (two / name).symlink_to(sensors / "raw" / "DataSet" / name)
    own = guessed(sensors, "two")
    ours = har_ray.windows("sensors", "wrist", path=str(sensors / "raw"), data=sensors / "data", subjects=["1", "2"])
    at = [own.channels.index(channel) for channel in ours.channels]
    assert np.array_equal(own.x[:, :, at], ours.x)
    assert np.array_equal(own.subject, ours.subject)
    named = {"upsatirs": "upstairs"}  # as the publisher wrote it
    words = [named.get(own.classes[y], own.classes[y]) for y in own.y]
    assert words == [ours.classes[y] for y in ours.y]


def test_a_guess_of_wisdms_watch_joins_its_files_to_the_windows_of_the_catalogue(tmp_path):
    make_raw("wisdm-watch", tmp_path / "raw", "--subjects", 1600, 1601)
    own = guessed(tmp_path, "raw")
    people, raw = ["1600", "1601"], str(tmp_path / "raw")
    ours = har_ray.windows("wisdm-watch", "wrist", path=raw, data=tmp_path, subjects=people)
    assert own.channels == tuple(f"watch_{sensor}_{axis}" for sensor in ("acc", "gyr") for axis in "xyz")
    count = Counter(zip(own.subject.tolist(), (own.classes[y] for y in own.y), strict=True))
    assert count == Counter(zip(ours.subject.tolist(), ("ABCDEFGHIJKLMOPQRS"[y] for y in ours.y), strict=True))
    means, wanted = (np.sort(one.x.mean(axis=1), axis=0) for one in (own, ours))
    np.testing.assert_allclose(means, wanted, atol=1e-3)


OWN_WATCH = r"""
sources:
  acc:
    files: 'raw/wisdm-dataset/raw/watch/accel/*.txt'
    format: {header_line: none}
    time: {column: 3, unit: ns}
    channels: {wrist_acc_x: {column: 4}, wrist_acc_y: {column: 5}, wrist_acc_z: {column: 6}}
  gyr:
    files: 'raw/wisdm-dataset/raw/watch/gyro/*.txt'
    format: {header_line: none}
    time: {column: 3, unit: ns}
    channels: {wrist_gyr_x: {column: 4}, wrist_gyr_y: {column: 5}, wrist_gyr_z: {column: 6}}
join: 'data_(\d+)_'
rate_hz: 20
subject: {column: 1}
label: {column: 2}
presets: {wrist: {window_s: 2, stride_s: 1}}
"""


def test_the_files_of_wisdms_watch_joined_by_a_descriptor_give_the_windows_of_the_catalogue(tmp_path):
    make_raw("wisdm-watch", tmp_path / "raw", "--subjects", 1600)
    (tmp_path / "own.yaml").write_text(OWN_WATCH)
    own = har_ray.windows(str(tmp_path / "own.yaml"))
    ours = har_ray.windows("wisdm-watch", "wrist", path=str(tmp_path / "raw"), data=tmp_path, subjects=["1600"])
    assert own.x.shape == ours.x.shape
    # Recordings have other names, and so windows another order: to each belongs the nearest, a rounding away.
    distance, partner = cKDTree(own.x.reshape(len(own.x), -1)).query(ours.x.reshape(len(ours.x), -1))
    assert distance.max() < 0.01
    assert sorted(partner) == list(range(len(own.x)))
    labels = [("ABCDEFGHIJKLMOPQRS"[y], own.classes[own.y[i]]) for y, i in zip(ours.y, partner, strict=True)]
    assert all(of_ours == of_own for of_ours, of_own in labels)
