"""Texts in the raw format, with every quirk of the publisher's file."""

from pathlib import Path

import numpy as np
import pytest

from har_ray.data import cleaning
from har_ray.data.dataset import Rejects
from har_ray.data.datasets.wisdm import FILE, WISDM
from har_ray.errors import DataError

AXES = ("pocket_acc_x", "pocket_acc_y", "pocket_acc_z")
MS = 1_000_000


def record(t_ms, x=0.0, user=33, activity="Jogging"):
    return f"{user},{activity},{t_ms * MS},{x},{x + 0.1},{x + 0.2};"


def write(folder, text):
    (folder / FILE).write_text(text, newline="")
    return str(folder / FILE)


def read(source, channels=AXES):
    rejects = Rejects()
    return list(WISDM.read(source, channels, rejects)), dict(rejects.counts)


def xs(recordings):
    return [recording.x[:, 0].astype(float).round(3).tolist() for recording in recordings]


def test_a_record_as_the_publisher_describes_it(tmp_path):
    text = "33,Jogging,49105962326000,-0.6946377,12.680544,0.50395286;\n"
    (recording,), rejects = read(write(tmp_path, text), ("pocket_acc_z", "pocket_acc_x"))
    assert (recording.name, recording.subject, recording.rate_hz) == ("33-Jogging:0", "33", 20.0)
    assert recording.x.dtype == np.float32
    assert recording.x.tolist() == [[np.float32(0.50395286), np.float32(-0.6946377)]]
    assert recording.labels.dtype == np.int16
    assert recording.labels.tolist() == [WISDM.classes.index("Jogging")]
    assert rejects == {}


def test_records_end_at_semicolons_and_line_ends(tmp_path):
    """Two on a line, blank lines, one without its semicolon, spaces, and no newline at the end."""
    text = (
        record(1000, 1) + record(1050, 2) + "\n\n\n" + record(1100, 3).removesuffix(";") + "\n"
        "33, Jogging, 1150000000, 4, 5, 6;\r\n" + ";\n" + record(1200, 5)
    )
    recordings, rejects = read(write(tmp_path, text))
    assert xs(recordings) == [[1, 2, 3, 4, 5]]
    assert rejects == {}


def test_a_comma_too_many_is_forgiven(tmp_path):
    text = "21,Walking,117003963904000,0.65,9.51,5.13,;\n21,Walking,117004003904000,0.75,9.52,5.14,\n"
    text += "21,Walking,117004043904000,0.85,9.53,5.15,\r\n" + "21,Walking,117004083904000,0.95,9.54,5.16;\n"
    recordings, rejects = read(write(tmp_path, text))
    assert xs(recordings) == [[0.65, 0.75, 0.85, 0.95]]
    assert recordings[0].x[:, 2].astype(float).round(3).tolist() == [5.13, 5.14, 5.15, 5.16]
    assert rejects == {}


def test_the_record_without_z_is_left_out_and_its_neighbours_stay_together(tmp_path):
    text = "11,Walking,1867122313000,0.1,4.4,4.0;\n11,Walking,1867172313000,4.4,4.4,\n"
    text += "11,Walking,1867222313000,0.2,4.4,4.0;\n"
    recordings, rejects = read(write(tmp_path, text))
    assert xs(recordings) == [[0.1, 0.2]]
    assert rejects == {"malformed record": 1}


@pytest.mark.parametrize("broken", ["33,Jogging,5", "33,Jogging,,1,2,3", "33,,5,1,2,3", "1,2,3,4,5,6,7", "577,,", "x"])
def test_malformed_records_are_counted(tmp_path, broken):
    recordings, rejects = read(write(tmp_path, f"{record(1000, 1)}\n{broken};\n{broken};{record(1050, 2)}\n"))
    assert xs(recordings) == [[1, 2]]
    assert rejects == {"malformed record": 2}


def test_time_stamps_of_zero_are_left_out_and_counted(tmp_path):
    text = record(1000, 1) + "\n" + "33,Jogging,0,0,0,0;\n" * 3 + record(1050, 2)
    recordings, rejects = read(write(tmp_path, text))
    assert xs(recordings) == [[1, 2]]
    assert rejects == {"time stamp 0": 3}


def test_repeated_time_stamps_keep_the_first_record_of_the_same_person_and_activity(tmp_path):
    text = record(1000, 1) + record(1000, 2) + record(1000, 3) + record(1050, 4) + record(1050, 5, activity="Sitting")
    recordings, rejects = read(write(tmp_path, text))
    assert xs(recordings) == [[1, 4], [5]]
    assert rejects == {"repeated time stamp": 2}


