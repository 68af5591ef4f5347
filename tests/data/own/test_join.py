"""Several files of one recording, a sensor each, on one grid; values are known at every instant."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from har_ray.data.dataset import Rejects
from har_ray.data.datasets.wisdm_watch import WISDM_WATCH
from har_ray.data.own.dataset import load_table
from har_ray.data.windows import cut
from har_ray.errors import DataError, GridError

DESCRIPTOR = r"""
rate_hz: {rate}
subject: {{pattern: '^(\w+)/'}}
label: {{pattern: '/(\w+)-\d'}}
sources:
  acc:
    files: '*/*/acc.csv'
    time: {{column: time, unit: ms}}
    channels: {{acc_x: {{column: x, unit: m/s^2}}, acc_y: {{column: y, unit: m/s^2}}}}
  gyr:
    files: '*/*/gyr.csv'
    time: {{column: time, unit: ms}}
    channels: {{gyr_x: {{column: x, unit: rad/s}}}}
presets:
  p: {{window_s: 1, stride_s: 1, rate_hz: 20}}
{more}
"""
ALL = ("acc_x", "acc_y", "gyr_x")


def write(folder, name, sensor, times_ms, scale=1.0):
    """Readings whose x is `scale` times their time, so that every interpolated value is known; y is one more."""
    path = folder / name / f"{sensor}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(["time,x,y", *(f"{t},{scale * t},{scale * t + 1}" for t in times_ms)]) + "\n")


def describe(folder, rate="20", more=""):
    (folder / "mine.yaml").write_text(DESCRIPTOR.format(rate=rate, more=more))
    return folder / "mine.yaml"


def read(path, channels=ALL):
    dataset, rejects = load_table("mine", path), Rejects()
    found = [one for source in dataset.locate(None) for one in dataset.read(source, channels, rejects)]
    return found, dict(rejects.counts)


def test_two_clocks_become_one_grid_inside_their_overlap(tmp_path):
    """Accelerometer from 1000 ms every 50, gyroscope from 1020 every 40: common instants from 1020, 50 apart."""
    write(tmp_path, "ana/walk-1", "acc", range(1000, 3001, 50))
    write(tmp_path, "ana/walk-1", "gyr", range(1020, 2821, 40), scale=10)
    write(tmp_path, "bo/run-1", "acc", range(0, 2001, 50))
    write(tmp_path, "bo/run-1", "gyr", range(0, 2001, 50), scale=-1)
    path = describe(tmp_path)
    (one, other), rejects = read(path)
    t = np.arange(1020, 2821, 50)
    assert (one.name, one.subject, one.rate_hz) == ("ana/walk-1:0", "ana", 20)
    assert one.x.dtype == np.float32
    assert np.allclose(one.x, np.stack([t, t + 1, 10 * t], axis=1))
    assert (other.subject, len(other.x), other.x[-1].tolist()) == ("bo", 41, [2000, 2001, -2000])
    assert rejects == {"acc reading without one of the other sources at its time": 1 + 4}
    dataset = load_table("mine", path)
    assert (dataset.subjects, dataset.classes) == (("ana", "bo"), ("run", "walk"))
    assert [dataset.classes[one.labels[0]], dataset.classes[other.labels[-1]]] == ["walk", "run"]
    assert sorted(file.name for file in dataset.raw_files(None)) == ["acc.csv", "acc.csv", "gyr.csv", "gyr.csv"]
    (one, other), _ = read(path, ("gyr_x", "acc_y"))
    assert one.x[0].tolist() == [10_200, 1021], "in the order asked for"


def test_one_sensor_needs_one_file_and_lies_on_the_same_kind_of_grid(tmp_path):
    write(tmp_path, "ana/walk-1", "acc", range(0, 2001, 40))
    write(tmp_path, "bo/walk-1", "gyr", range(0, 2001, 40))
    write(tmp_path, "cy/walk-1", "acc", range(0, 2001, 50))
    write(tmp_path, "cy/walk-1", "gyr", range(0, 2001, 50))
    (one, other), rejects = read(describe(tmp_path), ("acc_x",))
    assert (one.subject, other.subject) == ("ana", "cy")
    assert one.x[:, 0].tolist() == list(range(0, 2001, 50))
    assert rejects == {"recording without a file of acc": 1}
    (one,), rejects = read(describe(tmp_path))
    assert one.subject == "cy"
    assert rejects == {"recording without a file of gyr": 1, "recording without a file of acc": 1}


def test_a_pause_or_a_missing_value_of_either_sensor_cuts_both(tmp_path):
    write(tmp_path, "ana/walk-1", "acc", [*range(0, 1001, 50), *range(1200, 2401, 50)])
    write(tmp_path, "ana/walk-1", "gyr", range(0, 2401, 50))
    found, rejects = read(describe(tmp_path))
    assert [one.x[[0, -1], 0].tolist() for one in found] == [[0, 1000], [1200, 2400]]
    assert rejects == {"gyr reading without one of the other sources at its time": 3}
    gyr = tmp_path / "ana/walk-1/gyr.csv"
    lines = gyr.read_text().splitlines()
    for i in range(30, 42):
        lines[i] = lines[i].split(",")[0] + ",,"
    gyr.write_text("\n".join(lines))
    found, rejects = read(describe(tmp_path))
    assert [one.x[[0, -1], 0].tolist() for one in found] == [[0, 1000], [1200, 1400], [2050, 2400]]
    assert rejects["gyr_x missing for over 0.5 s"] == 12


def test_the_fastest_source_is_the_grid_where_no_rate_is_said(tmp_path):
    write(tmp_path, "ana/walk-1", "acc", range(0, 2001, 10))
    write(tmp_path, "ana/walk-1", "gyr", range(0, 2001, 50))
    (one,), rejects = read(describe(tmp_path, "auto"))
    assert (one.rate_hz, len(one.x), rejects) == (100, 201, {})
    assert one.x[:, 2].tolist() == list(range(0, 2001, 10))
    with pytest.raises(DataError, match=r"acc\.csv: comes at 100 Hz, rate_hz is 20; say rate_hz: auto, and"):
        read(describe(tmp_path, "20"))


def test_a_rate_that_wanders_is_put_on_the_grid(tmp_path):
    times = [*range(0, 15_000, 50), *range(15_000, 30_001, 40)]
    write(tmp_path, "ana/walk-1", "acc", times)
    write(tmp_path, "ana/walk-1", "gyr", times)
    (one,), _ = read(describe(tmp_path))
    assert one.x[:, 0].tolist() == list(range(0, 30_001, 50))


def test_labels_and_recordings_in_columns(tmp_path):
    """The clock begins anew with trial b; the label is the accelerometer's, the trial both sensors'."""
    for sensor, step in (("acc", 50), ("gyr", 40)):
        lines = ["time,x,y,trial,act"]
        for trial in "ab":
            lines += [f"{t},{t},0,{trial},{'sit' if t < 1000 else 'run'}" for t in range(0, 2001, step)]
        (tmp_path / "ana/1-1").mkdir(parents=True, exist_ok=True)
        (tmp_path / f"ana/1-1/{sensor}.csv").write_text("\n".join(lines) + "\n")
    path = describe(tmp_path, more="recording: {column: trial}")
    path.write_text(path.read_text().replace(r"{pattern: '/(\w+)-\d'}", "{column: act}"))
    dataset = load_table("mine", path)
    found, rejects = read(path)
    assert [one.name for one in found] == ["ana/1-1:0", "ana/1-1:1"]
    for one in found:
        assert one.x[:, 0].tolist() == list(range(0, 2001, 50))
        assert [dataset.classes[y] for y in one.labels] == ["sit"] * 20 + ["run"] * 21
    assert rejects == {}
    assert all((one.labels == found[0].labels).all() for one in read(path, ("gyr_x",))[0]), "acc is read for its labels"


def test_what_belongs_together_may_be_said(tmp_path):
    for who in ("ana", "bo"):
        write(tmp_path, f"{who}/walk-1", "acc", range(0, 2001, 50))
        write(tmp_path, f"{who}/walk-2", "gyr", range(0, 2001, 50))
    with pytest.raises(DataError, match=r"acc\.csv and .*gyr\.csv: no files of different sources share 'a folder'"):
        read(describe(tmp_path))
    found, _ = read(describe(tmp_path, more=r"join: '(\w+)/'"))
    assert [one.name for one in found] == ["ana:0", "bo:0"]
    write(tmp_path, "bo/walk-1", "gyr", range(0, 2001, 50))
    with pytest.raises(DataError, match=r"walk-1/gyr\.csv and .*walk-2/gyr\.csv: both are gyr of 'bo'; say join"):
        read(describe(tmp_path, more=r"join: '(\w+)/'"))
    with pytest.raises(DataError, match=r"acc\.csv: join: the path does not match the pattern"):
        read(describe(tmp_path, more=r"join: '(cy)/'"))


def test_clocks_that_count_from_different_instants_are_told_apart(tmp_path):
    write(tmp_path, "ana/walk-1", "acc", range(0, 2001, 50))
    write(tmp_path, "ana/walk-1", "gyr", range(1_698_501_144_000, 1_698_501_146_001, 50))
    with pytest.raises(DataError, match=r"acc\.csv: its time is 0 to 2 s, that of gyr\.csv 1698501144 to 1698501146 s"):
        read(describe(tmp_path))


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("files: '*.csv'", "files: each of the sources says its own; put it there"),
        ("join: 'walk'", "join: 'walk' has no group in parentheses, expected one around each part that is shared"),
    ],
)
def test_what_a_descriptor_of_sources_cannot_say(tmp_path, more, message):
    with pytest.raises(GridError) as error:
        load_table("mine", describe(tmp_path, more=more))
    assert message in str(error.value)
    path = describe(tmp_path)
    path.write_text(path.read_text().replace("gyr_x: {", "acc_x: {"))
    with pytest.raises(GridError, match=r"sources\.gyr\.channels\.acc_x: is also a channel of acc"):
        load_table("mine", path)
    path.write_text(path.read_text().split("sources:")[0] + "presets: {p: {window_s: 1, stride_s: 1}}\n")
    with pytest.raises(GridError) as error:
        load_table("mine", path)
    assert [line.split(": ", 1)[1] for line in str(error.value).splitlines()] == [
        "files: this key is missing",
        "channels: this key is missing",
    ]


@pytest.mark.skipif("HAR_RAY_TEST_DATA" not in os.environ, reason="HAR_RAY_TEST_DATA is not set")
def test_raw_texts_of_wisdm_give_the_catalogues_windows(tmp_path):
    script = Path(os.environ["HAR_RAY_TEST_DATA"]) / "make_raw.py"
    subprocess.run([sys.executable, script, "wisdm-watch", tmp_path, "--subjects", "1600"], check=True)
    channels = WISDM_WATCH.presets["wrist"].channels
    sources = {}
    for name, kind, unit in (("acc", "accel", "m/s^2"), ("gyr", "gyro", "rad/s")):
        columns = {f"wrist_{name}_{axis}": {"column": 4 + i, "unit": unit} for i, axis in enumerate("xyz")}
        files = f"**/{kind}/data_*_{kind}_watch.txt"
        sources[name] = {"files": files, "time": {"column": 3, "unit": "ns"}, "channels": columns}
    path = tmp_path / "mine.yaml"
    path.write_text(
        r"""
rate_hz: 20
subject: {pattern: 'data_(\d+)_'}
label: {column: 2}
recording: {column: 2}
join: 'data_(\d+)_'
presets: {wrist: {window_s: 2, stride_s: 1}}
"""
        f"sources: {sources}\n"
    )
    ours = load_table("mine", path)
    expected = list(WISDM_WATCH.read(WISDM_WATCH.locate(tmp_path)[0], channels, Rejects()))
    found = [one for source in ours.locate(None) for one in ours.read(source, channels, Rejects())]
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        assert np.allclose(one.x, other.x, atol=1e-3)
        assert "ABCDEFGHIJKLMOPQRS"[other.labels[0]] == ours.classes[one.labels[0]]
    preset = WISDM_WATCH.presets["wrist"]
    assert sum(len(cut(one, preset, None).y) for one in found) == 3196
