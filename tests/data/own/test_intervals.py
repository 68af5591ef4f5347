"""Labels in files of intervals: every format gives the same intervals, and each sample the label a person expects."""

import gzip
import json
import logging
import re

import numpy as np
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

import har_ray
from har_ray.data.dataset import Rejects
from har_ray.data.own.dataset import load_table
from har_ray.data.own.interval_files import MarkColumns, marks
from har_ray.data.own.intervals import Interval
from har_ray.data.own.labelling import labels_at
from har_ray.data.own.timing import UNITS_PER_S
from har_ray.errors import DataError, GridError
from tests.data.own.tables import CHANNELS, read, write

COLUMNS = MarkColumns("start", "end", "label")
LEGEND = {"walk": 0, "run": 1, "other": -1}

CSV = "start,end,label\n1.0,2.5,walk\n2.5,4,run\n"
SEMICOLONS = "label;end;start\nwalk;2,5;1,0\nrun;4;2,5\n"
AUDACITY = "1.000000\t2.500000\twalk\n\\\t100.0\t900.0\n2.500000\t4.000000\trun\n"
REGIONS = [
    {"type": "timeserieslabels", "value": {"start": 1.0, "end": 2.5, "instant": False, "timeserieslabels": ["walk"]}},
    {"type": "choices", "value": {"choices": ["good"]}},
    {"type": "timeserieslabels", "value": {"start": 2.5, "end": 4, "instant": False, "timeserieslabels": ["run"]}},
]
ELAN = """<?xml version="1.0" encoding="UTF-8"?>
<ANNOTATION_DOCUMENT FORMAT="3.0"><HEADER TIME_UNITS="milliseconds"/>
<TIME_ORDER><TIME_SLOT TIME_SLOT_ID="ts1" TIME_VALUE="1000"/><TIME_SLOT TIME_SLOT_ID="ts2" TIME_VALUE="2500"/>
<TIME_SLOT TIME_SLOT_ID="ts3" TIME_VALUE="4000"/></TIME_ORDER>
<TIER TIER_ID="activity"><ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a1" TIME_SLOT_REF1="ts1"
TIME_SLOT_REF2="ts2"><ANNOTATION_VALUE>walk</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>
<ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a2" TIME_SLOT_REF1="ts2" TIME_SLOT_REF2="ts3">
<ANNOTATION_VALUE>run</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION></TIER>{more}</ANNOTATION_DOCUMENT>
"""
NOTES = ELAN[ELAN.index("<TIER") : ELAN.index("{more}")].replace("activity", "notes")

DESCRIPTOR = r"""
    files: raw/*.csv
    rate_hz: 10
    time: {column: t, unit: s}
    subject: {pattern: 'p(\d+)'}
    label: {intervals: {files: 'labels/{}.csv'}}
    channels: {wrist_acc_x: ax, wrist_acc_y: ay}
    presets: {wrist: {window_s: 0.5, stride_s: 0.5}}
    """


def samples(n, t=0.0):
    return [f"{t + i / 10:.2f},{i},{100 + i}" for i in range(n)]


def described(folder, labels, intervals="{files: 'labels/{}.csv'}", t=0.0, n=50, people=("p1",)):
    """A descriptor of recordings of `n` samples from `t` s on, and files of intervals by name."""
    (folder / "labels").mkdir()
    for name, text in labels.items():
        (folder / "labels" / name).write_text(text)
    text = DESCRIPTOR.replace("{files: 'labels/{}.csv'}", intervals)
    return write(folder, text, header="t,ax,ay", **dict.fromkeys(people, samples(n, t)))


