"""Names of columns, files and folders that say less than they seem, and numbers that are none."""

import numpy as np
import openpyxl
import pytest

from har_ray.errors import DataError
from tests.data.guess.shapes import G, each, guessed, motion, plain, put, walk_and_run, windows


@pytest.mark.parametrize(
    ("names", "scale", "channels", "unit"),
    [
        (("gFx", "gFy", "gFz"), 1 / G, "acc", {"unit": "g"}),
        (("AcX", "AcY", "AcZ"), 16384 / G, "acc", {"unit": "g", "in_file": {"scale": 1 / 16384, "unit": "g"}}),
        (("wrist_ax", "wrist_ay", "wrist_az"), 1, "wrist_acc", {"unit": "m/s^2"}),
        (("Acc X [mg]", "Acc Y [mg]", "Acc Z [mg]"), 1000 / G, "acc", {"unit": "mg"}),
    ],
)
def test_sensors_by_short_names(tmp_path, names, scale, channels, unit):
    digits = 0 if scale > 100 else 4
    for person in (1, 2):
        rows = [
            f"{i / 25:.2f},{x * scale:.{digits}f},{y * scale:.{digits}f},{z * scale:.{digits}f},{label}"
            for i, label, x, y, z in walk_and_run(25, person)
        ]
        put(tmp_path / "raw" / f"p{person}.csv", [f"t,{','.join(names)},activity", *rows])
    content, questions = guessed(tmp_path)
    assert content["channels"] == {
        f"{channels}_{axis}": {"column": name} | unit for axis, name in zip("xyz", names, strict=True)
    }
    assert questions == []
    assert windows(tmp_path) == each("1", "2")


@pytest.mark.parametrize(
    ("names", "channels"),
    [
        (("acc", "acc", "acc"), {f"acc_{axis}": {"column": i, "unit": "m/s^2"} for i, axis in enumerate("xyz", 2)}),
        (
            ("acc", "acc.1", "acc.2"),
            {
                f"acc_{axis}": {"column": n, "unit": "m/s^2"}
                for axis, n in zip("xyz", ("acc", "acc.1", "acc.2"), strict=True)
            },
        ),
        (
            ("bend", "bend", "pull"),
            {"bend": {"column": 2}, "bend_2": {"column": 3}, "pull": {"column": "pull"}},
        ),
    ],
)
def test_no_column_is_lost_where_several_have_one_name(tmp_path, names, channels):
    for person in (1, 2):
        rows = [f"{i / 25:.2f},{x:.4f},{y:.4f},{z:.4f},{label}" for i, label, x, y, z in walk_and_run(25, person)]
        put(tmp_path / "raw" / f"p{person}.csv", [f"t,{','.join(names)},activity", *rows])
    assert guessed(tmp_path)[0]["channels"] == channels
    assert windows(tmp_path) == each("1", "2")


def test_what_does_not_point_anywhere_is_no_gravity(tmp_path):
    """As long as 1 g, of which nothing is left in the mean: a gyroscope in rad/s without a name, counts of another."""
    rng = np.random.default_rng(0)
    for person in (1, 2):
        turns = rng.normal(0, 0.6, (1000, 3))
        rows = [
            ",".join([f"{i / 25:.2f}", f"{x:.4f}", f"{y:.4f}", f"{z:.4f}", *(f"{one:.4f}" for one in turns[i])])
            + "".join(f",{one * 7000:.0f}" for one in turns[i])
            + f",{label}"
            for i, label, x, y, z in walk_and_run(25, person)
        ]
        put(tmp_path / "raw" / f"p{person}.csv", ["t,X,Y,Z,X,Y,Z,GyX,GyY,GyZ,activity", *rows])
    content, questions = guessed(tmp_path)
    assert content["channels"]["acc_x"] == {"column": 2, "unit": "m/s^2"}
    assert content["channels"]["sensor_x"] == {"column": 5}
    assert content["channels"]["gyr_x"] == {"column": "GyX", "unit": "deg/s"}
    assert questions == [
        "channels.sensor_x: in which unit?",
        "channels.gyr_x: or counts? Then say how much one is: in_file: {scale: ..., unit: deg/s}",
    ]


def test_linear_acceleration_is_not_taken_for_gravity(tmp_path):
    """Of about 1 m/s², which is the length of gravity in g."""
    for person in (1, 2):
        rows = [
            f"{i / 25:.2f},{x / 2:.4f},{y / 2:.4f},{(z - G) / 2:.4f},{label}"
            for i, label, x, y, z in walk_and_run(25, person)
        ]
        put(
            tmp_path / "raw" / f"p{person}.csv",
            ["t,userAcceleration.x,userAcceleration.y,userAcceleration.z,act", *rows],
        )
    content, questions = guessed(tmp_path)
    assert content["channels"]["user_acceleration_x"] == {"column": "userAcceleration.x"}
    assert questions == ["channels.user_acceleration_x: in which unit?"]


