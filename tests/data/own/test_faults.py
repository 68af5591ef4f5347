"""What is wrong with a descriptor or a file is reported with its line; `tables.py` writes the files."""

import gzip

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from har_ray.data.dataset import Rejects
from har_ray.data.own.dataset import load_table
from har_ray.errors import DataError, GridError
from tests.data.own.tables import CHANNELS, DESCRIPTOR, read, rows, write


def test_all_faults_of_a_descriptor_are_reported_together(tmp_path):
    descriptor = r"""
        files: raw/*.csv
        rate_hz: 10
        tme: {column: t}
        time: {column: t, unit: sec}
        subject: {pattern: 'p\d+'}
        label: {column: activity, map: {walk: yes}}
        channels: {wrist_acc_x: {column: ax, unt: g}, wrist_acc_y: ay}
        presets:
          wrist:
            channels: [wrist_acc_x, wrst_acc_y]
            window_s: 0.55
        """
    with pytest.raises(GridError) as error:
        load_table("mine", write(tmp_path, descriptor, p1=rows("walk")))
    assert sorted(str(error.value).replace(f"{tmp_path}/mine.yaml:", "").splitlines()) == [
        "10: presets.wrist.stride_s: this key is missing",
        "11: presets.wrist.channels[1]: channel 'wrst_acc_y' is unknown; did you mean 'wrist_acc_y'? "
        "(wrist_acc_x, wrist_acc_y)",
        "12: presets.wrist.window_s: 0.55 s at 10 Hz are 5.5 samples; 0.6 s are a whole number",
        "4: tme: key 'tme' is unknown; did you mean 'time'? "
        "(files, rate_hz, subject, label, channels, presets, time, "
        "members, format, rows, recording, units, sources, join, strict)",
        "5: time.unit: value 'sec' is unknown; did you mean 's'? (s, ms, us, ns)",
        r"6: subject.pattern: 'p\\d+' has 0 groups in parentheses, expected one around what is wanted",
        "7: label.map.walk: YAML reads this as True; put the text in quotes",
        "8: channels.wrist_acc_x.unt: key 'unt' is unknown; did you mean 'unit'? (column, unit, in_file)",
    ]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (r"{pattern: 'p(\d+)'}", "{}", "subject: expected either column or pattern"),
        (r"{pattern: 'p(\d+)'}", "{pattern: '('}", "subject.pattern: '(' is not a regular expression"),
        ("wrist_acc_y: ay", "wrist_acc_y: ax", "channels: column 'ax' is both wrist_acc_x and wrist_acc_y"),
        ("no_class: [other", "no_class: [run", "label: no_class: 'run' also stands in map or classes"),
        (
            "no_class: [other",
            "classes: [walking], no_class: [other",
            "label: map: class 'running' is unknown; (walking)",
        ),
        (
            "no_class: [other",
            "classes: [running, walking, running], no_class: [o",
            "classes: 'running' is listed twice",
        ),
        ("wrist_acc_y: ay", "wrist_acc_y: 0", "channels.wrist_acc_y: columns are numbered from 1, found 0"),
        (
            "wrist_acc_y: ay",
            "wrist_acc_y: {column: {patern: y}}",
            "channels.wrist_acc_y.column.patern: key 'patern' is unknown; did you mean 'pattern'? (pattern)",
        ),
        (
            "wrist_acc_y: ay",
            "wrist_acc_y: {column: {pattern: '('}}",
            "mine.yaml:9: channels.wrist_acc_y.column.pattern: '(' is not a regular expression",
        ),
        ("rate_hz: 10", "rate_hz: 10\n    format: {skp: 1}", "format.skp: key 'skp' is unknown; did you mean 'skip'?"),
        ("rate_hz: 10", "rate_hz: 0", "mine.yaml:3: rate_hz: input should be greater than 0, found 0"),
        ("    rate_hz: 10\n", "", "rate_hz: this key is missing"),
    ],
)
def test_a_fault_of_a_descriptor_is_named(tmp_path, old, new, message):
    with pytest.raises(GridError) as error:
        load_table("mine", write(tmp_path, DESCRIPTOR.replace(old, new), p1=rows("walk")))
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda r: r.__setitem__(2, "0.2,abc,1,x,walk"), "p1.csv: line 4: column 2 (ax) is 'abc', expected a number"),
        (lambda r: r.__setitem__(2, "0.2,1,walk"), "p1.csv: line 4: 3 fields, expected 5"),
        (lambda r: r.__setitem__(2, "now,1,1,x,walk"), "p1.csv: line 4: column 1 (t) is 'now', expected a number"),
        (lambda r: r.__setitem__(2, "\n0.2,1,1,x,wlak"), "line 5: label 'wlak' is unknown; did you mean 'walk'?"),
        (lambda r: r.clear(), "p1.csv: no rows below the names of the columns"),
    ],
)
def test_a_fault_of_a_file_is_named_with_its_line(tmp_path, spoil, message):
    lines = rows(*["walk"] * 5)
    spoil(lines)
    with pytest.raises(DataError) as error:
        read(write(tmp_path, p1=lines))
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("t,a x,ay,note,activity", "p1.csv: line 1: column 'ax' is unknown; did you mean 'a x'? (t, a x, ay, note, "),
        ("t,ax,ay,ax,activity", "p1.csv: line 1: column 'ax' appears 2 times"),
        ("t,ax,ay,note,label", "p1.csv: line 1: column 'activity' is unknown"),
        ("", "p1.csv: no line names the columns; give their numbers, 1 to 5, in place of names"),
    ],
)
def test_a_missing_column_is_named(tmp_path, header, message):
    with pytest.raises(DataError) as error:
        load_table("mine", write(tmp_path, header=header, p1=rows("walk"), p2=rows("run")))
    assert message in str(error.value)
    assert str(error.value).endswith("(and 1 more file with this fault)")