def outcome(path):
    """The labels by name of the one recording, run length coded, and what was left out."""
    (recording,), rejects = read(path)
    names = [*load_table("mine", path).classes, "-"]
    words = [names[label] for label in recording.labels]
    ends = [i for i in range(len(words)) if i + 1 == len(words) or words[i] != words[i + 1]]
    begins = [0, *(end + 1 for end in ends[:-1])]
    return [(words[b], b, e) for b, e in zip(begins, ends, strict=True)], rejects


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("i.csv", CSV),
        ("i.csv", SEMICOLONS),
        ("i.txt", AUDACITY),
        ("i.json", json.dumps(REGIONS)),
        ("i.json", json.dumps([{"id": 1, "data": {"csv": "/data/upload/1/8f2a1b3c-p1.csv"},
                                "annotations": [{"result": REGIONS}, {"was_cancelled": True, "result": "x"}]}])),
        ("i.json", json.dumps({"data": {}, "annotations": [{"result": REGIONS}]})),
        ("i.eaf", ELAN.format(more="")),
    ],
)  # fmt: skip
def test_every_format_gives_the_same_intervals(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    per_s = UNITS_PER_S["ms" if name == "i.eaf" else "s"]
    found = marks(tmp_path / name, COLUMNS, None)
    times = [(float(m.start.replace(",", ".")) / per_s, float(m.end.replace(",", ".")) / per_s, m.label) for m in found]
    assert times == [(1.0, 2.5, "walk"), (2.5, 4.0, "run")]


@pytest.mark.parametrize(
    ("suffix", "text"),
    [("csv", CSV), ("txt", AUDACITY), ("json", json.dumps(REGIONS)), ("eaf", ELAN.format(more=""))],
)
def test_each_sample_has_the_label_of_its_interval(tmp_path, suffix, text):
    path = described(tmp_path, {f"p1.{suffix}": text}, f"{{files: 'labels/{{}}.{suffix}'}}")
    # 10 Hz: samples 10 to 24 are from 1.0 s to before 2.5 s, 25 to 39 before 4 s.
    expected = [("-", 0, 9), ("walk", 10, 24), ("run", 25, 39), ("-", 40, 49)]
    assert outcome(path) == (expected, {"row in no interval": 20})
    dataset = load_table("mine", path)
    assert (dataset.classes, dataset.samples) == (("run", "walk"), 30)


def test_an_interval_holds_its_start_and_overlaps_of_different_labels_are_no_class():
    rejects = Rejects()
    intervals = [
        Interval(1, 5, "walk", ""),
        Interval(4, 7, "run", ""),
        Interval(6, 8, "run", ""),
        Interval(7, 9, "other", ""),
    ]
    t = np.arange(10.0)
    labels = labels_at(t, intervals, LEGEND, rejects)
    # 4: walk and run. 6: run twice. 7: run and other, which is no class.
    assert labels.tolist() == [-1, 0, 0, 0, -1, 1, 1, -1, -1, -1]
    assert dict(rejects.counts) == {"row in no interval": 2, "row in intervals of different labels": 2}
    assert labels_at(t[::-1], intervals, LEGEND, Rejects()).tolist() == labels[::-1].tolist()
    assert labels_at(t, [], LEGEND, Rejects()).tolist() == [-1] * 10


@pytest.mark.parametrize(
    ("intervals", "times"),
    [
        ("{files: 'labels/{}.csv'}", ("1700000001", "1700000002.5")),
        ("{files: 'labels/{}.csv', unit: ms}", ("1700000001000", "1700000002500")),
        ("{files: 'labels/{}.csv'}", ("2023-11-14T22:13:21Z", "2023-11-14T22:13:22.5+00:00")),
        ("{files: 'labels/{}.csv', zone: Europe/Oslo}", ("2023-11-14 23:13:21", "2023-11-14 23:13:22.500")),
        (
            "{files: 'labels/{}.csv', format: '%d.%m.%Y %H:%M:%S.%f'}",
            ("14.11.2023 22:13:21.0", "14.11.2023 22:13:22.5"),
        ),
        ("{files: 'labels/{}.csv', clock: recording}", ("1", "2.5")),
    ],
)
def test_absolute_times_and_those_since_the_start(tmp_path, intervals, times):
    path = described(tmp_path, {"p1.csv": f"start,end,label\n{','.join(times)},walk\n"}, intervals, t=1.7e9)
    assert outcome(path)[0] == [("-", 0, 9), ("walk", 10, 24), ("-", 25, 49)]


def test_the_clock_that_is_wrong_is_named(tmp_path):
    path = described(tmp_path, {"p1.csv": CSV}, t=1.7e9)
    with pytest.raises(
        DataError,
        match=r"p1\.csv: its intervals are from 1 to 4 s, p1\.csv is from 1700000000 to 1700000005 s; .* clock: rec",
    ):
        read(path)


def test_intervals_beyond_the_recording_are_counted(tmp_path):
    labels = "start,end,label\n-3,1,walk\n1,5,run\n4.8,5.3,run\n7,8,walk\n"
    path = described(tmp_path, {"p1.csv": labels})
    assert outcome(path) == (
        [("walk", 0, 9), ("run", 10, 49)],
        {
            "interval outside its recording": 1,
            "interval that is partly outside its recording": 1,
        },
    )


def test_a_recording_without_intervals_and_intervals_without_a_recording_are_named(tmp_path, caplog):
    path = described(tmp_path, {"p1.csv": CSV, "p7.csv": CSV}, people=("p1", "p2", "p3"))
    with pytest.raises(DataError) as caught:
        load_table("mine", path)
    assert str(caught.value).splitlines() == [
        f"{tmp_path}/raw/p2.csv: label.intervals: no file of intervals for it, 'labels/p2.csv'; leave it out of files "
        "(and 1 more file with this fault)"
    ]
    for person in ("p2", "p3"):
        (tmp_path / "labels" / f"{person}.csv").write_text(CSV)
    caplog.clear()
    load_table("mine", path)
    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert warnings == [f"{tmp_path}/labels/p7.csv: intervals of no recording"]


def test_one_export_of_label_studio_has_the_tasks_of_all(tmp_path):
    def task(name, start):
        value = {"start": start, "end": start + 1, "timeserieslabels": ["walk"]}
        return {"data": {"csv": f"/data/upload/3/8f2a1b3c-{name}?d=1"}, "annotations": [{"result": [{"value": value}]}]}

    export = json.dumps([task("p2.csv", 2), task("p1.csv", 1)])
    path = described(tmp_path, {"all.json": export}, "{files: labels/all.json}", people=("p1", "p2"))
    recordings, _ = read(path)
    assert [np.flatnonzero(one.labels == 0)[[0, -1]].tolist() for one in recordings] == [[10, 19], [20, 29]]
    (tmp_path / "raw" / "p3.csv").write_text("\n".join(["t,ax,ay", *samples(50)]))
    with pytest.raises(
        DataError,
        match=r"all\.json: label.intervals: no interval is of raw/p3\.csv; only of 8f2a1b3c-p1\.csv and 8f2a1b3c-p2",
    ):
        load_table("mine", path)


def test_annotators_who_disagree_leave_no_class(tmp_path):
    other = [REGIONS[0] | {"value": {"start": 2, "end": 4, "timeserieslabels": ["run"]}}]
    export = json.dumps([{"data": {}, "annotations": [{"result": REGIONS}, {"result": other}]}])
    path = described(tmp_path, {"p1.json": export}, "{files: 'labels/{}.json'}")
    runs, rejects = outcome(path)
    assert runs == [("-", 0, 9), ("walk", 10, 19), ("-", 20, 24), ("run", 25, 39), ("-", 40, 49)]
    assert rejects["row in intervals of different labels"] == 5


def test_a_tier_of_elan_is_chosen_by_name(tmp_path):
    path = described(tmp_path, {"p1.eaf": ELAN.format(more=NOTES)}, "{files: 'labels/{}.eaf', tier: activity}")
    assert len(outcome(path)[0]) == 4
    for tier, message in ((None, "say which tier has the labels, intervals: {tier: activity or notes}"),
                          ("activty", "tier 'activty' is unknown; did you mean 'activity'?")):  # fmt: skip
        with pytest.raises(DataError) as caught:
            marks(tmp_path / "labels" / "p1.eaf", COLUMNS, tier)
        assert message in str(caught.value)


BOMB = '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;">]><a>&b;</a>'
THIEF = '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a SYSTEM "file:///etc/hostname">]><a>&a;</a>'


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("i.eaf", BOMB, "holds a DTD or entities, which no file of ELAN's does; not read"),
        ("i.eaf", THIEF, "holds a DTD or entities"),
        ("i.eaf", "<a>", "not XML: no element found"),
        (
            "i.eaf",
            ELAN.format(more="").replace(' TIME_VALUE="2500"', ""),
            "annotation a1 ('walk') has no time of its own",
        ),
        ("i.json", "{", "not JSON"),
        ("i.json", "[1]", "expected Label Studio's results or tasks"),
        ("i.json", '[{"value": {"timeserieslabels": ["a"]}}]', "result 1: has labels, but no start and end"),
        ("i.json", '[{"annotations": [{"result": [3]}]}]', "task 1, result 1: expected a value"),
        ("i.json", '[{"annotations": [3]}]', "task 1: expected annotations with a result"),
        ("i.txt", "1.0 2.0 walk\n", "line 1: expected start, end and label between tabs, found '1.0 2.0 walk'"),
        ("i.csv", "begin,end,label\n1,2,walk\n", "column 'start' is unknown"),
    ],
)
def test_what_is_no_file_of_intervals_is_named(tmp_path, name, text, message):
    (tmp_path / name).write_text(text)
    with pytest.raises(DataError) as caught:
        marks(tmp_path / name, COLUMNS, None)
    assert str(caught.value).startswith(str(tmp_path / name))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("2,1,walk", "labels/p1.csv: line 2: ends at 1, before its start at 2"),
        ("noon,1,walk", "labels/p1.csv: line 2: 'noon' is no time; expected a number, a time of ISO"),
        ("0,1,wlak", "labels/p1.csv: line 2: label 'wlak' is unknown; did you mean 'walk'?"),
    ],
)
def test_wrong_intervals_are_named_with_their_line(tmp_path, row, message):
    path = described(
        tmp_path, {"p1.csv": f"start,end,label\n{row}\n"}, "{files: 'labels/{}.csv'}, map: {walk: walking}"
    )
    with pytest.raises(DataError, match=message.replace("?", r"\?")):
        load_table("mine", path)


