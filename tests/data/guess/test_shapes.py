"""A descriptor by the look of files alone says what is in them, and gives the right windows as it is."""

import json
import zipfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from har_ray.data.guess.descriptor import guess, open_questions
from har_ray.data.guess.soundness import check
from har_ray.errors import DataError
from tests.data.guess.shapes import G, each, guessed, motion, plain, put, walk_and_run, windows

CHANNELS = {f"acc_{axis}": {"column": f"a{axis}", "unit": "m/s^2"} for axis in "xyz"}


def test_all_of_a_plain_table(tmp_path):
    plain(tmp_path)
    content, questions = guessed(tmp_path)
    assert content == {
        "files": "raw/p*.csv",
        "rate_hz": 25,
        "time": {"column": "t", "unit": "s"},
        "subject": {"pattern": r"p(\d+)"},
        "label": {"column": "activity"},
        "channels": CHANNELS,
        "presets": {"all": {"window_s": 2, "stride_s": 1}},
    }
    assert questions == []
    assert windows(tmp_path) == each("1", "2", "3")


@pytest.mark.parametrize(
    ("header", "line", "time"),
    [
        ("time,ax,ay,az,activity", "{t:.0f}.{ms:03.0f},{x},{y},{z},{label}", {"column": "time", "unit": "s"}),
        ("ms,ax,ay,az,activity", "{count},{x},{y},{z},{label}", {"column": "ms", "unit": "ms"}),
        ("Time (s);ax;ay;az;activity", "{t};{x};{y};{z};{label}", {"column": "Time (s)", "unit": "s"}),
        (
            "stamp,ax,ay,az,activity",
            "2021-03-24 10:00:{second:06.3f},{x},{y},{z},{label}",
            {"column": "stamp"},
        ),
        (
            "stamp,ax,ay,az,activity",
            "24.03.2021 10:00:{second:06.3f},{x},{y},{z},{label}",
            {"column": "stamp", "format": "%d.%m.%Y %H:%M:%S.%f"},
        ),
        ("t,ax,ay,az,activity", "{day:.9f},{x},{y},{z},{label}", {"column": "t", "format": "excel"}),
    ],
    ids=["split", "milliseconds", "semicolons", "iso", "day-first", "serial days"],
)
def test_time(tmp_path, header, line, time):
    for person in (1, 2):
        rows = []
        for i, label, *xyz in walk_and_run(25, person):
            t = i / 25
            decimal = [f"{v:.4f}".replace(".", ",") if ";" in header else f"{v:.4f}" for v in (t, *xyz)]
            said = dict(zip("txyz", decimal, strict=True))
            if "{ms" in line:
                said["t"] = i // 25
            rows.append(
                line.format(**said, label=label, count=40 * i, ms=40 * (i % 25), second=t, day=45_227 + t / 86_400)
            )
        put(tmp_path / "raw" / f"p{person}.csv", [header, *rows])
    content, questions = guessed(tmp_path)
    assert content["time"] == time
    assert questions == []
    assert windows(tmp_path) == each("1", "2")


def test_ambiguous_dates_are_asked_about(tmp_path):
    for person in (1, 2):
        rows = [
            f"04/03/2021 10:00:{i / 25:06.3f},{x:.3f},{y:.3f},{z:.3f},{label}"
            for i, label, x, y, z in walk_and_run(25, person)
        ]
        put(tmp_path / "raw" / f"p{person}.csv", ["stamp,ax,ay,az,activity", *rows])
    content, questions = guessed(tmp_path)
    assert content["time"]["format"] == "%d/%m/%Y %H:%M:%S.%f"
    assert len(questions) == 1
    assert "%m/%d/%Y" in questions[0]


def test_packets_and_disorder(tmp_path):
    for person in (1, 2):
        lines = [
            f"{i // 5 * 0.2:.1f},{x:.4f},{y:.4f},{z:.4f},{label}" for i, label, x, y, z in walk_and_run(25, person)
        ]
        put(tmp_path / "packets" / f"p{person}.csv", ["t,ax,ay,az,activity", *lines])
        lines = [f"{i / 25:.2f},{x:.4f},{y:.4f},{z:.4f},{label}" for i, label, x, y, z in walk_and_run(25, person)]
        swapped = [line for at in range(0, 1000, 20) for line in (*lines[at + 10 : at + 20], *lines[at : at + 10])]
        put(tmp_path / "late" / f"p{person}.csv", ["t,ax,ay,az,activity", *swapped])
    content, questions = guessed(tmp_path, "packets")
    assert content["time"]["packets"] is True
    assert content["rate_hz"] == 25
    assert questions == []
    assert windows(tmp_path) == each("1", "2")
    content, questions = guessed(tmp_path, "late")
    assert 0.76 <= content["time"]["disorder_s"] < 1  # the first row of ten comes 19 rows of 40 ms late
    assert questions == []
    assert windows(tmp_path) == each("1", "2")