def test_all_unknown_labels_are_reported_together(tmp_path):
    path = write(tmp_path, p1=rows("walk", "jump", "jump"), p2=rows("jump", "hop"))
    with pytest.raises(DataError) as error:
        load_table("mine", path)
    assert str(error.value).splitlines() == [
        f"{tmp_path}/raw/p1.csv: line 3: label 'jump' is unknown; (other, walking, running, walk, run)",
        f"{tmp_path}/raw/p2.csv: line 3: label 'hop' is unknown; (other, walking, running, walk, run)",
        f"{tmp_path}/mine.yaml: label: add them to map, classes or no_class",
    ]


def test_a_label_that_came_after_loading_is_named(tmp_path):
    path = write(tmp_path, p1=rows("walk"))
    dataset = load_table("mine", path)
    write(tmp_path, p1=rows("walk", "hop"))
    with pytest.raises(DataError, match=r"p1\.csv: line 3: label 'hop' is unknown"):
        list(dataset.read(dataset.locate(None)[0], CHANNELS, Rejects()))
    (tmp_path / "raw/p1.csv").unlink()
    with pytest.raises(DataError, match=r"p1\.csv: no longer exists"):
        dataset.locate(None)


def test_files_that_are_not_there_or_of_no_subject(tmp_path):
    with pytest.raises(DataError, match=r"mine\.yaml:2: files: no file matches 'raw/\*\.csv' below"):
        load_table("mine", write(tmp_path))
    with pytest.raises(DataError, match=r"raw/test\.csv: the path does not match the pattern 'p\(\\\\d\+\)'"):
        load_table("mine", write(tmp_path, p1=rows("walk"), test=rows("walk")))
    (tmp_path / "raw/test.csv").rename(tmp_path / "raw/p2.xlsx")
    with pytest.raises(DataError, match=r"p2\.xlsx: cannot be read as a spreadsheet: Cannot detect"):
        load_table("mine", write(tmp_path, DESCRIPTOR.replace("*.csv", "*")))


def test_a_row_without_a_subject_is_named(tmp_path):
    descriptor = DESCRIPTOR.replace(r"{pattern: 'p(\d+)'}", "{column: note}")
    with pytest.raises(DataError, match=r"p1\.csv: line 3: no subject"):
        load_table("mine", write(tmp_path, descriptor, p1=["0,1,2,ann,walk", "1,1,2,,walk"]))


def test_interleaved_subjects_have_to_be_sorted(tmp_path):
    descriptor = DESCRIPTOR.replace(r"{pattern: 'p(\d+)'}", "{column: note}")
    lines = [line.replace(",x,", f",{'ab'[i % 2]},") for i, line in enumerate(rows(*["walk"] * 40))]
    with pytest.raises(DataError, match=r"line 2 on: the subject changes 39 times in 40 rows; sort the rows by 'note'"):
        read(write(tmp_path, descriptor, p1=lines))


def test_a_column_of_readings_is_not_taken_for_labels(tmp_path):
    descriptor = DESCRIPTOR.replace("column: activity, map: {walk: walking, run: running}", "column: t")
    with pytest.raises(DataError, match="column 't' has over 1000 distinct values; expected few words"):
        load_table("mine", write(tmp_path, descriptor, p1=rows(*["walk"] * 1001)))


@pytest.mark.parametrize(
    ("step", "unit", "message"),
    [
        (0.1, "s", None),
        (0.104, "s", None),
        (0.2, "s", r"'t' says 5 Hz, rate_hz is 10; over 5 % apart; set rate_hz to the rate found"),
        (0.094, "s", r"'t' says 10\.64 Hz, rate_hz is 10"),
        (100, "s", r"'t' says 0\.01 Hz, rate_hz is 10; they agree if the unit is ms, not s"),
        (100, "ms", None),
        (1e8, "ns", None),
        (0.0, "s", "'t' does not advance"),
        (-0.1, "s", "'t' runs backwards at 19 of 19 rows; sort them by time"),
    ],
)
def test_time_stamps_must_come_at_the_rate(tmp_path, step, unit, message):
    path = write(tmp_path, DESCRIPTOR.replace("unit: s}", f"unit: {unit}}}"), p1=rows(*["walk"] * 20, t=50, step=step))
    if message is None:
        assert len(read(path)[0]) == 1
    else:
        with pytest.raises(DataError, match=rf"p1\.csv: from line 2 on: {message}"):
            read(path)