def test_other_intervals_make_other_windows_and_wrong_keys_are_named(tmp_path):
    path = described(tmp_path, {"p1.csv": CSV})
    before = load_table("mine", path).fingerprint
    (tmp_path / "labels" / "p1.csv").write_text(CSV.replace("2.5", "2.6"))
    assert load_table("mine", path).fingerprint != before
    path.write_text(path.read_text().replace("{files: 'labels/{}.csv'}", "{files: 'labels/{}/{}.csv', clok: x}"))
    with pytest.raises(GridError) as caught:
        load_table("mine", path)
    assert "expected at most one {}, where what the pattern finds stands" in str(caught.value)
    assert "did you mean 'clock'?" in str(caught.value)


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("labels/{}.eaf', subject: who, start: from", "start and subject: says nothing of .eaf files; leave it out"),
        ("labels/{}.TXT', duration: long", "duration: says nothing of .txt files; leave it out"),
        ("labels/{}.csv', tier: hand", "tier: says nothing of .csv files; leave it out"),
    ],
)
def test_a_key_of_other_files_is_not_passed_over(tmp_path, said, found):
    """With `subject` passed over everybody would have the intervals of all."""
    path = described(tmp_path, {"p1.csv": CSV})
    path.write_text(path.read_text().replace("labels/{}.csv'", said))
    with pytest.raises(GridError, match=found):
        load_table("mine", path)


