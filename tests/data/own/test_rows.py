"""Rows of several sensors in one file become channels of one recording; values are known at every instant."""

import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import har_ray
from har_ray.data.dataset import Rejects
from har_ray.data.own.dataset import load_table
from har_ray.data.own.words import LastingLabels
from har_ray.errors import DataError, GridError

DESCRIPTOR = r"""
rate_hz: 20
subject: {pattern: 'p(\d)'}
label: {column: act, no_class: [none, ""]}
sources:
  acc:
    files: 'raw/*.csv'
    rows: {column: sensor, value: acc}
    time: {column: t, unit: ms}
    channels: {acc_x: {column: x, unit: m/s^2}, acc_y: {column: y, unit: m/s^2}}
  gyr:
    files: 'raw/*.csv'
    rows: {column: sensor, value: gyr}
    time: {column: t, unit: ms}
    channels: {gyr_x: {column: x, unit: rad/s}}
presets:
  p: {window_s: 1, stride_s: 1}
"""
ALL = ("acc_x", "acc_y", "gyr_x")
DOCS = Path(__file__).parents[3] / "docs" / "own-recordings.md"


def readings(sensor, times_ms, scale, act=lambda t: "walk"):
    """x is `scale` times the time, so that every interpolated value is known; y is one more."""
    return [(t, f"{t},{sensor},{scale * t},{scale * t + 1},{act(t)}") for t in times_ms]


def write(folder, descriptor=DESCRIPTOR, **files):
    (folder / "raw").mkdir(exist_ok=True)
    for name, some in files.items():
        lines = [line for _, line in sorted(some)]
        (folder / "raw" / f"{name}.csv").write_text("\n".join(["t,sensor,x,y,act", *lines]) + "\n")
    path = folder / "mine.yaml"
    path.write_text(descriptor)
    return path


def read(path, channels=ALL):
    dataset, rejects = load_table("mine", path), Rejects()
    found = [one for source in dataset.locate(None) for one in dataset.read(source, channels, rejects)]
    return dataset, found, dict(rejects.counts)


def test_rows_of_two_sensors_become_one_recording(tmp_path):
    """acc every 50 ms from 0, gyr every 40 from 20, and temperatures whose label is no class: instants from 20 on."""
    one = [
        *readings("acc", range(0, 2001, 50), 1, lambda t: "walk" if t < 1000 else "run"),
        *readings("gyr", range(20, 1821, 40), 10, lambda t: "wrong"),
        (7, "7,temp,21,,warm"),
    ]
    two = [*readings("acc", range(0, 1001, 50), 2), *readings("gyr", range(0, 1001, 50), -1)]
    dataset, (first, second), rejects = read(write(tmp_path, p1=one, p2=two))
    t = np.arange(20, 1821, 50)
    assert (first.name, first.subject, first.rate_hz) == ("raw/p1.csv:0", "1", 20)
    assert np.allclose(first.x, np.stack([t, t + 1, 10 * t], axis=1))
    assert second.x[[0, -1]].tolist() == [[0, 1, 0], [2000, 2001, -1000]]
    assert (dataset.classes, dataset.samples) == (("run", "walk"), 41 + 21), (
        "labels are those of the first source's rows"
    )
    assert dataset.labelled == {"1": {"walk": 20, "run": 21}, "2": {"walk": 21}}
    assert [dataset.classes[y] for y in first.labels] == ["walk"] * 20 + ["run"] * 17
    assert rejects == {"acc reading without one of the other sources at its time": 1 + 4}