def test_a_wrong_rate_of_many_files_is_one_line(tmp_path):
    many = {f"p{i}": rows(*["walk"] * 20, step=0.2 + i / 1000) for i in range(1, 13)}
    with pytest.raises(DataError) as error:
        load_table("mine", write(tmp_path, **many))
    (line,) = str(error.value).splitlines()
    assert line.startswith(f"{tmp_path}/raw/p1.csv: from line 2 on: 't' says 4.975 Hz, rate_hz is 10")
    assert line.endswith("(and 11 more files with this fault)")


def test_stamps_in_whole_milliseconds_have_no_step_of_the_right_length(tmp_path):
    descriptor = DESCRIPTOR.replace("unit: s}", "unit: ms}").replace("rate_hz: 10", "rate_hz: 300")
    lines = [f"{i * 10 // 3},{i},0,x,walk" for i in range(900)]  # 3, 3, 4, ...
    (recording,), _ = read(write(tmp_path, descriptor.replace("0.5", "0.1"), p1=lines))
    assert len(recording.x) == 900


def test_text_of_another_encoding_and_a_broken_archive_are_named(tmp_path):
    path = write(tmp_path, p1=[])
    (tmp_path / "raw/p1.csv").write_bytes("t,ax,ay,note,activity\n0,1,2,x,gähnen\n".encode("latin-1"))
    with pytest.raises(DataError, match=r"p1\.csv: line 2: label 'gähnen' is unknown"):
        load_table("mine", path)
    late = ["t,ax,ay,note,activity", *rows(*["walk"] * 5000), "500,1,2,x,gähnen\n"]
    (tmp_path / "raw/p1.csv").write_bytes("\n".join(late).encode("latin-1"))
    with pytest.raises(DataError, match=r"p1\.csv: line 5002: not utf-8 text; say format: {encoding: \.\.\.}"):
        load_table("mine", path)
    (tmp_path / "raw/p1.csv").write_bytes("\ufefft,ax,ay,note,activity\r\n0,1,2,x,walk\r\n".encode())
    assert load_table("mine", path).samples == 1, "a byte order mark is none of the column's name"
    packed = gzip.compress("\n".join(["t,ax,ay,note,activity", *rows(*["walk"] * 99)]).encode())
    (tmp_path / "raw/p1.csv.gz").write_bytes(packed[: len(packed) // 2])
    with pytest.raises(DataError, match=r"p1\.csv\.gz: cannot be read"):
        load_table("mine", write(tmp_path, DESCRIPTOR.replace("*.csv", "*.gz")))


def test_parquet_with_text_for_numbers_and_numbers_for_labels(tmp_path):
    descriptor = DESCRIPTOR.replace("*.csv", "*.parquet").replace("{walk: walking, run: running}", "{1: walking}")
    path = write(tmp_path, descriptor)
    columns = {"t": [0.0, 0.1], "ax": [1, None], "ay": [2.5, 3.5], "activity": [1, None]}
    pq.write_table(pa.table(columns), tmp_path / "raw/p1.parquet")
    (recording,), rejects = read(path)
    assert recording.x.tolist() == [[1.0, 2.5]]
    assert recording.labels.tolist() == [0]
    assert rejects == {"wrist_acc_x missing at an end of a recording": 1}
    pq.write_table(pa.table(columns | {"activity": [1, 2]}), tmp_path / "raw/p1.parquet")
    with pytest.raises(DataError, match=r"p1\.parquet: row 2: label '2' is unknown"):
        read(path)
    pq.write_table(pa.table(columns | {"ay": ["2.5", "3.5"]}), tmp_path / "raw/p1.parquet")
    with pytest.raises(DataError, match=r"p1\.parquet: column 'ay' is string, expected numbers"):
        read(path)
    (tmp_path / "raw/p1.parquet").write_bytes(b"not Parquet")
    with pytest.raises(DataError, match=r"p1\.parquet: cannot be read"):
        read(path)


def test_a_grid_is_no_descriptor_which_is_one_line(tmp_path):
    (tmp_path / "grid.yaml").write_text("name: tiny\ndatasets: []\nvariants: [LM]\nseeds: [0]\n")
    with pytest.raises(GridError, match=r"^.*grid\.yaml: a grid; expected a descriptor of recordings[^\n]*$"):
        load_table("mine", tmp_path / "grid.yaml")
