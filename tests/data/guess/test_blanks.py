"""Files in which each row is an event of one sensor and the cells of the others are blank.

Both sensors show a walk and a run of 20 s each; the gyroscope is the accelerometer without gravity, 3 ms later.
"""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import har_ray
from har_ray.data.dataset import Rejects
from har_ray.data.own.dataset import load_table
from tests.data.guess.shapes import G, each, guessed, plain, put, walk_and_run, windows

NAMES = [f"{sensor}_{axis}" for sensor in ("acc", "gyr") for axis in "xyz"]
SMALL = "sources.gyr.channels.gyr_x: or in deg/s? Its values are small"
LAST_LACKS = each("1", "2", classes=["walk"]) | each("1", "2", classes=["run"], count=18)
"""The last window would need an accelerometer's reading 3 ms after its last."""


def events(person, rates_hz=(50, 50), late_ms=3):
    """(ms, sensor, x, y, z, label) in the order of time."""
    found = [
        (round(1000 * i / rate_hz) + late_ms * sensor, sensor, x, y, z - G * sensor, label)
        for sensor, rate_hz in enumerate(rates_hz)
        for i, label, x, y, z in walk_and_run(rate_hz, person)
    ]
    return sorted(found)


def rows_of(some, blank="", said=lambda sensor, label: label):
    """A line for each time: events of the same time share one."""
    cells: dict[int, list[str]] = {}
    for ms, sensor, *values, label in some:
        row = cells.setdefault(ms, [*[blank] * 6, ""])
        row[3 * sensor : 3 * sensor + 3] = [f"{value:.4f}" for value in values]
        row[6] = row[6] or said(sensor, label)
    return [",".join([str(ms), *row]) for ms, row in cells.items()]


def one_file(folder, header=("time_ms", *NAMES, "label"), **how):
    rates = {key: how.pop(key) for key in ("rates_hz", "late_ms") if key in how}
    for person in (1, 2):
        top = [",".join(header)] if header else []
        put(folder / "raw" / f"p{person}.csv", [*top, *rows_of(events(person, **rates), **how)])


def two_files(folder, **rates):
    for person in (1, 2):
        for at, name in enumerate(("acc", "gyr")):
            rows = [
                f"{ms},{x:.4f},{y:.4f},{z:.4f},{label}"
                for ms, sensor, x, y, z, label in events(person, **rates)
                if sensor == at
            ]
            put(folder / "raw" / f"p{person}_{name}.csv", ["time_ms,x,y,z,label", *rows])


def cut(folder):
    """Windows `[n, 100, 6]` and their labels."""
    found = har_ray.windows(str(folder / "mine.yaml"))
    return found.x, [found.classes[y] for y in found.y]


@pytest.mark.parametrize("blank", ["", "NaN", "null"])
def test_cells_that_are_blank_in_turn_are_of_sources(tmp_path, blank):
    one_file(tmp_path, blank=blank)
    content, questions = guessed(tmp_path)
    acc, gyr = content["sources"]["acc"], content["sources"]["gyr"]
    assert (acc["files"], acc["rows"]) == ("raw/p*.csv", {"column": "acc_x"})
    assert acc["channels"] == {f"acc_{axis}": {"column": f"acc_{axis}", "unit": "m/s^2"} for axis in "xyz"}
    assert gyr["rows"] == {"column": "gyr_x"}
    assert list(gyr["channels"]) == ["gyr_x", "gyr_y", "gyr_z"]
    assert ("join" in content, content["rate_hz"], questions) == (False, 50, [SMALL])
    assert windows(tmp_path) == LAST_LACKS


@pytest.mark.parametrize(
    "rates",
    [
        {"rates_hz": (50, 50)},
        {"rates_hz": (50, 20)},
        {"rates_hz": (25, 100)},
        {"rates_hz": (50, 20), "late_ms": 0},
        {"rates_hz": (50, 25), "late_ms": 0},
    ],
    ids=str,
)
def test_windows_are_those_of_a_file_for_each_sensor(tmp_path, rates):
    """Also where the slower sensor's rows are every second of the other's, or where some are and some are not."""
    one_file(tmp_path / "one", **rates)
    two_files(tmp_path / "two", **rates)
    for folder in (tmp_path / "one", tmp_path / "two"):
        guessed(folder)
    (x, labels), (theirs, same_labels) = cut(tmp_path / "one"), cut(tmp_path / "two")
    assert labels == same_labels
    assert len(labels) == 2 * (19 + 18)
    assert np.array_equal(x, theirs)
    assert x[..., 2].mean() == pytest.approx(G, abs=0.1)


