"""Real recordings, as an app would have exported them, by what the guess writes: windows are those of the catalogue."""

from datetime import datetime, timedelta

import numpy as np
import pytest

import har_ray
from har_ray.data.dataset import Rejects
from har_ray.data.datasets.spar import SPAR
from tests.data.guess.shapes import guessed

PEOPLE = ("1", "2", "3", "4")
MORE = 7
"""Readings that the gyroscope has before and after those of the accelerometer."""


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """Four people of SPAR as Sensor Logger exports it, a folder for each recording, sorted by activity and person.

    Both sensors come at SPAR's rate; the gyroscope is switched on earlier and off later.
    """
    folder, names = tmp_path_factory.mktemp("export"), {}
    channels = SPAR.presets["wrist"].channels
    (source,) = SPAR.locate(None)
    recordings = (one for one in SPAR.read(source, channels, Rejects()) if one.subject in PEOPLE)
    for number, one in enumerate(recordings):
        started = datetime(2023, 10, 20, 14, 50, 24) + timedelta(minutes=number)
        name = f"{SPAR.classes[one.labels[0]]}/p{one.subject}/{started:%Y-%m-%d_%H-%M-%S}"
        names[name] = one.name
        x = np.pad(one.x, ((MORE, MORE), (0, 0)), mode="edge")
        for sensor, values, first in (("AccelerometerUncalibrated", one.x[:, :3], 0), ("Gyroscope", x[:, 3:], -MORE)):
            rows = ["time,seconds_elapsed,z,y,x"]
            for i, (vx, vy, vz) in enumerate(values.tolist(), start=first):
                ns = 1_697_813_424_000_000_000 + number * 60_000_000_000 + i * 20_000_000
                rows.append(f"{ns},{i / 50:.9f},{vz!r},{vy!r},{vx!r}")
            path = folder / name / f"{sensor}.csv"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("\n".join(rows) + "\n")
        (folder / name / "Annotation.csv").write_text("time,seconds_elapsed,text,millisecond_press_duration\n")
        (folder / name / "Metadata.csv").write_text("version,device name,sampleRateMs\n3,phone,20|20\n")
    return folder, names


def test_spar_exported_by_an_app_gives_the_windows_of_the_catalogue(exported):
    folder, names = exported
    content, questions = guessed(folder, ".")
    assert {name: one["files"] for name, one in content["sources"].items()} == {
        "acc": "*/p*/*/AccelerometerUncalibrated.csv",
        "gyr": "*/p*/*/Gyroscope.csv",
    }
    assert content["subject"] == {"pattern": r"p(\d+)"}
    assert content["label"] == {"pattern": "^([^/]+)/"}
    assert [one.partition(":")[0] for one in questions] == ["sources.gyr.channels.gyr_x", "label"]
    ours, theirs = har_ray.windows(str(folder / "mine.yaml")), har_ray.windows("spar", subjects=PEOPLE)
    assert (ours.subjects, sorted(ours.classes)) == (theirs.subjects, sorted(theirs.classes))
    assert ours.rejects == {"gyr reading without one of the other sources at its time": 2 * MORE * len(names)}
    assert len(ours.y) == len(theirs.y)
    for name, known in names.items():
        mine, other = ours.recording == f"{name}:0", theirs.recording == known
        assert mine.sum() == other.sum() > 0
        assert np.allclose(ours.x[mine], theirs.x[other], atol=1e-4)
        assert {ours.classes[y] for y in ours.y[mine]} == {theirs.classes[y] for y in theirs.y[other]}
        assert set(ours.subject[mine]) == set(theirs.subject[other])