def test_the_shape_of_files_that_people_have(tmp_path):
    """60 s at 25 Hz, as in `physionet-build` #1047 and `label-studio` #498: windows of 2 s, every second."""
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "p1.csv").write_text("start,end,label\n1.0,29.0,walk\n31.5,59.0,run\n")
    text = DESCRIPTOR.replace("rate_hz: 10", "rate_hz: 25").replace(
        "window_s: 0.5, stride_s: 0.5", "window_s: 2, stride_s: 1"
    )
    path = write(tmp_path, text, header="t,ax,ay", p1=[f"{i / 25:.2f},{i},{100 + i}" for i in range(1500)])
    mine = har_ray.windows(str(path))
    # 700 samples of walking, 687 of running (788 to 1474): 27 and 26 windows of 50, every 25.
    assert np.bincount(mine.y).tolist() == [26, 27]
    assert mine.rejects == {"row in no interval": 113}


@pytest.mark.parametrize(("n", "known"), [(60_000, "s on"), (50, "to 1005 s")])
def test_a_plan_knows_only_the_intervals_that_end_before_a_long_recording_begins(tmp_path, n, known):
    """Of 60,000 rows the first MiB holds about 50,000."""
    path = described(tmp_path, {"p1.csv": f"start,end,label\n{1000 + n / 10 - 1},9999,walk\n"}, n=n, t=1000.0)
    dataset = load_table("mine", path)
    assert dataset.first is not None
    assert sum((one.labels == 0).sum() for one in read(path)[0]) == 10
    (source,) = dataset.locate(None)
    assert list(dataset.first(source, CHANNELS, Rejects()))
    (tmp_path / "labels" / "p1.csv").write_text("start,end,label\n10,20,walk\n")
    first = load_table("mine", path).first
    assert first is not None
    with pytest.raises(DataError, match=rf"its intervals are from 10 to 20 s, p1.csv is from 1000 {known}; see unit"):
        list(first(source, CHANNELS, Rejects()))