def test_values_are_on_lines_between_the_readings_of_their_sensor(tmp_path):
    """An accelerometer at 0, 20, 40 ms whose z is G and a thousandth of them; a gyroscope 3 ms after it that counts."""
    for person in (1, 2):
        rows = []
        for i in range(500):
            rows.append(f"{20 * i},0.1,0.2,{9.8 + i / 50:.4f},,,,walk" if i < 250 else f"{20 * i},1,2,9,,,,run")
            rows.append(f"{20 * i + 3},,,,{i / 100},0.5,0.25,{'walk' if i < 250 else 'run'}")
        put(tmp_path / "raw" / f"p{person}.csv", [",".join(("time_ms", *NAMES, "label")), *rows])
    guessed(tmp_path)
    dataset = load_table("mine", tmp_path / "mine.yaml")
    first = next(dataset.read(dataset.locate(None)[0], ("acc_z", "gyr_x"), Rejects()))
    # The first instant is 3 ms: 3/20 of the way from 9.8 to 9.82, and the gyroscope's first reading.
    assert first.x[:2].tolist() == [pytest.approx([9.803, 0]), pytest.approx([9.823, 0.01])]


def test_no_names(tmp_path):
    one_file(tmp_path, header=None)
    content, _ = guessed(tmp_path)
    assert content["sources"]["acc"]["rows"] == {"column": 2}
    assert [one["column"] for one in list(content["sources"].values())[1]["channels"].values()] == [5, 6, 7]
    assert windows(tmp_path) == LAST_LACKS


def test_null_in_parquet(tmp_path):
    for person in (1, 2):
        rows = [line.split(",") for line in rows_of(events(person))]
        columns = {name: [float(row[i]) if row[i] else None for row in rows] for i, name in enumerate(NAMES, 1)}
        table = {"time_ms": [int(row[0]) for row in rows], **columns, "label": [row[7] for row in rows]}
        (tmp_path / "raw").mkdir(exist_ok=True)
        pq.write_table(pa.table(table), tmp_path / "raw" / f"p{person}.parquet")
    content, questions = guessed(tmp_path)
    assert (list(content["sources"]), questions) == (["acc", "gyr"], [SMALL])
    assert windows(tmp_path) == LAST_LACKS


def test_the_sensor_whose_rows_have_the_labels_comes_first(tmp_path):
    one_file(tmp_path, said=lambda sensor, label: label if sensor else "")
    content, questions = guessed(tmp_path)
    assert (list(content["sources"]), content["label"], questions) == (["gyr", "acc"], {"column": "label"}, [SMALL])
    assert windows(tmp_path) == LAST_LACKS


def marked(person, every, alone):
    """Labels in every so many-th line, or in a line of their own before it; 0: where they change."""
    last = ""
    for i, line in enumerate(rows_of(events(person))):
        cells, _, label = line.rpartition(",")
        begins = i % every == 0 if every else label != last
        last = label
        if begins and alone:
            yield f"{line.partition(',')[0]},,,,,,,{label}"
        yield f"{cells},{label if begins and not alone else ''}"


@pytest.mark.parametrize("alone", [False, True])
@pytest.mark.parametrize("every", [0, 10, 100])
def test_labels_that_few_rows_have_last_until_the_next(tmp_path, every, alone):
    for person in (1, 2):
        put(
            tmp_path / "raw" / f"p{person}.csv", [",".join(("time_ms", *NAMES, "label")), *marked(person, every, alone)]
        )
    content, questions = guessed(tmp_path)
    assert content["label"] == {"column": "label", "until_next": True}
    assert questions == [SMALL, "label: does each last until the next one? most rows have none"]
    assert windows(tmp_path) == LAST_LACKS


def test_rows_without_a_label_are_of_no_class_where_others_have_theirs(tmp_path):
    """10 s of each person's walk have none in the accelerometer's rows, and none is in the gyroscope's."""
    for person in (1, 2):
        lines = [
            line.rpartition(",")[0] + "," if at % 2 or 200 <= at < 1200 else line
            for at, line in enumerate(rows_of(events(person)))
        ]
        put(tmp_path / "raw" / f"p{person}.csv", [",".join(("time_ms", *NAMES, "label")), *lines])
    content, questions = guessed(tmp_path)
    assert (content["label"], questions) == ({"column": "label"}, [SMALL])
    # Labelled are 0 to 2 s and 12 to 20 s; the first window begins at 3 ms.
    assert windows(tmp_path) == each("1", "2", classes=["walk"], count=1 + 7) | each(
        "1", "2", classes=["run"], count=18
    )


