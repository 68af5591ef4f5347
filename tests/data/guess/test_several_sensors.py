"""Rows of several sensors in one file, and labels in one table for all files, by the look of the files alone."""

import json

import pytest

from tests.data.guess.shapes import G, each, guessed, motion, plain, put, walk_and_run, windows


def long_table(folder, words, column="sensor", late_ms=3):
    """Readings of an accelerometer and of a gyroscope in turn, at 25 Hz."""
    for person in (1, 2):
        rows = []
        for i, label, x, y, z in walk_and_run(25, person):
            rows.append(f"{40 * i},{words[0]},{x:.4f},{y:.4f},{z:.4f},{label}")
            rows.append(f"{40 * i + late_ms},{words[1]},{x:.4f},{y:.4f},{z - G:.4f},{label}")
        put(folder / "raw" / f"p{person}.csv", [f"time_ms,{column},x,y,z,activity", *rows])


FEWER = each("1", "2", classes=["walk"]) | each("1", "2", classes=["run"], count=18)
"""The last window would need one more reading of the first sensor."""


@pytest.mark.parametrize(
    "words",
    [
        ("ACCELEROMETER", "GYROSCOPE"),
        ("acc", "gyro"),
        ("android.sensor.accelerometer", "android.sensor.gyroscope"),
        ("LSM6 Accelerometer", "LSM6 Gyroscope"),
    ],
)
def test_rows_of_sensors_in_turn_are_sources(tmp_path, words):
    long_table(tmp_path, words)
    content, questions = guessed(tmp_path)
    acc, gyr = content["sources"]["acc"], content["sources"]["gyr"]
    assert (acc["files"], acc["rows"]) == ("raw/p*.csv", {"column": "sensor", "value": words[0]})
    assert gyr["rows"] == {"column": "sensor", "value": words[1]}
    assert acc["channels"]["acc_x"] == {"column": "x", "unit": "m/s^2"}
    assert gyr["channels"]["gyr_x"] == {"column": "x", "unit": "rad/s"}
    assert ("join" in content, content["rate_hz"]) == (False, 25)
    assert questions == ["sources.gyr.channels.gyr_x: or in deg/s? Its values are small"]
    assert windows(tmp_path) == FEWER


def test_rows_of_placements_in_turn_are_sources(tmp_path):
    long_table(tmp_path, ("left", "right"), column="side")
    content, _ = guessed(tmp_path)
    assert list(content["sources"]["left"]["channels"]) == ["left_acc_x", "left_acc_y", "left_acc_z"]
    assert windows(tmp_path) == FEWER


def test_files_of_each_wrist_are_sources(tmp_path):
    for person in (1, 2):
        for side, sign in (("L", 1), ("R", -1)):
            rows = [
                f"{i / 25:.2f},{sign * x:.4f},{y:.4f},{z:.4f},{label}" for i, label, x, y, z in walk_and_run(25, person)
            ]
            put(tmp_path / "raw" / f"p{person}_{side}.csv", ["t,ax,ay,az,activity", *rows])
    content, questions = guessed(tmp_path)
    assert {name: one["files"] for name, one in content["sources"].items()} == {
        "left": "raw/p*_L.csv",
        "right": "raw/p*_R.csv",
    }
    assert (content["subject"], content["join"], questions) == ({"pattern": r"p(\d+)"}, r"p(\d+)", [])
    assert windows(tmp_path) == each("1", "2")


def test_who_moves_the_sensor_from_left_to_right_has_one_sensor(tmp_path):
    for person in (1, 2):
        rows = [
            f"{40 * i},{'left' if i < 500 else 'right'},{x:.4f},{y:.4f},{z:.4f},{label}"
            for i, label, x, y, z in walk_and_run(25, person)
        ]
        put(tmp_path / "raw" / f"p{person}.csv", ["time_ms,side,x,y,z,activity", *rows])
    content, _ = guessed(tmp_path)
    assert "sources" not in content
    assert windows(tmp_path) == each("1", "2")


