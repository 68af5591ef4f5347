"""Tables of intervals as people keep them: when something began and no more, and of several people in one file."""

import numpy as np
import pytest

from har_ray.data.own.dataset import load_table
from har_ray.errors import DataError, GridError
from tests.data.own.tables import read, write

DESCRIPTOR = r"""
    files: raw/*.csv
    rate_hz: 10
    time: {column: t, unit: s}
    subject: SUBJECT
    label: {intervals: {files: labels.csv, KEYS}}
    channels: {wrist_acc_x: ax, wrist_acc_y: ay}
    presets: {wrist: {window_s: 0.5, stride_s: 0.5}}
    """
OF_ALL = [(name, i) for name in ("ana", "bo") for i in range(50)]


def described(folder, table, keys, subject="{column: who}"):
    """One file of ana and then bo, each 0 to 4.9 s; and a table of intervals."""
    (folder / "labels.csv").write_text("\n".join(table) + "\n")
    rows = [f"{i / 10:.1f},{i},{100 + i},{who}" for who, i in OF_ALL]
    text = DESCRIPTOR.replace("SUBJECT", subject).replace("KEYS", keys)
    return write(folder, text, header="t,ax,ay,who", all=rows)


def labelled(path):
    """Of each subject, label → the samples that have it."""
    recordings, rejects = read(path)
    classes = load_table("mine", path).classes
    found = {
        one.subject: {name: np.flatnonzero(one.labels == i).tolist() for i, name in enumerate(classes)}
        for one in recordings
    }
    return found, rejects


def test_each_of_several_people_in_a_file_has_the_intervals_that_are_theirs(tmp_path, caplog):
    table = ["name,start,end,label", "ana,1,3,walk", "bo,0,2,run", "bo,2,4,walk", "cy,0,9,run"]
    path = described(tmp_path, table, "subject: name")
    found, rejects = labelled(path)
    assert found == {
        "ana": {"run": [], "walk": list(range(10, 30))},
        "bo": {"run": list(range(20)), "walk": list(range(20, 40))},
    }
    assert rejects["row in no interval"] == 30 + 10
    assert load_table("mine", path).labelled == {"ana": {"walk": 20}, "bo": {"run": 20, "walk": 20}}
    assert "label.intervals: intervals of nobody: cy" in caplog.text


def test_people_without_intervals_are_named_before_any_file_is_read(tmp_path):
    path = described(tmp_path, ["name,start,end,label", "ana,1,3,walk", "Bo,0,2,run"], "subject: name")
    with pytest.raises(DataError, match=r"labels\.csv: label\.intervals: no interval is of bo; is 'bo' there 'Bo'\?"):
        load_table("mine", path)


def test_what_begins_lasts_until_the_next_begins_or_the_recording_ends(tmp_path):
    """In any order; the empty label is of no class, as everywhere."""
    table = ["start,label", "2,run", "0.5,walk", "3,", "4,walk"]
    path = described(tmp_path, table, "until_next: true", r"{pattern: '(all)'}")
    text = path.read_text().replace("subject:", "recording: {column: who}\nsubject:")
    path.write_text(text)
    recordings, rejects = read(path)
    walk = [*range(5, 20), *range(40, 50)]
    assert [np.flatnonzero(one.labels == 1).tolist() for one in recordings] == [walk, walk]
    assert [np.flatnonzero(one.labels == 0).tolist() for one in recordings] == [list(range(20, 30))] * 2
    assert rejects == {"row in no interval": 2 * 5}, "the last one reaches no further than the recording"
    labelled = load_table("mine", path).labelled
    assert labelled is not None
    assert labelled["all"]["run"] == 10


def test_a_switch_of_one_person_does_not_end_what_another_does(tmp_path):
    table = ["name,start,label", "ana,0,walk", "bo,1,run", "ana,3,run"]
    found, _ = labelled(described(tmp_path, table, "subject: name, until_next: true"))
    assert found == {
        "ana": {"run": list(range(30, 50)), "walk": list(range(30))},
        "bo": {"run": list(range(10, 50)), "walk": []},
    }


def test_two_ways_to_say_when_it_ends_are_an_error(tmp_path):
    path = described(tmp_path, ["start,label", "0,walk"], "until_next: true, duration: d")
    with pytest.raises(GridError, match="expected one of end, duration and until_next, found duration and until_next"):
        load_table("mine", path)