def test_files_of_different_units_and_rates(tmp_path):
    for person, unit, rate_hz in ((1, G, 25), (2, 1, 25), (3, 1, 50)):
        rows = [
            f"{i / rate_hz:.2f},{x / unit:.5f},{y / unit:.5f},{z / unit:.5f},{label}"
            for i, label, x, y, z in walk_and_run(rate_hz, person)
        ]
        put(tmp_path / "raw" / f"p{person}.csv", ["t,ax,ay,az,activity", *rows])
    content, questions = guessed(tmp_path)
    assert content["channels"] == CHANNELS
    assert content["units"] == [{"files": "raw/p1.csv", "channels": "acc_*", "in_file": "g"}]
    assert content["rate_hz"] == "auto"
    assert content["presets"]["all"]["rate_hz"] == 25
    assert questions == ["channels.acc_x: 1 of 3 files are in another unit, by gravity; see units:"]
    assert windows(tmp_path) == each("1", "2", "3")


def test_interleaved_devices_and_a_word_for_no_class(tmp_path):
    for person in "ab":
        rows = []
        for i, label, x, y, z in walk_and_run(25, ord(person)):
            for device, late_ms in (("gear", 0), ("lg", 17)):
                said = "null" if i < 25 else label
                rows.append(f"{40 * i + late_ms},{x:.4f},{y:.4f},{z:.4f},{person},{device},{said}")
        put(tmp_path / "raw" / f"watch_{person}.csv", ["time_ms,x,y,z,User,Device,gt", *rows])
    content, questions = guessed(tmp_path)
    assert content["subject"] == {"column": "User"}
    assert content["recording"] == {"column": "Device"}
    assert content["label"] == {"column": "gt", "no_class": ["null"]}
    assert questions == []
    both = each("a", "b", classes=["run"], count=38) | each("a", "b", classes=["walk"], count=36)
    assert windows(tmp_path) == both


def test_sensors_by_number_are_asked_about(tmp_path):
    for person in (1, 2):
        rows = []
        for i, label, x, y, z in walk_and_run(25, person):
            rows += [
                f"{40 * i},{sensor},{x * by:.4f},{y * by:.4f},{z * by:.4f},{label}" for sensor, by in ((1, 1), (4, 0.3))
            ]
        put(tmp_path / "raw" / f"p{person}.csv", ["time_ms,sensor,x,y,z,activity", *rows])
    content, questions = guessed(tmp_path)
    assert content["recording"] == {"column": "sensor"}
    asked = "recording: are 1, 4 different sensors, such as an accelerometer and a gyroscope? Then name each under "
    assert f"{asked}sources, with rows: {{column: sensor, value: 1}}" in questions


def test_a_folder_for_each_recording_and_a_file_for_each_sensor(tmp_path):
    for who in ("ana", "bo"):
        for label in ("walk", "run"):
            for sensor, gravity in (("Accelerometer", True), ("Gyroscope", False)):
                values = motion(50, len(who)) - [0, 0, 0 if gravity else G]
                rows = [
                    f"{1_698_501_144_401_773_000 + i * 20_000_000},{x:.4f},{y:.4f},{z:.4f}"
                    for i, (x, y, z) in enumerate(values)
                ]
                put(tmp_path / who / f"{label}-2023-10-28_14-50-24" / f"{sensor}.csv", ["time,x,y,z", *rows])
            put(tmp_path / who / f"{label}-2023-10-28_14-50-24" / "Metadata.csv", ["version,device", "3,phone"])
    content, questions = guessed(tmp_path, "ana", "bo")
    assert content["sources"]["gyr"]["files"] == "*/*/Gyroscope.csv"
    assert content["sources"]["acc"]["channels"]["acc_z"] == {"column": "z", "unit": "m/s^2"}
    assert content["sources"]["gyr"]["channels"]["gyr_z"] == {"column": "z", "unit": "rad/s"}
    assert "join" not in content  # a folder is a recording
    assert questions == ["sources.gyr.channels.gyr_x: or in deg/s? Its values are small"]
    assert windows(tmp_path) == each("ana", "bo")