def test_rows_of_one_sensor_alone(tmp_path):
    """Not joined, so as they were recorded; a fault is named by its line in the file."""
    alone = DESCRIPTOR.partition("sources:")[0] + (
        "files: 'raw/*.csv'\nrows: {column: sensor, value: acc}\ntime: {column: t, unit: ms}\n"
        "channels: {acc_x: x}\npresets: {p: {window_s: 1, stride_s: 1}}\n"
    )
    rows = [*readings("acc", range(0, 2001, 50), 1), *readings("gyr", range(1, 2002, 50), 5)]
    path = write(tmp_path, alone, p1=rows)
    _, (one,), rejects = read(path, ("acc_x",))
    assert (one.x[:, 0].tolist(), rejects) == (list(range(0, 2001, 50)), {})
    file = tmp_path / "raw" / "p1.csv"
    file.write_text(file.read_text().replace("100,acc,100", "1OO,acc,100"))
    with pytest.raises(DataError, match=r"p1\.csv: line 6: column 1 \(t\) is '1OO', expected a number"):
        read(path, ("acc_x",))


def test_a_file_may_lack_a_sensor_but_not_all(tmp_path):
    both = [*readings("acc", range(0, 1001, 50), 1), *readings("gyr", range(0, 1001, 50), 1)]
    path = write(tmp_path, p1=both, p2=readings("acc", range(0, 1001, 50), 1))
    _, found, rejects = read(path)
    assert [one.subject for one in found] == ["1"]
    assert rejects == {"acc reading without one of the other sources at its time": 21}
    _, found, _ = read(path, ("acc_x",))
    assert [one.subject for one in found] == ["1", "2"]
    path.write_text(DESCRIPTOR.replace("value: gyr", "value: gyro"))
    with pytest.raises(
        DataError, match=r":13: sources\.gyr\.rows\.value: value 'gyro' is unknown; did you mean 'gyr'\?"
    ):
        read(path)


BLANKS = (
    DESCRIPTOR.replace("{column: sensor, value: acc}", "{column: x}")
    .replace("{column: sensor, value: gyr}", "{column: wx}")
    .replace("gyr_x: {column: x,", "gyr_x: {column: wx,")
)


def in_turn(folder, descriptor=BLANKS, missing="", **files):
    """Readings (ms, acc or gyr, x) as a row each, in which the other sensor's cells are blank."""
    path = write(folder, descriptor, **dict.fromkeys(files, ()))
    for name, some in files.items():
        lines = [
            f"{t},{x},{x + 1},{missing},walk" if sensor == "acc" else f"{t},{missing},{missing},{x},"
            for t, sensor, x in sorted(some)
        ]
        (folder / "raw" / f"{name}.csv").write_text("\n".join(["t,x,y,wx,act", *lines]) + "\n")
    return path


@pytest.mark.parametrize("missing", ["", "NaN"])
def test_rows_that_a_column_fills(tmp_path, missing):
    """acc every 50 ms from 0, gyr every 40 from 20: values of one lie on lines between its own readings."""
    rows = [*((t, "acc", t) for t in range(0, 2001, 50)), *((t, "gyr", 10 * t) for t in range(20, 1821, 40))]
    dataset, (one,), rejects = read(in_turn(tmp_path, missing=missing, p1=rows))
    t = np.arange(20, 1821, 50)
    assert np.array_equal(one.x, np.stack([t, t + 1, 10 * t], axis=1))
    assert rejects == {"acc reading without one of the other sources at its time": 1 + 4}
    assert (dataset.samples, dataset.labelled) == (41, {"1": {"walk": 41}})


def test_rows_that_a_column_fills_are_those_of_any_preset(tmp_path):
    """y is read of the rows that x fills, whether x is asked for or not."""
    rows = [*((t, "acc", t) for t in range(0, 2001, 50)), *((t, "gyr", 10 * t) for t in range(20, 1821, 40))]
    _, (one,), rejects = read(in_turn(tmp_path, p1=rows), ("acc_y",))
    assert (one.x[:, 0].tolist(), rejects) == ([t + 1 for t in range(0, 2001, 50)], {})


def test_a_column_that_no_row_fills_is_named(tmp_path):
    with pytest.raises(
        DataError, match=r"mine\.yaml:13: sources\.gyr\.rows\.column: no row has a number in column 'wx'$"
    ):
        read(in_turn(tmp_path, p1=[(t, "acc", t) for t in range(0, 2001, 50)]))


