"""Real recordings: one phone that was worn upside down, and nothing said of sound ones."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from har_ray.data.dataset import Rejects
from har_ray.data.datasets.sensors import SENSORS
from har_ray.data.datasets.spar import SPAR
from har_ray.data.soundness import checks, direction
from har_ray.data.soundness.statistics import Gathered


def findings(dataset, channels, folder=None):
    gathered = Gathered(channels)
    for source in dataset.locate(folder):
        for _ in gathered.watched(source, dataset.read(source, channels, Rejects())):
            pass
    preset = next(iter(dataset.presets.values()))
    return checks.of_recordings(gathered, dataset, replace(preset, channels=channels))


def test_nothing_is_said_of_spar():
    assert findings(SPAR, SPAR.presets["wrist"].channels) == []


@pytest.mark.skipif("HAR_RAY_TEST_DATA" not in os.environ, reason="HAR_RAY_TEST_DATA is not set")
def test_of_sensors_the_one_belt_phone_that_was_worn_upside_down(tmp_path):
    script = Path(os.environ["HAR_RAY_TEST_DATA"]) / "make_raw.py"
    subprocess.run([sys.executable, script, "sensors", tmp_path], check=True)
    kinds = ("left_pocket_acc", "wrist_acc", "wrist_gyr", "belt_acc")
    (found,) = findings(SENSORS, tuple(f"{kind}_{axis}" for kind in kinds for axis in "xyz"), tmp_path)
    assert (found.kind, found.where) == (direction.KIND, "subject 8 (Participant_8.csv)")
    assert found.text.startswith("belt_acc points another way")
    assert found.number == pytest.approx(165, abs=1)