def test_archives_by_sensor_and_placement(tmp_path):
    for person in (1, 2):
        for label in ("walking", "running"):
            for sensor in ("acc", "gyr"):
                path = tmp_path / f"proband{person}" / f"{sensor}_{label}_csv.zip"
                path.parent.mkdir(exist_ok=True)
                with zipfile.ZipFile(path, "w") as archive:
                    for place in ("chest", "waist"):
                        values = motion(50, person) - [0, 0, G if sensor == "gyr" else 0]
                        rows = [
                            f"{i},{1_435_993_500_023 + 20 * i},{x:.3f},{y:.3f},{z:.3f}"
                            for i, (x, y, z) in enumerate(values)
                        ]
                        text = "\n".join(["id,attr_time,attr_x,attr_y,attr_z", *rows]) + "\n"
                        archive.writestr(f"{sensor}_{label}_{place}.csv", text)
    content, _ = guessed(tmp_path, "proband1", "proband2")
    assert set(content["sources"]) == {"chest_acc", "waist_acc", "chest_gyr", "waist_gyr"}
    assert content["sources"]["waist_gyr"]["members"] == "gyr_*_waist.csv"
    assert windows(tmp_path) == each("1", "2", classes=("walking", "running"))


def test_no_names_no_time(tmp_path):
    """Numbers alone: time, a code of the activity, a mostly missing column, acceleration."""
    for person in (1, 2):
        rows = [
            f"{i / 50:.2f} {'5' if label == 'run' else '4'} {'98' if i % 10 == 0 else 'NaN'} {x:.4f} {y:.4f} {z:.4f}"
            for i, label, x, y, z in walk_and_run(50, person)
        ]
        put(tmp_path / "raw" / f"subject10{person}.dat", rows)
    content, questions = guessed(tmp_path)
    assert content["time"] == {"column": 1, "unit": "s"}
    assert content["channels"] == {f"acc_{axis}": {"column": i, "unit": "m/s^2"} for i, axis in enumerate("xyz", 4)}
    assert questions == ["label: what do 4, 5 stand for: map: {4: ..., ...}"]
    assert windows(tmp_path) == each("101", "102", classes=("4", "5"))


def test_start_and_rate_above_the_rows_and_counts_of_g(tmp_path):
    for person in (1, 2):
        rows = [",".join(str(round(value * 64 / G)) for value in row) for row in motion(32, person)]
        put(
            tmp_path / f"S{person}" / "walking" / "ACC.csv",
            [", ".join(["1544027337.0"] * 3), ", ".join(["32.0"] * 3), *rows],
        )
    content, questions = guessed(tmp_path, "S1", "S2")
    assert content["rate_hz"] == {"line": 2, "column": 1}
    assert content["time"] == {"start": {"line": 1, "column": 1}}
    assert content["channels"]["acc_x"] == {"column": 1, "unit": "g", "in_file": {"scale": 1 / 64, "unit": "g"}}
    assert content["presets"]["all"]["rate_hz"] == 32
    assert questions[0].startswith("label: where is what people did")  # the same word in every path says nothing


def test_names_with_the_number_of_the_device_and_a_row_of_units(tmp_path):
    for person in (1, 2):
        names = [f"Shimmer_0{person}_{name}_CAL" for name in ("Timestamp_Unix", "Gyro_X", "Gyro_Y", "Gyro_Z")]
        rows = [f"{1.6e12 + i * 20:.3f}\t{x}\t{y}\t{z}\t{label}" for i, label, x, y, z in walk_and_run(50, person)]
        units = "ms\tdeg/s\tdeg/s\tdeg/s\tno_units"
        put(tmp_path / "raw" / f"p{person}.csv", ["\t".join([*names, "activity"]), units, *rows])
    content, questions = guessed(tmp_path)
    assert str(content["time"]["column"]) == r"{pattern: '^Shimmer_\\d+_Timestamp_Unix_CAL$'}"
    assert [one["unit"] for one in content["channels"].values()] == [
        "deg/s"
    ] * 3  # though its length is that of gravity
    assert questions == []
    assert windows(tmp_path) == each("1", "2")


def test_parquet_with_an_index_of_time_and_people_by_column(tmp_path):
    (tmp_path / "raw").mkdir()
    for person in (1, 2):
        rows = walk_and_run(25, person)
        stamps = pa.array([1_698_533_980_000 + 40 * i for i in range(len(rows))], pa.timestamp("ms", "Europe/Oslo"))
        values = dict(zip(("ax", "ay", "az"), zip(*(row[2:] for row in rows), strict=True), strict=True))
        columns = {"ax": values["ax"], "ay": values["ay"], "az": values["az"], "activity": [row[1] for row in rows]}
        table = pa.table({**columns, "who": [f"no. {person}"] * len(rows), "__index_level_0__": stamps})
        pq.write_table(table, tmp_path / "raw" / f"{person}.parquet")
    content, questions = guessed(tmp_path)
    assert content["time"] == {"column": "__index_level_0__"}
    assert content["subject"] == {"column": "who"}
    assert questions == []
    assert windows(tmp_path) == each("no. 1", "no. 2")


