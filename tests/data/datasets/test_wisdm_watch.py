"""Two texts per subject in the raw format, each with its own clock, joined on instants 50 ms apart."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from har_ray.data.dataset import Rejects
from har_ray.data.datasets.wisdm_watch import ACTIVITIES, WISDM_WATCH
from har_ray.errors import DataError

ALL = WISDM_WATCH.presets["wrist"].channels
MS = 1_000_000


def write(folder, sensor, times_ms, activity="A", subject=1600, scale=1.0):
    """Readings whose x is `scale` times the time in ms, so that every interpolated value is known; y, z are +1, +2."""
    path = folder / "raw" / "watch" / sensor / f"data_{subject}_{sensor}_watch.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        for t in times_ms:
            file.write(f"{subject},{activity},{t * MS},{scale * t},{scale * t + 1},{scale * t + 2};\n")


def read(folder, subject=1600, channels=ALL):
    rejects = Rejects()
    source = folder / "raw" / "watch" / "accel" / f"data_{subject}_accel_watch.txt"
    return list(WISDM_WATCH.read(str(source), channels, rejects)), dict(rejects.counts)


def test_two_clocks_become_one_grid_inside_their_overlap(tmp_path):
    """Accelerometer from 1000 ms every 50, gyroscope from 1020 every 40: common instants from 1020, 50 apart."""
    write(tmp_path, "accel", range(1000, 1501, 50))
    write(tmp_path, "gyro", range(1020, 1301, 40), scale=10)
    (recording,), rejects = read(tmp_path)
    t = np.array([1020, 1070, 1120, 1170, 1220, 1270])
    assert (recording.name, recording.subject, recording.rate_hz) == ("1600-A:0", "1600", 20.0)
    assert recording.x.dtype == np.float32
    assert np.allclose(recording.x, np.stack([t, t + 1, t + 2, 10 * t, 10 * t + 1, 10 * t + 2], axis=1))
    assert recording.labels.tolist() == [0] * 6
    assert rejects == {"accelerometer reading without one of the other sensor at its time": 1 + 4}


def test_channels_in_the_order_asked_for(tmp_path):
    write(tmp_path, "accel", range(1000, 1101, 50))
    write(tmp_path, "gyro", range(1000, 1101, 50), scale=-1)
    (recording,), _ = read(tmp_path, channels=("wrist_gyr_z", "wrist_acc_y"))
    assert recording.x.tolist() == [[-998, 1001], [-1048, 1051], [-1098, 1101]]


def test_a_pause_of_either_sensor_cuts_both(tmp_path):
    """100 ms still belong together, 101 do not."""
    write(tmp_path, "accel", [1000, 1050, 1150, 1200, 1301, 1351, 1401, 1451, 1501, 1551])
    write(tmp_path, "gyro", [1000, 1050, 1100, 1150, 1200, 1250, 1300, 1350, 1400, 1550])
    recordings, rejects = read(tmp_path)
    assert [recording.x[:, 0].tolist() for recording in recordings] == [
        [1000, 1050, 1100, 1150, 1200],
        [1301, 1351],
        [1550],
    ]
    assert [recording.before_gap for recording in recordings] == [True, True, False]
    assert rejects == {
        "accelerometer reading without one of the other sensor at its time": 4,
        "gyroscope reading without one of the other sensor at its time": 2,
    }


def test_nothing_is_joined_across_activities_or_sessions(tmp_path):
    """Walking, jogging, walking again; the gyroscope's jogging lies where the accelerometer's first walking is."""
    for activity, start in (("A", 1000), ("B", 1200), ("A", 1400)):
        write(tmp_path, "accel", range(start, start + 151, 50), activity)
    for activity, start in (("A", 1000), ("B", 1050), ("A", 1400)):
        write(tmp_path, "gyro", range(start, start + 101, 50), activity)
    recordings, _ = read(tmp_path)
    assert [(recording.name, recording.x[0, 0], len(recording.x)) for recording in recordings] == [
        ("1600-A:0", 1000, 3),
        ("1600-A:1", 1400, 3),
    ]


def test_a_clock_that_runs_backwards_cuts(tmp_path):
    write(tmp_path, "accel", [1000, 1050, 1100, 500, 550, 600])
    write(tmp_path, "gyro", [1000, 1050, 1100, 500, 550, 600])
    recordings, _ = read(tmp_path)
    assert [recording.x[:, 3].tolist() for recording in recordings] == [[1000, 1050, 1100], [500, 550, 600]]


def test_readings_before_and_after_a_restart_of_the_clock_are_not_joined(tmp_path):
    """Both sensors saw 1000 to 1100 twice; only readings of the same time round belong together."""
    write(tmp_path, "accel", [1000, 1050, 1100, 1000, 1050, 1100])
    write(tmp_path, "gyro", [1000, 1050, 1100])
    write(tmp_path, "gyro", [1000, 1050, 1100], scale=-1)
    recordings, rejects = read(tmp_path)
    assert [recording.x[:, 3].tolist() for recording in recordings] == [[1000, 1050, 1100], [-1000, -1050, -1100]]
    assert rejects == {}


def test_labels_are_the_activities_in_the_order_of_their_key(tmp_path):
    for i, activity in enumerate(ACTIVITIES):
        for sensor in ("accel", "gyro"):
            write(tmp_path, sensor, [1000 * (i + 1), 1000 * (i + 1) + 50], activity)
    recordings, rejects = read(tmp_path)
    assert [recording.labels.tolist() for recording in recordings] == [[i, i] for i in range(18)]
    assert "N" not in ACTIVITIES
    assert WISDM_WATCH.classes[ALL.index("wrist_gyr_x")] == "sitting"
    assert rejects == {}


def test_one_sensor_needs_one_file_and_lies_on_the_same_kind_of_grid(tmp_path):
    write(tmp_path, "gyro", range(1000, 1401, 40))
    (recording,), rejects = read(tmp_path, channels=("wrist_gyr_x",))
    assert recording.x[:, 0].tolist() == [1000, 1050, 1100, 1150, 1200, 1250, 1300, 1350, 1400]
    assert rejects == {}


def test_a_subject_without_a_file_yields_nothing_and_is_named(tmp_path):
    write(tmp_path, "accel", [1000, 1050], subject=1614)
    assert read(tmp_path, 1614) == ([], {"subject 1614: no gyroscope file": 1})
    assert read(tmp_path, 1629) == (
        [],
        {"subject 1629: no accelerometer file": 1, "subject 1629: no gyroscope file": 1},
    )


def test_locate_gives_every_subject_a_source(tmp_path):
    write(tmp_path, "accel", [1000], subject=1600)
    write(tmp_path, "gyro", [1000], subject=1637)
    sources = WISDM_WATCH.locate(tmp_path)
    assert [Path(source).name for source in sources] == [f"data_{s}_accel_watch.txt" for s in WISDM_WATCH.subjects]
    assert {Path(source).parent for source in sources} == {tmp_path / "raw" / "watch" / "accel"}


def test_locate_names_what_is_not_there_or_there_twice(tmp_path):
    with pytest.raises(DataError, match=r"no file like accel/data_1600_accel_watch\.txt anywhere below"):
        WISDM_WATCH.locate(tmp_path)
    write(tmp_path / "one", "accel", [1000])
    write(tmp_path / "two", "gyro", [1000])
    with pytest.raises(DataError, match="expected one folder raw/watch"):
        WISDM_WATCH.locate(tmp_path)


def test_another_subject_or_activity_in_a_file_is_an_error(tmp_path):
    write(tmp_path, "accel", [1000, 1050])
    write(tmp_path, "gyro", [1000, 1050])
    gyro = tmp_path / "raw" / "watch" / "gyro" / "data_1600_gyro_watch.txt"
    good = gyro.read_text()
    gyro.write_text(good + "1601,A,1100000000,1,2,3;\n")
    with pytest.raises(DataError, match=r"data_1600_gyro_watch\.txt: line 3: user '1601' is unknown"):
        read(tmp_path)
    gyro.write_text(good + "1600,N,1100000000,1,2,3;\n")
    with pytest.raises(DataError, match=r"line 3: activity 'N' is unknown"):
        read(tmp_path)
    with pytest.raises(DataError, match=r"expected a name like data_1600_accel_watch\.txt"):
        read(tmp_path, subject=1700)


def test_the_preset_is_two_seconds_of_both_sensors():
    wrist = WISDM_WATCH.presets["wrist"]
    assert (wrist.window_s * wrist.rate_hz, wrist.stride_s * wrist.rate_hz, len(wrist.channels)) == (40, 20, 6)
    arena = WISDM_WATCH.presets["arena"]
    assert (arena.window_s * arena.rate_hz, arena.stride_s * arena.rate_hz, len(arena.channels)) == (60, 30, 6)
    assert [WISDM_WATCH.unit(name) for name in ALL] == ["m/s^2"] * 3 + ["rad/s"] * 3
    assert len(WISDM_WATCH.subjects) == 51


data = pytest.mark.skipif("HAR_RAY_TEST_DATA" not in os.environ, reason="HAR_RAY_TEST_DATA is not set")


@data
def test_real_subjects(tmp_path):
    script = Path(os.environ["HAR_RAY_TEST_DATA"]) / "make_raw.py"
    subjects = ["1600", "1637", "1649"]
    subprocess.run([sys.executable, script, "wisdm-watch", tmp_path, "--subjects", *subjects], check=True)
    sources = {Path(source).name[5:9]: source for source in WISDM_WATCH.locate(tmp_path)}

    rejects = Rejects()
    recordings = list(WISDM_WATCH.read(sources["1600"], ALL, rejects))
    assert sum(len(recording.x) for recording in recordings) == 64_709
    assert {int(recording.labels[0]) for recording in recordings} == set(range(18))
    assert all(np.isfinite(recording.x).all() for recording in recordings)
    assert dict(rejects.counts) == {"accelerometer reading without one of the other sensor at its time": 27}
    # Where both clocks agree, the grid begins on a reading of both and the file's own numbers come out.
    first = [4.972757, -0.15831658, 6.6967316, 0.3149441, -1.0222765, -0.3099616]
    assert recordings[0].x[0].tolist() == pytest.approx(first, rel=1e-6)

    # Subject 1649's watch paused for up to a minute, five times.
    assert len(list(WISDM_WATCH.read(sources["1649"], ALL, Rejects()))) == 18 + 6

    rejects = Rejects()
    assert list(WISDM_WATCH.read(sources["1637"], ALL, rejects)) == []
    assert dict(rejects.counts) == {"subject 1637: no accelerometer file": 1}
    gyroscope = list(WISDM_WATCH.read(sources["1637"], ALL[3:], Rejects()))
    assert len(gyroscope) == 16
    assert 170 < sum(len(recording.x) for recording in gyroscope) / 16 / 20 < 190


@data
def test_the_key_is_the_publishers():
    text = (Path(os.environ["HAR_RAY_TEST_DATA"]) / "wisdm-watch" / "activity_key.txt").read_text()
    pairs = [line.split(" = ") for line in text.splitlines() if line.strip()]
    assert {code.strip(): name.strip() for name, code in pairs} == ACTIVITIES
