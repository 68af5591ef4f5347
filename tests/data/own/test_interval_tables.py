"""Tables of intervals as people keep them: when something began and no more, and of several people in one file."""

import numpy as np
import pytest

from har_ray.data.dataset import Rejects
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
SWITCHES = "subject: name, until_next: true"
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
    found, _ = labelled(described(tmp_path, table, SWITCHES))
    assert found == {
        "ana": {"run": list(range(30, 50)), "walk": list(range(30))},
        "bo": {"run": list(range(10, 50)), "walk": []},
    }


def test_of_two_switches_at_one_time_the_last_one_counts(tmp_path):
    found, _ = labelled(described(tmp_path, ["name,start,label", "ana,0,walk", "ana,0,run", "bo,0,walk"], SWITCHES))
    assert found["ana"] == {"run": list(range(50)), "walk": []}


def test_one_line_names_all_who_lack_intervals_and_only_those_are_meant_who_are_nobody(tmp_path):
    path = described(tmp_path, ["name,start,end,label", "Ana,1,3,walk", "B o,0,2,run"], "subject: name")
    with pytest.raises(DataError) as caught:
        load_table("mine", path)
    assert str(caught.value) == (
        f"{tmp_path}/labels.csv: label.intervals: no interval is of ana and bo; "
        "is 'ana' there 'Ana'? is 'bo' there 'B o'?"
    )
    (tmp_path / "labels.csv").write_text("name,start,end,label\nana,1,3,walk\n")
    with pytest.raises(DataError, match=r"no interval is of bo; only of ana; leave them out of files$"):
        load_table("mine", path)


def test_intervals_of_nobody_come_with_the_name_that_is_written_otherwise(tmp_path, caplog):
    """What only they say is no class."""
    table = ["name,start,end,label", "ana,1,3,walk", "bo,0,2,run", "BO,3,4,jump", ",1,2,walk", "cy,1,2,walk"]
    assert load_table("mine", described(tmp_path, table, "subject: name")).classes == ("run", "walk")
    assert "intervals of nobody: (blank), 'BO' (is it 'bo'?) and cy" in caplog.text


def test_intervals_of_one_of_several_people_may_not_all_be_of_another_clock(tmp_path):
    """The others' lie within the file; each person is known to --plan too, which reads the first rows."""
    table = ["name,start,end,label", "ana,1,3,walk", "ana,9,10,run", "bo,1000,3000,run"]
    dataset = load_table("mine", described(tmp_path, table, "subject: name"))
    assert dataset.first is not None
    (source,) = dataset.locate(None)
    with pytest.raises(DataError, match=r"its intervals of bo are from 1000 to 3000 s, all\.csv is from 0 to 5 s; see"):
        list(dataset.first(source, dataset.channel_names, Rejects()))


def test_intervals_outside_are_counted_of_whom_they_are(tmp_path):
    table = ["name,start,end,label", "ana,1,3,walk", "ana,9,10,run", "bo,0,2,run"]
    _, rejects = read(described(tmp_path, table, "subject: name"))
    assert rejects == {"row in no interval": 30 + 30, "interval outside its recording": 1}


def test_one_table_of_people_for_a_file_of_each(tmp_path):
    """Samples are those of each person alone."""
    (tmp_path / "labels.csv").write_text("name,start,end,label\np1,1,3,walk\np2,0,2,run\n")
    text = DESCRIPTOR.replace("SUBJECT", "{pattern: '(p\\d)'}").replace("KEYS", "subject: name")
    rows = [f"{i / 10:.1f},{i},{100 + i}" for i in range(50)]
    path = write(tmp_path, text, header="t,ax,ay", p1=rows, p2=rows)
    found, rejects = labelled(path)
    assert (found["p1"]["walk"], found["p2"]["run"]) == (list(range(10, 30)), list(range(20)))
    assert rejects == {"row in no interval": 60}
    dataset = load_table("mine", path)
    assert (dataset.samples, dataset.labelled) == (40, {"p1": {"walk": 20}, "p2": {"run": 20}})


@pytest.mark.parametrize("files", ["labels.csv", "'labels/{}.csv'"])
def test_files_without_any_interval_are_one_error(tmp_path, files):
    rows = [f"{i / 10:.1f},{i},{100 + i}" for i in range(50)]
    (tmp_path / "labels").mkdir()
    for name in ("labels", "labels/ana", "labels/bo"):
        (tmp_path / f"{name}.csv").write_text("start,end,label\n")
    text = DESCRIPTOR.replace("SUBJECT", "{pattern: '(ana|bo|cy)'}").replace(
        "files: labels.csv, KEYS", f"files: {files}"
    )
    (tmp_path / "labels/cy.csv").write_text("start,end,label\n1,2,walk\n")
    with pytest.raises(DataError) as caught:
        load_table("mine", write(tmp_path, text, header="t,ax,ay", ana=rows, bo=rows, cy=rows))
    of_each = (
        f"/ana.csv: holds no interval; leave {tmp_path}/raw/ana.csv out of files (and 1 more file with this fault)"
    )
    assert str(caught.value) == f"{tmp_path}/labels" + (".csv: holds no interval" if "{}" not in files else of_each)


def test_a_wrong_line_in_the_table_of_all_is_one_error(tmp_path):
    rows = [f"{i / 10:.1f},{i},{100 + i}" for i in range(50)]
    (tmp_path / "labels.csv").write_text("name,start,end,label\nana,1,3,walk\nbo,2,0,run\n")
    text = DESCRIPTOR.replace("SUBJECT", "{pattern: '(ana|bo)'}").replace("KEYS", "subject: name")
    with pytest.raises(DataError) as caught:
        load_table("mine", write(tmp_path, text, header="t,ax,ay", ana=rows, bo=rows))
    assert str(caught.value) == f"{tmp_path}/labels.csv: line 3: ends at 0, before its start at 2"


def test_a_recording_is_named_with_the_name_that_is_written_otherwise(tmp_path):
    rows = [f"{i / 10:.1f},{i},{100 + i}" for i in range(50)]
    (tmp_path / "labels.csv").write_text("file,start,end,label\nana,1,3,walk\nBo,0,2,run\n")
    text = DESCRIPTOR.replace("SUBJECT", "{pattern: '(ana|bo)'}").replace("KEYS", "recording: file")
    with pytest.raises(
        DataError, match=r"labels\.csv: label\.intervals: no interval is of raw/bo\.csv; is 'raw/bo\.csv' there 'Bo'\?$"
    ):
        load_table("mine", write(tmp_path, text, header="t,ax,ay", ana=rows, bo=rows))


def test_two_ways_to_say_when_it_ends_are_an_error(tmp_path):
    path = described(tmp_path, ["start,label", "0,walk"], "until_next: true, duration: d")
    with pytest.raises(GridError, match="expected one of end, duration and until_next, found duration and until_next"):
        load_table("mine", path)