@pytest.mark.parametrize("suffix", ["csv", "json", "txt"])
def test_intervals_beside_the_recordings(tmp_path, suffix):
    plain(tmp_path, (1, 2), "t,ax,ay,az", "{t:.2f},{x:.4f},{y:.4f},{z:.4f}")
    for person in (1, 2):
        path = tmp_path / "labels" / f"p{person}.{suffix}"
        regions = [{"value": {"start": 0, "end": 20, "timeserieslabels": ["walk"]}, "type": "timeserieslabels"}]
        lines = {"csv": ["start,end,label", "0,20,walk"], "json": [json.dumps(regions)], "txt": ["0.0\t20.0\twalk"]}
        put(path, lines[suffix])
    content, questions = guessed(tmp_path, "raw", "labels")
    assert content["label"] == {"intervals": {"files": f"labels/{{}}.{suffix}"}}
    assert questions == []
    assert windows(tmp_path) == each("1", "2", classes=["walk"])


@pytest.mark.parametrize(
    ("date", "time", "questions"),
    [
        ("2021-03-04", {}, []),
        ("20210304", {"format": "%Y%m%d %H:%M:%S.%f"}, []),
        ("24/03/2021", {"format": "%d/%m/%Y %H:%M:%S.%f"}, []),
        (
            "04/03/2021",
            {"format": "%d/%m/%Y %H:%M:%S.%f"},
            ["time: or is it '%m/%d/%Y %H:%M:%S.%f'? '04/03/2021 10:00:00.000' can be both"],
        ),
    ],
)
def test_a_date_beside_the_time_of_day_and_axes_by_number(tmp_path, date, time, questions):
    for person in (1, 2):
        rows = [f"{date};10:00:{i / 25:06.3f};{x};{y};{z};{label}" for i, label, x, y, z in walk_and_run(25, person)]
        put(tmp_path / "raw" / f"p{person}.csv", ["Date;Time;acc.1;acc.2;acc.3;activity", *rows])
    content, asked = guessed(tmp_path)
    assert content["time"] == {"date": "Date", "column": "Time"} | time
    assert content["channels"]["acc_z"] == {"column": "acc.3", "unit": "m/s^2"}
    assert asked == questions
    assert windows(tmp_path) == each("1", "2")


ELAN = """<?xml version="1.0" encoding="UTF-8"?>
<ANNOTATION_DOCUMENT AUTHOR="" DATE="2023-05-04T10:12:51+01:00" FORMAT="3.0" VERSION="3.0" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
    xsi:noNamespaceSchemaLocation="http://www.mpi.nl/tools/elan/EAFv3.0.xsd">
    <LICENSE LICENSE_URL=""/>
    <HEADER MEDIA_FILE="" TIME_UNITS="milliseconds">
        <MEDIA_DESCRIPTOR MEDIA_URL="file:///C:/video/p{name}.mp4" MIME_TYPE="video/mp4"
            RELATIVE_MEDIA_URL="./p{name}.mp4"/>
        <PROPERTY NAME="URN">urn:nl-mpi-tools-elan-eaf:8a2b</PROPERTY>
        <PROPERTY NAME="lastUsedAnnotationId">3</PROPERTY>
    </HEADER>
    <TIME_ORDER>
        <TIME_SLOT TIME_SLOT_ID="ts1" TIME_VALUE="0"/>
        <TIME_SLOT TIME_SLOT_ID="ts2" TIME_VALUE="20000"/>
        <TIME_SLOT TIME_SLOT_ID="ts3" TIME_VALUE="20000"/>
        <TIME_SLOT TIME_SLOT_ID="ts4" TIME_VALUE="40000"/>
    </TIME_ORDER>
    <TIER DEFAULT_LOCALE="en" LINGUISTIC_TYPE_REF="default-lt" TIER_ID="remarks">
        <ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a1" TIME_SLOT_REF1="ts1" TIME_SLOT_REF2="ts2">
            <ANNOTATION_VALUE>camera shakes</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>
    </TIER>
    <TIER LINGUISTIC_TYPE_REF="default-lt" TIER_ID="activity">
        <ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a2" TIME_SLOT_REF1="ts1" TIME_SLOT_REF2="ts2">
            <ANNOTATION_VALUE>walk</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>
        <ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a3" TIME_SLOT_REF1="ts3" TIME_SLOT_REF2="ts4">
            <ANNOTATION_VALUE>run</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>
    </TIER>
    <LINGUISTIC_TYPE GRAPHIC_REFERENCES="false" LINGUISTIC_TYPE_ID="default-lt" TIME_ALIGNABLE="true"/>
    <LOCALE COUNTRY_CODE="US" LANGUAGE_CODE="en"/>
</ANNOTATION_DOCUMENT>
"""
"""As ELAN 6 writes a file, with a remark on a tier of its own."""