def test_readings_as_a_list_of_objects_whose_numbers_are_text(tmp_path):
    """As Sensor Logger exports JSON: about the phone first, then every reading with the name of its sensor."""
    for who in ("ana", "bo"):
        for label in ("walk", "run"):
            readings = [{"sensor": "Metadata", "version": "3", "device name": "phone"}]
            for i, values in enumerate(motion(25, len(who)).tolist()):
                for sensor, late in (("TotalAcceleration", 0), ("Gyroscope", 3_000_000)):
                    axes = dict(zip("xyz", (f"{value:.4f}" for value in values), strict=True))
                    ns = 1_697_813_424_000_000_000 + i * 40_000_000 + late
                    readings.append({"sensor": sensor, "time": str(ns), "seconds_elapsed": str(i / 25), **axes})
            put(tmp_path / "raw" / who / f"{label}-2023-10-20_14-50-24.json", [json.dumps(readings)])
    content, _ = guessed(tmp_path)
    assert content["sources"]["acc"]["rows"] == {"column": "sensor", "value": "TotalAcceleration"}
    assert content["label"] == {"pattern": "([A-Za-z]+)-"}
    assert windows(tmp_path) == each("ana", "bo", count=18)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["file,start,end,label", "{}.csv,0,20,walk", "{}.csv,20,40,run"], {"recording": "file"}),
        (
            ["recording;Start Time;Duration (s);Activity", "{};0,0;20,0;walk", "{};20,0;20,0;run"],
            {"recording": "recording", "start": "Start Time", "duration": "Duration (s)", "label": "Activity"},
        ),
        (
            ["path,begin_ms,end_ms,class", "raw/{}.csv,0,20000,walk", "raw/{}.csv,20000,40000,run"],
            {"recording": "path", "start": "begin_ms", "end": "end_ms", "label": "class", "unit": "ms"},
        ),
    ],
)
def test_one_table_of_intervals_for_all(tmp_path, lines, said):
    plain(tmp_path, (1, 2), "t,ax,ay,az", "{t:.2f},{x:.4f},{y:.4f},{z:.4f}")
    rows = [line.format(name) for name in ("p1", "p2") for line in lines[1:]]
    put(tmp_path / "labels.csv", [lines[0], *rows])
    content, questions = guessed(tmp_path, "raw", "labels.csv")
    assert content["label"] == {"intervals": {"files": "labels.csv", **said}}
    assert questions == []
    assert windows(tmp_path) == each("1", "2")


@pytest.mark.parametrize(
    ("where", "lines", "said"),
    [
        ("labels/{}.csv", ["start,label", "0,walk", "20,run"], {"files": "labels/{}.csv"}),
        (
            "switches.csv",
            ["file;Time (ms);Activity", "{};0;walk", "{};20000;run"],
            {"files": "switches.csv", "recording": "file", "start": "Time (ms)", "label": "Activity", "unit": "ms"},
        ),
    ],
)
def test_tables_that_say_only_when_something_began(tmp_path, where, lines, said):
    plain(tmp_path, (1, 2), "t,ax,ay,az", "{t:.2f},{x:.4f},{y:.4f},{z:.4f}")
    rows: dict[str, list[str]] = {}
    for name in ("p1", "p2"):
        rows.setdefault(where.format(name), []).extend(line.format(name) for line in lines[1:])
    for path, some in rows.items():
        put(tmp_path / path, [lines[0], *some])
    content, questions = guessed(tmp_path, "raw", where.split("/")[0])
    assert content["label"] == {"intervals": {**said, "until_next": True}}
    assert questions == ["label: does each last until the next one begins? else say end or duration"]
    assert windows(tmp_path) == each("1", "2")