def test_minutes_and_a_sheet_for_each_person(tmp_path):
    rows = [(i / 25 / 60, x, y, z, label) for i, label, x, y, z in walk_and_run(25, 1)]
    book = openpyxl.Workbook()
    for name in ("P1", "P2"):
        sheet = book.create_sheet(name)
        sheet.append(("Time (min)", "ax", "ay", "az", "activity"))
        for row in rows:
            sheet.append(row)
    book.remove(book["Sheet"])
    (tmp_path / "raw").mkdir()
    book.save(tmp_path / "raw" / "all.xlsx")
    content, questions = guessed(tmp_path)
    assert (content["time"], content["rate_hz"]) == ({"column": "Time (min)", "unit": 60.0}, 25)
    assert content["format"] == {"sheet": "P1"}
    assert "format: of each file this sheet is read, and not P2" in questions


def test_a_number_that_stands_for_none(tmp_path):
    plain(tmp_path, (1, 2))
    path = tmp_path / "raw" / "p2.csv"
    lines = path.read_text().splitlines()
    for i in range(5, 1000, 200):
        lines[i] = ",".join([lines[i].split(",")[0], "-9999", "-9999", "-9999", lines[i].split(",")[-1]])
    path.write_text("\n".join(lines) + "\n")
    content, questions = guessed(tmp_path)
    assert content["format"] == {"missing": ["-9999"]}
    assert questions == ["format: does '-9999' stand for a missing value?"]
    assert windows(tmp_path) == each("1", "2")


def test_words_that_stand_for_no_number(tmp_path):
    plain(tmp_path, (1, 2))
    path = tmp_path / "raw" / "p2.csv"
    lines = path.read_text().splitlines()
    for i, word in ((5, "-"), (205, "ERR"), (405, "NaN"), (605, "-")):
        t, _, *rest = lines[i].split(",")
        lines[i] = ",".join([t, word, *rest])
    path.write_text("\n".join(lines) + "\n")
    content, questions = guessed(tmp_path)
    assert content["format"] == {"missing": ["-", "ERR"]}  # the reader knows NaN
    assert questions == ["format: do '-' and 'ERR' stand for missing values?"]
    assert windows(tmp_path) == each("1", "2")


def test_a_file_whose_columns_are_in_another_order_or_more(tmp_path):
    plain(tmp_path, (1, 2))
    plain(tmp_path, (3,), "activity,az,ay,ax,battery,t", "{label},{z:.4f},{y:.4f},{x:.4f},88,{t:.3f}")
    plain(tmp_path, (4,), "seconds,ax,ay,az,activity")
    (tmp_path / "raw" / "p4.csv").rename(tmp_path / "q4.csv")
    content, questions = guessed(tmp_path, "raw", "q4.csv")
    assert content["files"] == "raw/p*.csv"
    assert questions == []
    assert windows(tmp_path) == each("1", "2", "3")
    assert "left out: q4.csv: other columns: no 't'" in (tmp_path / "mine.yaml").read_text()


@pytest.mark.parametrize("sign", [" ", "'"])
def test_digits_in_groups_of_three(tmp_path, sign):
    """1 000 mg, and a comma before its fraction."""
    for person in (1, 2):
        rows = [
            f"{40 * i};"
            + ";".join(f"{v * 1000 / G:_.1f}".replace(".", ",").replace("_", sign) for v in xyz)
            + f";{label}"
            for i, label, *xyz in walk_and_run(25, person)
        ]
        put(tmp_path / "raw" / f"p{person}.csv", ["ms;ax;ay;az;activity", *rows])
    content, questions = guessed(tmp_path)
    assert content["format"] == {"thousands": sign}
    assert content["channels"]["acc_z"] == {"column": "az", "unit": "mg"}
    assert questions == []
    assert windows(tmp_path) == each("1", "2")


@pytest.mark.parametrize(("name", "asked"), [("Tätigkeit", []), ("was", ["label: is this what people did?"])])
def test_labels_in_another_language(tmp_path, name, asked):
    """Which is asked where neither the column's name nor a word in it is known."""
    plain(tmp_path, (1, 2), f"t,ax,ay,az,{name}")
    for path in (tmp_path / "raw").iterdir():
        path.write_text(path.read_text().replace("walk", "Gehen").replace("run", "Laufen"))
    content, questions = guessed(tmp_path)
    assert content["label"] == {"column": name}
    assert questions == asked
    assert windows(tmp_path) == each("1", "2", classes=("Gehen", "Laufen"))