def test_cut_at_person_activity_pause_and_reversal_in_file_order(tmp_path):
    parts = [
        [record(1000, 1), record(1050, 2), record(1550, 3)],  # half a second still belongs together
        [record(2051, 4), record(2100, 5)],  # 501 ms do not
        [record(2090, 6), record(2140, 7)],  # backwards
        [record(2190, 8, activity="Walking")],
        [record(2240, 9, user=5, activity="Walking")],
        [record(2290, 10)],  # back to the first person and activity: a session of its own
    ]
    recordings, rejects = read(write(tmp_path, "\n".join(text for part in parts for text in part)))
    assert xs(recordings) == [[1, 2, 3], [4, 5], [6, 7], [8], [9], [10]]
    assert [recording.before_gap for recording in recordings] == [True, False, False, False, False, False]
    assert [recording.name for recording in recordings] == [
        *("33-Jogging:0", "33-Jogging:1", "33-Jogging:2", "33-Walking:3", "5-Walking:4", "33-Jogging:5"),
    ]
    assert [recording.subject for recording in recordings] == ["33", "33", "33", "33", "5", "33"]
    assert [WISDM.classes[recording.labels[0]] for recording in recordings] == [
        *("Jogging", "Jogging", "Jogging", "Walking", "Walking", "Jogging"),
    ]
    assert rejects == {}


def test_all_36_people_and_6_activities_are_told_apart(tmp_path):
    people = [(user, activity) for user in range(1, 37) for activity in WISDM.classes]
    recordings, _ = read(write(tmp_path, "\n".join(record(1000, 1, *who) for who in people)))
    assert [(int(r.subject), WISDM.classes[r.labels[0]]) for r in recordings] == people
    assert WISDM.subjects == tuple(str(user) for user in range(1, 37))


def test_block_borders_leave_no_trace(tmp_path, monkeypatch):
    text = "".join(record(1000 + 50 * i, i) + ("\n" if i % 3 else "") for i in range(500))
    source = write(tmp_path, text + "\n;\n\n")
    (whole,), rejects = read(source)
    monkeypatch.setattr(cleaning, "BLOCK_BYTES", 100)
    (parts,), rejects_of_parts = read(source)
    assert len(parts.x) == 500
    assert (parts.x == whole.x).all()
    assert rejects == rejects_of_parts == {}


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ("33,Joging,5,1,2,3", "activity 'Joging' is unknown; did you mean 'Jogging'"),
        ("37,Jogging,5,1,2,3", "user '37' is unknown"),
        ("33,Jogging,5,1,two,3", r"column 5 \(y\) is 'two', expected a number"),
        ("33,Jogging,1.39E+12,1,2,3", r"column 3 \(timestamp\) is '1.39E\+12', expected a whole number"),
    ],
)
def test_a_record_that_is_not_as_described_is_named_by_line(tmp_path, monkeypatch, broken, message):
    monkeypatch.setattr(cleaning, "BLOCK_BYTES", 200)
    lines = [record(1000 + 50 * i, i) for i in range(20)]
    lines[13] += broken + ";"
    with pytest.raises(DataError, match=rf"{FILE}: line 14: {message}"):
        read(write(tmp_path, "\n".join(lines)))


@pytest.mark.parametrize("end", ["33,Jogging,5,1.2", "33,Jogging,5,1.2,3.", "33,Jogging,5,1.2,3.4,", "33"])
def test_a_file_that_is_cut_short_is_noticed(tmp_path, end):
    with pytest.raises(DataError, match="the file ends in the middle of a record"):
        read(write(tmp_path, record(1000) + "\n" + end))


@pytest.mark.parametrize("text", ["", "\n\n", ";\n;", "<html>\n<body>moved</body>\n</html>\n"])
def test_a_file_without_records_is_named(tmp_path, text):
    with pytest.raises(DataError, match=rf"{FILE}: holds no record of the form user,activity,timestamp,x,y,z;"):
        read(write(tmp_path, text))


def test_locate_finds_the_text_or_names_it(tmp_path):
    with pytest.raises(DataError, match=rf"wisdm: 1 of 1 files are missing .*: {FILE}"):
        WISDM.locate(tmp_path)
    (tmp_path / "WISDM_ar_v1.1").mkdir()
    source = write(tmp_path / "WISDM_ar_v1.1", record(1000))
    assert WISDM.locate(tmp_path) == [source]
    assert read(str(Path(source)))[1] == {}


def test_the_preset_has_the_published_shape():
    paper = WISDM.presets["paper"]
    assert (paper.window_s * paper.rate_hz, paper.stride_s, paper.channels) == (20, 1.0, AXES)
    arena = WISDM.presets["arena"]
    assert (arena.window_s * arena.rate_hz, arena.stride_s * arena.rate_hz, arena.channels) == (60, 30, AXES)
    assert len(WISDM.classes) == 6