def word_batch(labels, subjects):
    columns = [pa.array(column).dictionary_encode() for column in (labels, subjects)]
    return pa.record_batch(columns, names=["act", "who"])


def test_labels_last_until_the_next_of_the_same_subject():
    """From batch to batch too."""
    lasting = LastingLabels("act", "who")
    batches = [
        word_batch(["", "walk", "", " run", ""], list("aaaaa")),
        word_batch(["", "", "sit", ""], list("abbb")),
        word_batch(["", ""], list("bc")),
        word_batch([], []).cast(word_batch([""], [""]).schema),
        word_batch(["", "stand", ""], list("ccd")),
    ]
    assert [[word.strip() for word in lasting.filled(batch)["act"].to_pylist()] for batch in batches] == [
        ["", "walk", "walk", "run", "run"],
        ["run", "", "sit", "sit"],
        ["sit", ""],
        [],
        ["", "stand", ""],
    ]


def test_labels_of_any_row_last_until_the_next(tmp_path):
    """Walking is noted in a row of the gyroscope before the one at 200 ms, running in one of neither at 1,010 ms."""
    descriptor = BLANKS.replace("{column: act, no", "{column: act, until_next: true, no")
    path = write(tmp_path, descriptor, p1=[])
    rows = [(t, f"{t},{t},{t + 1},,") for t in range(0, 2001, 50)]
    rows += [(t, f"{t},,,{10 * t},{'walk' if t == 200 else ''}") for t in range(0, 2001, 40)]
    lines = [line for _, line in sorted([*rows, (1010, "1010,,,,run")])]
    (tmp_path / "raw" / "p1.csv").write_text("\n".join(["t,x,y,wx,act", *lines]) + "\n")
    dataset, (one,), rejects = read(path)
    assert [dataset.classes[y] if y >= 0 else "" for y in one.labels] == [""] * 4 + ["walk"] * 17 + ["run"] * 20
    assert (dataset.labelled, rejects) == ({"1": {"walk": 17, "run": 20}}, {})
    path.write_text(descriptor.replace("column: act", "pattern: '(p)'"))
    with pytest.raises(GridError, match="label: until_next is of labels in a column"):
        read(path)


def test_interleaved_rows_need_time_stamps(tmp_path):
    path = write(tmp_path, DESCRIPTOR.replace("    time: {column: t, unit: ms}\n", "", 1), p1=[])
    with pytest.raises(GridError, match=r"sources\.acc\.rows: others lie between these rows, so that only time"):
        read(path)


def test_the_example_in_the_documents_reads_such_files(tmp_path):
    section = DOCS.read_text().partition("## Several sensors, one file")[2]
    (text,) = re.findall(r"```yaml\n(.*?)```", section.partition("## ")[0], re.DOTALL)
    for person in (1, 2, 3):
        rows = []
        for i in range(1000):
            label, at = ("walk", "run")[i // 500], 1_700_000_000_000 + 40 * i
            rows.append(f"{at},ACCELEROMETER,{np.sin(person * i):.3f},{np.cos(i):.3f},9.81,{label}")
            rows.append(f"{at + 3},GYROSCOPE,{np.cos(person * i):.3f},{np.sin(i):.3f},0.1,{label}")
        (tmp_path / "raw").mkdir(exist_ok=True)
        (tmp_path / "raw" / f"p{person}.csv").write_text("\n".join(["time,sensor,x,y,z,activity", *rows]) + "\n")
    (tmp_path / "mine.yaml").write_text(text)
    windows = har_ray.windows(str(tmp_path / "mine.yaml"))
    assert windows.channels == ("acc_x", "acc_y", "acc_z", "gyr_x", "gyr_y", "gyr_z")
    assert windows.x.shape == (3 * (19 + 18), 50, 6), (
        "the last instant would need a gyroscope's reading of 3 ms earlier"
    )
    assert windows.x[..., 2].mean() == pytest.approx(9.81)