def test_of_several_columns_of_words_none_is_taken(tmp_path):
    plain(tmp_path, (1, 2), "t,ax,ay,az,what,mood", "{t:.3f},{x:.4f},{y:.4f},{z:.4f},{label},{label}ly")
    for path in (tmp_path / "raw").iterdir():
        path.write_text(path.read_text().replace("walk", "tramp").replace("run", "dash"))
    content, _ = guessed(tmp_path)
    assert content["label"] is None


@pytest.mark.parametrize(
    ("ticks", "asked"),
    [
        (
            1311,
            [
                "time: in which unit does it count? As us its steps make 762.8 Hz, "
                "as 3.0517578125e-05 (of a clock of 32768 Hz) 24.99"
            ],
        ),
        (40_000, []),
    ],
)
def test_counts_of_no_unit_that_make_a_rate_of_no_device(tmp_path, ticks, asked):
    """1311 of 32,768 a second are 25 Hz, 40,000 us are, too."""
    plain(tmp_path, (1, 2))
    for path in (tmp_path / "raw").iterdir():
        _, *lines = path.read_text().splitlines()
        put(
            path,
            ["ticks,ax,ay,az,activity", *(f"{i * ticks},{line.partition(',')[2]}" for i, line in enumerate(lines))],
        )
    _, questions = guessed(tmp_path)
    assert questions == asked


def test_milliseconds_within_a_second_do_not_tell_the_time(tmp_path):
    plain(tmp_path, (1, 2), "sec,msec,ax,ay,az,activity", "{t:.3f},0,{x:.4f},{y:.4f},{z:.4f},{label}")
    for path in (tmp_path / "raw").iterdir():
        head, *lines = path.read_text().splitlines()
        rest = [line.split(",", 2)[2] for line in lines]
        put(path, [head, *(f"{100 + i // 25},{i % 25 * 40},{line}" for i, line in enumerate(rest))])
    content, _ = guessed(tmp_path)
    assert content["time"] == {"column": "sec", "unit": "s", "packets": True}
    assert windows(tmp_path) == each("1", "2")


def test_recordings_appended_to_a_file_with_the_names_again(tmp_path):
    plain(tmp_path, (1, 2))
    path = tmp_path / "raw" / "p2.csv"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:501], lines[0], *lines[501:]]) + "\n")
    content, questions = guessed(tmp_path)
    assert content["format"] == {"comment": "t,ax"}
    assert questions == []
    assert windows(tmp_path) == each("1", "2")


def test_seconds_and_nanoseconds_in_two_columns(tmp_path):
    plain(tmp_path, (1, 2), "sec,nsec,ax,ay,az,activity", "{t:.3f},{x:.4f},{y:.4f},{z:.4f},{label}")
    for path in (tmp_path / "raw").iterdir():
        head, *lines = path.read_text().splitlines()
        parts = [line.partition(",") for line in lines]
        put(path, [head, *(f"{17e8 + float(t) // 1:.0f},{float(t) % 1 * 1e9:.0f},{rest}" for t, _, rest in parts)])
    content, _ = guessed(tmp_path)
    assert content["time"] == {"column": "sec", "unit": "s", "packets": True}
    assert content["rate_hz"] == 25


@pytest.mark.parametrize("folders", [("brisk pace", "jogging slowly in the park"), ("brisk", "gentle")])
def test_folders_of_words_that_nobody_knows_are_proposed_as_labels(tmp_path, folders):
    for person in ("01", "02", "03"):
        for label in folders:
            rows = [f"{i / 25:.2f},{x:.4f},{y:.4f},{z:.4f}" for i, (x, y, z) in enumerate(motion(25, int(person)))]
            put(tmp_path / "raw" / label / f"VP {person}.csv", ["t,ax,ay,az", *rows])
    content, questions = guessed(tmp_path)
    assert content["subject"] == {"pattern": r" (\d+)"}
    assert content["label"] == {"pattern": "^[^/]+/([^/]+)/"}
    assert questions == [f"label: is it {', '.join(folders)} that people did?"]
    assert windows(tmp_path) == each("01", "02", "03", classes=folders)


def test_numbers_of_people_activities_and_trials_in_a_name(tmp_path):
    for person in (1, 2):
        for activity in (1, 2):
            rows = [f"{x:.4f} {y:.4f} {z:.4f}" for x, y, z in motion(50, 10 * person + activity)]
            put(tmp_path / "raw" / f"s{person:02}a{activity:02}t01_50Hz.txt", rows)
    content, questions = guessed(tmp_path)
    assert content["subject"] == {"pattern": r"s(\d+)"}
    assert content["label"] == {"pattern": r"a(\d+)"}
    assert questions == ["label: is it 01, 02 that people did?"]
    assert windows(tmp_path) == each("01", "02", classes=("01", "02"))