@pytest.mark.parametrize(
    ("stamp", "times", "unit"),
    [("{t:.2f}", (0, 20, 40), {}), ("{ms}", (1_767_182_390_000, 1_767_182_410_000, 1_767_182_430_000), {"unit": "ms"})],
)
def test_one_table_of_everybodys_intervals(tmp_path, stamp, times, unit):
    """It says who, as the files' paths do, and counts as their stamps do."""
    for person in (1, 2):
        rows = [
            f"{stamp.format(t=i / 25, ms=1_767_182_390_000 + 40 * i)},{x:.4f},{y:.4f},{z:.4f}"
            for i, _, x, y, z in walk_and_run(25, person)
        ]
        put(tmp_path / "raw" / f"p{person}.csv", ["t,ax,ay,az", *rows])
    begin, middle, end = times
    lines = [f"{person},{begin},{middle},walk\n{person},{middle},{end},run" for person in (1, 2)]
    put(tmp_path / "labels.csv", ["person,start,end,label", *lines])
    content, questions = guessed(tmp_path, "raw", "labels.csv")
    assert content["label"] == {"intervals": {"files": "labels.csv", "subject": "person", **unit}}
    assert questions == []
    assert windows(tmp_path) == each("1", "2")


def presses(folder, who, said):
    """A session of Sensor Logger: its folder, a sensor, and keys that were pressed at 0 and at 20 s."""
    session, start = folder / who / f"{said}2025-12-31_11-59-50", 1_767_182_390_000_000_000
    rows = [
        f"{start + 40_000_000 * i},{i / 25:.2f},{z:.4f},{y:.4f},{x:.4f}" for i, _, x, y, z in walk_and_run(25, len(who))
    ]
    put(session / "TotalAcceleration.csv", ["time,seconds_elapsed,z,y,x", *rows])
    pressed = [f"{start},0.0,walk,54", f"{start + 20 * 10**9},20.0,run,61"]
    put(session / "Annotation.csv", ["time,seconds_elapsed,text,millisecond_press_duration", *pressed])


def test_key_presses_in_the_folder_of_each_recording(tmp_path):
    for who in ("ana", "bo"):
        presses(tmp_path, who, "")
    content, questions = guessed(tmp_path, "ana", "bo")
    assert content["label"] == {
        "intervals": {
            "files": "{}/Annotation.csv",
            "pattern": "^(.+)/[^/]+$",
            "start": "time",
            "label": "text",
            "until_next": True,
            "unit": "ns",
        }
    }
    assert questions == ["label: does each last until the next one begins? else say end or duration"]
    assert windows(tmp_path) == each("ana", "bo")


def test_what_a_folder_says_was_done_comes_before_key_presses(tmp_path):
    for who, said in (("ana", "walk-"), ("bo", "run-")):
        presses(tmp_path, who, said)
    content, questions = guessed(tmp_path, "ana", "bo")
    assert content["label"] == {"pattern": "/([A-Za-z]+)"}
    assert questions == []


def test_a_recording_with_a_label_and_no_end_is_no_table_of_intervals(tmp_path):
    plain(tmp_path, (1, 2), "time,ax,label", "{t:.2f},{x:.4f},{label}")
    content, _ = guessed(tmp_path)
    assert content["label"] == {"column": "label"}
    assert windows(tmp_path) == each("1", "2")


def test_a_row_for_each_value(tmp_path):
    """As databases of time series export them."""
    for person in (1, 2):
        rows = []
        for i, label, *values in walk_and_run(25, person):
            rows += [f"{40 * i},acc_{axis},{value:.4f},{label}" for axis, value in zip("xyz", values, strict=True)]
        put(tmp_path / "raw" / f"p{person}.csv", ["_time,_field,_value,label", *rows])
    content, _ = guessed(tmp_path)
    assert content["sources"]["acc_y"]["rows"] == {"column": "_field", "value": "acc_y"}
    assert [list(source["channels"]) for source in content["sources"].values()] == [["acc_x"], ["acc_y"], ["acc_z"]]
    assert windows(tmp_path) == each("1", "2")