@pytest.mark.parametrize("where", ["raw/{}.eaf", "labels/{}_done.eaf", "video/{}/camera.eaf"])
def test_annotations_of_elan_beside_the_recordings(tmp_path, where):
    plain(tmp_path, (1, 2), "t,ax,ay,az", "{t:.2f},{x:.4f},{y:.4f},{z:.4f}")
    for name in ("p1", "p2"):
        put(tmp_path / where.format(name), [ELAN.format(name=name)])
        put(tmp_path / "raw" / f"{name}.pfsx", ['<?xml version="1.0" encoding="UTF-8"?>', "<preferences/>"])
    content, questions = guessed(tmp_path, ".")
    assert content["label"] == {"intervals": {"files": where, "tier": "activity"}}
    assert questions == []
    assert windows(tmp_path) == each("1", "2")


def test_which_tier_of_elan_has_the_activities_is_asked_if_several_may(tmp_path):
    plain(tmp_path, (1, 2), "t,ax,ay,az", "{t:.2f},{x:.4f},{y:.4f},{z:.4f}")
    for name in ("p1", "p2"):
        put(tmp_path / "raw" / f"{name}.eaf", [ELAN.format(name=name).replace("camera shakes", "walks slowly")])
    content, questions = guessed(tmp_path)
    assert content["label"]["intervals"]["tier"] == "remarks"
    assert questions == ["label: or does the tier 'activity' have them?"]


def test_what_nobody_can_tell_is_asked(tmp_path):
    """No time, no label, no person."""
    put(tmp_path / "raw" / "recording.csv", ["ax,ay,az", *(f"{x:.3f},{y:.3f},{z:.3f}" for x, y, z in motion(50))])
    content, questions = guessed(tmp_path)
    assert content["rate_hz"] == 50
    assert content["label"] is None
    assert [one.partition(":")[0] for one in questions] == ["subject", "label", "rate_hz"]


def test_labels_that_differ_in_capitals_are_one_class(tmp_path):
    plain(tmp_path, (1, 2))
    path = tmp_path / "raw" / "p2.csv"
    path.write_text(path.read_text().replace("walk", "Walk"))
    content, questions = guessed(tmp_path)
    assert content["label"]["map"] == {"walk": "walk", "run": "run", "Walk": "walk"}
    assert questions == ["label: walk, Walk are taken for one class"]
    assert windows(tmp_path) == each("1", "2")


def test_what_the_reader_says_is_among_the_questions(tmp_path):
    plain(tmp_path, (1,))
    path = tmp_path / "raw" / "p1.csv"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0], *(line for line in lines[1:] for _ in (0, 1))]) + "\n")
    _, questions = guessed(tmp_path)
    assert "with the same values; leave out the copies" in questions[-1]


def test_a_fault_is_said_once_by_whichever_path(tmp_path, monkeypatch):
    plain(tmp_path, (1,))
    path = tmp_path / "raw" / "p1.csv"
    lines = path.read_text().splitlines()
    lines[2] = ",".join(["0.040", "inf", *lines[2].split(",")[2:]])
    path.write_text("\n".join(lines) + "\n")
    monkeypatch.chdir(tmp_path)
    found = guess(["raw"], tmp_path)
    check(found, tmp_path / "mine.yaml", None)
    (said,) = open_questions(found)
    assert said.startswith("raw/p1.csv: line 3: column 2 (ax) is 'inf', expected a number")


def test_files_without_a_recording(tmp_path):
    put(tmp_path / "raw" / "p1.csv", ["t,ax,ay,az,activity", "0,1,2,3,walk"])
    with pytest.raises(DataError, match=r"p1.csv: 1 row, a recording has 20 at least\n.*: no file holds a recording"):
        guessed(tmp_path)
    with pytest.raises(DataError, match=r"nothing/\*.csv: no such file"):
        guessed(tmp_path, "nothing/*.csv")