def test_who_and_what_are_asked_about_where_either_may_be_a_folder(tmp_path):
    for one in ("red", "blue"):
        for other in ("north", "south side"):
            rows = [f"{i / 25:.2f},{x:.4f},{y:.4f},{z:.4f}" for i, (x, y, z) in enumerate(motion(25, len(one + other)))]
            put(tmp_path / "raw" / one / other / "data.csv", ["t,ax,ay,az", *rows])
    _, questions = guessed(tmp_path)
    assert [question.partition(":")[0] for question in questions] == ["subject", "label"]


def test_labels_that_are_near_equal_numbers_are_one_class(tmp_path):
    plain(tmp_path, (1, 2))
    for person, words in ((1, ("1.0", "2.0")), (2, ("1", "2"))):
        path = tmp_path / "raw" / f"p{person}.csv"
        path.write_text(path.read_text().replace("walk", words[0]).replace("run", words[1]))
    content, questions = guessed(tmp_path)
    assert content["label"]["map"] == {"1.0": "1.0", "2.0": "2.0", "1": "1.0", "2": "2.0"}
    assert questions == ["label: 1.0, 2.0, 1, 2 are taken for one class"]
    assert windows(tmp_path) == each("1", "2", classes=("1.0", "2.0"))


def test_g_is_gravity_where_acceleration_is_measured_and_signs_of_patterns_may_be_in_names(tmp_path):
    names = [f"motion{sensor}{axis}(G)" for sensor in ("UserAcceleration", "Gravity") for axis in "XYZ"]
    for person in (1, 2):
        rows = [
            f"{i / 25:.2f},{x / G:.4f},{y / G:.4f},{z / G - 1:.4f},{0.1 * x / G:.4f},0.1,0.99,{label}"
            for i, label, x, y, z in walk_and_run(25, person)
        ]
        put(tmp_path / "raw [final]" / f"p{person} (1).csv", [f"t,{','.join(names)},activity", *rows])
    content, _ = guessed(tmp_path, "raw [final]")
    assert content["channels"]["motion_user_acceleration_x"] == {"column": names[0], "unit": "g"}
    assert content["channels"]["motion_gravity_acc_x"] == {"column": names[3], "unit": "g"}
    assert windows(tmp_path) == each("1", "2")


@pytest.mark.parametrize("separator", [":", "~", "::"])
def test_a_separator_that_is_not_known_is_what_is_said(tmp_path, separator):
    header, line = "t,ax,ay,az,activity", "{t:.3f},{x:.4f},{y:.4f},{z:.4f},{label}"
    plain(tmp_path, (1, 2), *(text.replace(",", separator) for text in (header, line)))
    with pytest.raises(DataError) as caught:
        guessed(tmp_path)
    said, end = str(caught.value).splitlines()
    first = header.replace(",", separator)
    assert (
        f"no known separator (, ; | tab, blanks) parts its lines, of which the first is '{first}'; a descriptor" in said
    )
    assert said.endswith("(and 1 more file with this fault)")
    assert end.endswith("no file holds a recording")


def test_words_alone_are_no_matter_of_the_separator(tmp_path):
    put(tmp_path / "raw" / "notes.txt", ["note", *["walked about"] * 30])
    with pytest.raises(DataError, match=r"notes\.txt: no column of numbers\n"):
        guessed(tmp_path)


def test_names_in_capitals_in_some_files(tmp_path):
    plain(tmp_path, (1, 2))
    plain(tmp_path, (3,), "T,Ay,Ax,AZ,Activity", "{t:.3f},{y:.4f},{x:.4f},{z:.4f},{label}")
    content, questions = guessed(tmp_path)
    assert str(content["time"]["column"]) == "{pattern: '(?i)^t$'}"
    assert str(content["channels"]["acc_x"]["column"]) == "{pattern: '(?i)^ax$'}"
    assert questions == []
    assert windows(tmp_path) == each("1", "2", "3")


def test_names_that_only_capitals_tell_apart(tmp_path):
    """Whose `T` is the time in the third file, nobody knows."""
    plain(tmp_path, (1, 2))
    plain(tmp_path, (3,), "T,t,ax,ay,az,Activity", "{t:.3f},{t:.3f},{x:.4f},{y:.4f},{z:.4f},{label}")
    guessed(tmp_path)
    assert "# left out: raw/p3.csv: other columns: no 'activity'" in (tmp_path / "mine.yaml").read_text()
