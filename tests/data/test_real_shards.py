"""The published shapes from real recordings: all ten participants of Sensors, and watch subjects of WISDM 2019."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from har_ray.data.datasets.sensors import SENSORS
from har_ray.data.datasets.wisdm_watch import WISDM_WATCH
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