def test_a_heart_rate_with_rows_of_its_own_is_no_part_of_the_sensors(tmp_path):
    for person in (1, 2):
        lines = rows_of(events(person))
        lines = [f"{line.rpartition(',')[0]},,{line.rpartition(',')[2]}" for line in lines]
        pulses = [f"{1000 * s + 7},,,,,,,{60 + s % 9},{'walk' if s < 20 else 'run'}" for s in range(40)]
        lines = sorted([*lines, *pulses], key=lambda line: int(line.partition(",")[0]))
        put(tmp_path / "raw" / f"p{person}.csv", [",".join(("time_ms", *NAMES, "hr", "label")), *lines])
    content, questions = guessed(tmp_path)
    assert (list(content["sources"]), questions) == (["acc", "gyr"], [SMALL])
    assert "# not taken: hr" in (tmp_path / "mine.yaml").read_text()
    assert windows(tmp_path) == LAST_LACKS


def test_one_sensor_between_rows_of_others_has_those_rows(tmp_path):
    for person in (1, 2):
        lines = [f"{40 * i},{x:.4f},{y:.4f},{z:.4f},,{label}" for i, label, x, y, z in walk_and_run(25, person)]
        pulses = [f"{1000 * s + 7},,,,{60 + s % 9},{'walk' if s < 20 else 'run'}" for s in range(40)]
        lines = sorted([*lines, *pulses], key=lambda line: int(line.partition(",")[0]))
        put(tmp_path / "raw" / f"p{person}.csv", ["time_ms,ax,ay,az,hr,label", *lines])
    content, questions = guessed(tmp_path)
    assert (content["rows"], content["rate_hz"], questions) == ({"column": "ax"}, 25, [])
    assert list(content["channels"]) == ["acc_x", "acc_y", "acc_z"]
    assert windows(tmp_path) == each("1", "2")


def test_single_values_in_turn(tmp_path):
    for person in (1, 2):
        lines = []
        for i, label, x, y, _ in walk_and_run(25, person):
            lines += [f"{40 * i},{x:.4f},,{label}", f"{40 * i + 3},,{y:.4f},{label}"]
        put(tmp_path / "raw" / f"p{person}.csv", ["time_ms,bvp,eda,label", *lines])
    content, _ = guessed(tmp_path)
    assert [source["rows"] for source in content["sources"].values()] == [{"column": "bvp"}, {"column": "eda"}]
    assert windows(tmp_path) == LAST_LACKS


def lossy(folder, lost):
    """Both sensors in each row, without what `lost` of a row's number and a column's (0 to 5) says."""
    for person in (1, 2):
        rows = []
        for i, label, x, y, z in walk_and_run(25, person):
            cells = [f"{value:.4f}" for value in (x, y, z, x, y, z - G)]
            cells = ["" if lost(i, at) else cell for at, cell in enumerate(cells)]
            rows.append(",".join([str(40 * i), *cells, label]))
        put(folder / "raw" / f"p{person}.csv", [",".join(("time_ms", *NAMES, "label")), *rows])


@pytest.mark.parametrize(
    "lost",
    [
        lambda i, at: False,
        lambda i, at: i % 23 == 5,
        lambda i, at: i % 23 == 3 * (at // 3),
        lambda i, at: i % 10 == 3 * (at // 3),
        lambda i, at: at >= 3 and i % 7 in (1, 2),
        lambda i, at: i % 11 == at,
        lambda i, at: at == 4 and i % 5 == 2,
        lambda i, at: at >= 3 and i % 100 < 8,
    ],
    ids=["nothing", "rows", "a few of each", "a tenth of each", "two of seven", "cells", "an axis", "stretches"],
)
def test_a_file_with_missing_readings_is_of_one_source(tmp_path, lost):
    lossy(tmp_path, lost)
    content, questions = guessed(tmp_path)
    assert ("sources" in content, "rows" in content) == (False, False)
    assert list(content["channels"]) == NAMES
    assert questions == ["channels.gyr_x: or in deg/s? Its values are small"]
    lossless = tmp_path / "lossless"
    lossy(lossless, lambda i, at: False)
    assert content == guessed(lossless)[0]


@pytest.mark.parametrize("first", [0, 1])
def test_a_sensor_that_begins_when_another_ends_takes_no_turns(tmp_path, first):
    lossy(tmp_path, lambda i, at: (at // 3 == first) == (i >= 500))
    assert "sources" not in guessed(tmp_path)[0]


def test_a_plain_file_is_as_before(tmp_path):
    plain(tmp_path)
    assert "rows" not in guessed(tmp_path)[0]