@pytest.mark.parametrize(
    ("times", "keys"), [("10,25", "unit: 0.1"), ("0:01,0:02.5", ""), ("00:00:01,00:00:02.50", "clock: recording")]
)
def test_intervals_in_samples_and_as_a_player_shows_them(tmp_path, times, keys):
    intervals = f"{{files: 'labels/{{}}.csv', {keys}}}"
    path = described(tmp_path, {"p1.csv": f"start,end,label\n{times},walk\n"}, intervals)
    found, _ = outcome(path)
    assert found == [("-", 0, 9), ("walk", 10, 24), ("-", 25, 49)]


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_plan_knows_where_a_long_recording_ends_that_is_stamped_since_1970(tmp_path, suffix):
    """Labels of a clock that is an hour ahead; only the last stamp tells, which a compressed file does not show."""
    begin, end = 1_700_000_000, 1_700_006_000
    path = described(tmp_path, {"p1.csv": f"start,end,label\n{end + 5},{end + 9},walk\n"}, n=60_001, t=float(begin))
    file = tmp_path / "raw" / "p1.csv"
    if suffix == "parquet":
        pq.write_table(pyarrow.csv.read_csv(file), file.with_suffix(".parquet"), row_group_size=20_000)
        file.unlink()
        path.write_text(path.read_text().replace("raw/*.csv", "raw/*.parquet"))
    first = load_table("mine", path).first
    assert first is not None
    message = rf"its intervals are from {end + 5} to {end + 9} s, p1\.{suffix} is from {begin} to {end} s; see unit"
    with pytest.raises(DataError, match=message):
        list(first(str(file.with_suffix(f".{suffix}")), CHANNELS, Rejects()))
    if suffix == "csv":
        with gzip.open(f"{file}.gz", "wb") as packed:
            packed.write(file.read_bytes())
        path.write_text(path.read_text().replace("raw/*.csv", "raw/*.csv.gz"))
        first = load_table("mine", path).first
        assert first is not None
        assert list(first(f"{file}.gz", CHANNELS, Rejects()))


@pytest.mark.parametrize(
    ("said", "names"),
    [
        ("recording: file", ("p1.csv", "p2.csv")),
        ("recording: file", ("p1", "p2")),
        ("recording: file", ("raw/p1.csv", "raw/p2.csv")),
        ("recording: file, pattern: 'p(\\d)'", ("1", "2")),
    ],
)
def test_one_table_of_all_recordings(tmp_path, caplog, said, names):
    """Whose an interval is stands in a column; how long it lasts, in the place of its end."""
    lines = ["file,onset,duration,what", f"{names[0]},1,1.5,walk", f"{names[1]},0,2,run", "p3.csv,0,1,run"]
    intervals = f"{{files: labels/all.csv, start: onset, duration: duration, label: what, {said}}}"
    path = described(tmp_path, {"all.csv": "\n".join(lines) + "\n"}, intervals, people=("p1", "p2"))
    (one, two), rejects = read(path)
    assert np.flatnonzero(one.labels >= 0).tolist() == list(range(10, 25))
    assert np.flatnonzero(two.labels >= 0).tolist() == list(range(20))
    assert rejects == {"row in no interval": 35 + 30}
    assert "all.csv: intervals of no recording: p3.csv" in caplog.text
    (tmp_path / "labels" / "all.csv").write_text("\n".join([lines[0], lines[1], f"{names[1]},0,-2,run"]))
    with pytest.raises(DataError, match=r"all\.csv: line 3: lasts -2"):
        load_table("mine", path)
    (tmp_path / "labels" / "all.csv").write_text("\n".join(lines[:2]))
    with pytest.raises(DataError, match=rf"no interval is of raw/p2\.csv; only of {re.escape(names[0])}; leave"):
        load_table("mine", path)


@pytest.mark.parametrize(
    "label", ["{pattern: '/(walk|run)'}", "{intervals: {files: 'labels/{}.csv', pattern: '(walk|run)'}}"]
)
def test_labels_of_joined_files_do_not_depend_on_the_channels_that_are_read(tmp_path, label):
    for word in ("walk", "run"):
        for folder, name in ((f"p1/{word}", "acc"), (f"p1/{word}", "gyr")):
            (tmp_path / folder).mkdir(parents=True, exist_ok=True)
            (tmp_path / folder / f"{name}.csv").write_text("\n".join(["t,ax,ay", *samples(50)]))
        (tmp_path / "labels").mkdir(exist_ok=True)
        (tmp_path / "labels" / f"{word}.csv").write_text(f"start,end,label\n0,9,{word}\n")
    text = rf"""
        rate_hz: 10
        subject: {{pattern: 'p(\d+)'}}
        label: {label}
        sources:
          acc: {{files: 'p*/*/acc.csv', time: {{column: t}}, channels: {{acc_x: ax}}}}
          gyr: {{files: 'p*/*/gyr.csv', time: {{column: t}}, channels: {{gyr_x: ax}}}}
        presets: {{wrist: {{window_s: 0.5, stride_s: 0.5}}}}
        """
    path = write(tmp_path, text)
    for channels in (("gyr_x",), ("acc_x",), ("acc_x", "gyr_x")):
        recordings, _ = read(path, channels)
        classes = {one.name: set(one.labels.tolist()) for one in recordings}
        assert classes == {"p1/run:0": {0}, "p1/walk:0": {1}}, channels
