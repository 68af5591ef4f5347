"""Files whose values have types (Parquet, spreadsheets, JSON lines, MATLAB), and files in archives."""

import datetime
import gzip
import json
import lzma
import shutil
import zipfile

import numpy as np
import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import scipy.io

from har_ray.data.own import scan as table_scan
from har_ray.data.own.dataset import load_table
from har_ray.data.own.files import TEXT, TIME, VALUE, WORD, column_names, read_cell, read_columns, row_name
from har_ray.data.own.format import FileSpec, Format
from har_ray.errors import DataError
from tests.data.own.tables import CHANNELS, DESCRIPTOR, read, rows, write


def columns(path, types, **layout):
    """The columns as Arrow arrays."""
    batches = list(read_columns(path, types, FileSpec(tuple(types), Format(**layout))))
    return [pa.concat_arrays([batch[str(column)] for batch in batches]) for column in types]


def values(path, types, **layout):
    return [column.to_pylist() for column in columns(path, types, **layout)]


def test_parquet_with_an_index_of_time_stamps_labels_with_decimals_and_categories(tmp_path):
    frame = pd.DataFrame({"ax": [0.5, 1.5, 2.5], "code": [1.0, np.nan, 2.0], "half": [0.5, 1.0, 1.5], "who": [7, 8, 9]})
    frame["activity"] = pd.Categorical(["walk", "run", "walk"])
    # Over the change of clocks in Oslo, at 01:00 UTC.
    frame.index = pd.date_range("2023-10-29 00:59:59.96", periods=3, freq="40ms", tz="UTC").tz_convert("Europe/Oslo")
    frame.to_parquet(tmp_path / "p1.parquet")
    types = {"__index_level_0__": TIME, "ax": VALUE, "code": WORD, "half": WORD, "who": WORD, "activity": WORD}
    time, *others = columns(tmp_path / "p1.parquet", types)
    assert time.type == pa.timestamp("ns", "Europe/Oslo")
    first = pd.Timestamp("2023-10-29 00:59:59.96", tz="UTC").value
    assert time.cast(pa.int64()).to_pylist() == [first, first + 40_000_000, first + 80_000_000]
    assert [column.to_pylist() for column in others] == [
        [0.5, 1.5, 2.5],
        ["1", "", "2"],
        ["0.5", "1", "1.5"],
        ["7", "8", "9"],
        ["walk", "run", "walk"],
    ]
    with pytest.raises(DataError, match=r"p1\.parquet: column 'activity' is string, expected numbers$"):
        values(tmp_path / "p1.parquet", {"activity": VALUE})
    with pytest.raises(
        DataError, match=r"p1\.parquet: columns 'time', 'ay' are unknown; did you mean 'ax'\? \(ax, code"
    ):
        values(tmp_path / "p1.parquet", {"time": TIME, "ay": VALUE})


def test_parquet_with_text_for_time_not_a_number_and_infinities(tmp_path):
    pd.DataFrame({"t": ["10:00:00", " "], "ax": [1.0, np.inf]}).to_parquet(tmp_path / "p1.parquet")
    assert values(tmp_path / "p1.parquet", {"t": TEXT}) == [["10:00:00", None]]
    pq.write_table(pa.table({"code": [np.nan, 1.0]}), tmp_path / "p2.parquet")  # pandas would write null for NaN
    assert values(tmp_path / "p2.parquet", {"code": WORD}) == [["", "1"]]
    with pytest.raises(DataError, match="row 2: column 'ax' is inf, expected a number"):
        values(tmp_path / "p1.parquet", {"ax": VALUE})


STAMP = datetime.datetime(2021, 3, 4, 9, 30, 0, 250_000)


def workbook(path, *rows, sheet="Sheet"):
    book = openpyxl.Workbook()
    page = book.active
    if sheet != "Sheet":
        page = book.create_sheet(sheet)
    for row in rows:
        page.append(row)
    book.save(path)
    return path


def test_a_spreadsheet_with_a_preamble_units_and_time_stamps(tmp_path):
    path = workbook(
        tmp_path / "p1.xlsx",
        ["device", 7],
        [],
        ["time", "ax", "activity"],
        [None, "m/s^2"],
        [STAMP, 1.5, "walk"],
        [STAMP + datetime.timedelta(seconds=1), None, 2],
        [],
        [None, "NA", 2.5],
    )
    time, ax, activity = columns(path, {"time": TIME, "ax": VALUE, "activity": WORD})
    assert time.type == pa.timestamp("ns")
    assert time[0].as_py() == STAMP
    assert time.cast(pa.int64()).to_pylist()[1] - time.cast(pa.int64()).to_pylist()[0] == 10**9
    assert time[2].as_py() is None
    assert ax.to_pylist() == [1.5, None, None]
    assert activity.to_pylist() == ["walk", "2", "2.5"]
    spec = FileSpec(("time", "ax"))
    assert [row_name(path, row, spec) for row in range(3)] == ["row 5", "row 6", "row 8"]
    assert float(read_cell(path, 1, 2, spec)) == 7
    with pytest.raises(DataError, match=r"p1\.xlsx: row 1: has no column 4"):
        read_cell(path, 1, 4, spec)
    with pytest.raises(DataError, match=r"p1\.xlsx: row 5: column 3 \(activity\) is 'walk', expected a number"):
        values(path, {"time": TIME, "activity": VALUE})
    with pytest.raises(DataError, match=r"p1\.xlsx: row 3: column 'act' is unknown; did you mean 'activity'"):
        values(path, {"time": TIME, "act": WORD})


def test_the_sheet_of_a_spreadsheet(tmp_path):
    path = workbook(tmp_path / "p1.xlsx", ["ax"], [1], [2], sheet="second")
    assert values(path, {"ax": VALUE}, sheet="second") == [[1, 2]]
    assert values(path, {"ax": VALUE}, sheet=2) == [[1, 2]]
    with pytest.raises(DataError, match=r"sheet 'secnd' is unknown; did you mean 'second'\? \(Sheet, second\)"):
        values(path, {"ax": VALUE}, sheet="secnd")
    with pytest.raises(DataError, match="expected the names of the columns, found nothing"):
        values(path, {"ax": VALUE})


def test_matlab_matrices_vectors_and_structs(tmp_path):
    acc = np.arange(12.0).reshape(4, 3)
    labels = np.array(["walk", "run", "sit", "walk"], dtype=object)
    data = {"t": np.arange(4), "gyr": np.array([[1.0, 2], [3, 4], [5, np.inf], [7, 8]]).T}
    path = tmp_path / "p1.mat"
    scipy.io.savemat(path, {"acc": acc, "labels": labels, "subject": 7, "name": "ana", "short": [1, 2], "data": data})
    names = ["acc.1", "acc.2", "acc.3", "labels", "data.t", "data.gyr.1", "data.gyr.2"]
    assert column_names(path, FileSpec()) == names
    found = values(path, {"data.t": TIME, "acc.2": VALUE, "labels": WORD, "data.gyr.1": VALUE, 3: VALUE})
    assert found == [[0, 1, 2, 3], [1, 4, 7, 10], ["walk", "run", "sit", "walk"], [1, 3, 5, 7], [2, 5, 8, 11]]
    with pytest.raises(DataError, match=r"p1\.mat: row 3: column 7 \(data.gyr.2\) is 'inf', expected a number"):
        values(path, {"data.gyr.2": VALUE})
    assert values(path, {2: VALUE}, variable="acc") == [[1, 4, 7, 10]]
    assert values(path, {1: VALUE}, variable="short") == [[1, 2]]
    with pytest.raises(DataError, match=r"p1\.mat: variable 'short' is \(2,\), others have 4 rows"):
        values(path, {1: VALUE}, variable=("short", "acc"))
    with pytest.raises(DataError, match=r"p1\.mat: variable 'ac' is unknown; did you mean 'acc'\?"):
        values(path, {1: VALUE}, variable="ac")


def test_matlab_files_of_other_kinds_are_named(tmp_path):
    (tmp_path / "p1.mat").write_bytes(b"MATLAB 7.3 MAT-file".ljust(124) + b"\0\2IM" + b"\x89HDF")
    with pytest.raises(DataError, match=r"p1\.mat: is of MATLAB 7.3 or later \(HDF5\); save it there with save"):
        values(tmp_path / "p1.mat", {1: VALUE})
    (tmp_path / "p1.mat").write_bytes(b"0,1,2\n")
    with pytest.raises(DataError, match=r"p1\.mat: cannot be read as a MATLAB file"):
        values(tmp_path / "p1.mat", {1: VALUE})
    scipy.io.savemat(tmp_path / "p1.mat", {"name": "ana"})
    with pytest.raises(DataError, match=r"p1\.mat: holds no array of numbers or text"):
        values(tmp_path / "p1.mat", {1: VALUE})


def lines(*objects):
    return "".join(json.dumps(one) + "\n" for one in objects)


def test_json_lines(tmp_path):
    path = tmp_path / "p1.jsonl"
    first = {"t": "2021-03-04 09:30:00", "acc": {"x": 1, "y": 2.5}, "n": None, "label": "walk", "code": 1}
    second = {"t": "2021-03-04T09:30:00.5Z", "acc": {"x": 1.5}, "label": None, "code": 2, "more": [1]}
    many = lines(first, second) * 7_000  # more than the parser's block
    path.write_text(many)
    assert column_names(path, FileSpec()) == ["t", "acc.x", "acc.y", "n", "label", "code", "more"]
    found = values(path, {"t": TEXT, "acc.x": VALUE, "acc.y": TIME, "label": WORD, "code": WORD, "n": VALUE})
    assert [column[:2] for column in found] == [
        ["2021-03-04 09:30:00", "2021-03-04T09:30:00.5Z"],
        [1, 1.5],
        [2.5, None],
        ["walk", ""],
        ["1", "2"],
        [None, None],
    ]
    assert [len(column) for column in found] == [14_000] * 6
    with pytest.raises(DataError, match=r"p1\.jsonl: column 'label' is string, expected numbers"):
        values(path, {"label": VALUE})
    path.write_text(many + lines({"acc": {"x": "none"}}))
    with pytest.raises(DataError, match=r"p1\.jsonl: line 14001: .*none"):
        values(path, {"acc.x": VALUE})
    path.write_text(lines(first) + '{"acc": ')
    with pytest.raises(DataError, match=r"p1\.jsonl: line 2: "):
        values(path, {"acc.x": VALUE})
    path.write_text("[]\n")
    with pytest.raises(DataError, match=r"p1\.jsonl: line 1: "):
        values(path, {"acc.x": VALUE})


@pytest.fixture
def _no_scans_from_other_tests():
    table_scan._scans.clear()


def archive(path, **members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in members.items():
            packed.writestr(name.replace("__", "/"), content)
    return path


def text(*labels):
    return "\n".join(["t,ax,ay,note,activity", *rows(*labels)]) + "\n"


TABLES = {
    "rows": [{"t": 0, "acc": {"x": 1.5, "y": "2.5"}, "who": "ana"}, {"t": 40, "acc": {"x": None, "y": 3}, "who": 7}],
    "columns": {"t": [0, 40], "acc.x": [1.5, None], "acc.y": ["2.5", 3], "who": ["ana", 7], "device": "watch"},
    "within": {"version": 3, "data": [
        {"t": 0, "acc": {"x": 1.5, "y": 2.5}, "who": "ana"}, {"t": 40, "acc": {"y": 3}, "who": 7},
    ]},
}  # fmt: skip


@pytest.mark.parametrize("shape", TABLES)
def test_json_by_rows_and_by_columns(tmp_path, shape):
    path = tmp_path / "p1.json"
    path.write_text(json.dumps(TABLES[shape], indent=1))
    assert column_names(path, FileSpec()) == ["t", "acc.x", "acc.y", "who"]
    t, x, y, who = values(path, {"t": TIME, "acc.x": VALUE, "acc.y": VALUE, "who": WORD})
    assert (t, x, y, who) == ([0, 40], [1.5, None], [2.5, 3], ["ana", "7"])


def test_json_vectors_and_what_is_no_table(tmp_path):
    path = tmp_path / "p1.json"
    path.write_text(json.dumps([{"t": 0, "acc": [1, 2, "high"]}]))
    assert column_names(path, FileSpec()) == ["t", "acc.1", "acc.2", "acc.3"]
    with pytest.raises(DataError, match=r"p1\.json: row 1: column 4 \(acc\.3\) is 'high', expected a number"):
        values(path, {"acc.1": VALUE, "acc.3": VALUE})
    for text, fault in (
        ('{"t": 0}\n{"t": 1}', "not JSON: Extra data: line 2 column 1.*; JSON lines are called .jsonl"),
        ('{"t": [0, 1], "x": [1]}', "no list of objects, and no object of lists as long as each other"),
        ("[]", "no list of objects"),
        ("3", "no list of objects"),
    ):
        path.write_text(text)
        with pytest.raises(DataError, match=rf"p1\.json: {fault}"):
            column_names(path, FileSpec())


@pytest.mark.usefixtures("_no_scans_from_other_tests")
def test_members_of_archives_are_files_of_their_own(tmp_path):
    descriptor = DESCRIPTOR.replace("raw/*.csv", "raw/*.zip\n    members: '*_waist.*'").replace(
        '{column: activity, map: {walk: walking, run: running}, no_class: [other, ""]}',
        "{pattern: '/(walking|running)_', classes: [walking, running]}",
    )
    path = write(tmp_path, descriptor)
    inner = archive(tmp_path / "inner.zip", **{"walking_waist.csv": text(*["x"] * 7)})
    members = {
        "running_waist.csv.gz": gzip.compress(text(*["x"] * 5).encode()),
        "sub__walking_waist.csv.xz": lzma.compress(text(*["x"] * 6).encode()),
        "running_chest.csv": text("x"),
        "__MACOSX/._running_waist.csv": b"\0\1",
        "more.zip": inner.read_bytes(),
    }
    archive(tmp_path / "raw/p1.zip", **members)
    archive(tmp_path / "raw/p2.zip", **{"walking_waist.csv": text("x", "x")})
    recordings, rejects = read(path)
    assert [(r.name, r.subject, int(r.labels[0]), len(r.x)) for r in recordings] == [
        ("raw/p1.zip/more.zip/walking_waist.csv:0", "1", 0, 7),
        ("raw/p1.zip/running_waist.csv.gz:0", "1", 1, 5),
        ("raw/p1.zip/sub/walking_waist.csv.xz:0", "1", 0, 6),
        ("raw/p2.zip/walking_waist.csv:0", "2", 0, 2),
    ]
    assert rejects == {}
    dataset = load_table("mine", path)
    shutil.copy(archive(tmp_path / "p2.zip", **{"walking_waist.csv": text("x", "x", "x")}), tmp_path / "raw/p2.zip")
    assert load_table("mine", path).fingerprint != dataset.fingerprint
    archive(tmp_path / "raw/p2.zip", **{"walking_chest.csv": text("x")})
    with pytest.raises(DataError, match=r"raw/p2\.zip/walking_waist\.csv: no longer exists"):
        dataset.locate(None)
    with pytest.raises(DataError, match=r"raw/p2\.zip: holds no file that matches members: '\*_waist\.\*'"):
        load_table("mine", path)


@pytest.mark.usefixtures("_no_scans_from_other_tests")
def test_an_archive_of_one_file_needs_no_word_and_one_of_several_does(tmp_path):
    path = write(tmp_path, DESCRIPTOR.replace("*.csv", "*.zip"))
    for person in (1, 2):
        archive(tmp_path / f"raw/p{person}.zip", **{"data.csv": text("walk", "run")})
    assert [len(r.x) for r in read(path, CHANNELS)[0]] == [2, 2]
    for person in (1, 2):
        archive(tmp_path / f"raw/p{person}.zip", **{"b.csv": text("walk"), "a.csv": text("run")})
    (tmp_path / "raw/p3.zip").write_bytes(b"PK")
    with pytest.raises(DataError) as error:
        load_table("mine", path)
    assert str(error.value).splitlines() == [
        f"{tmp_path}/raw/p3.zip: cannot be read: File is not a zip file",
        f"{tmp_path}/raw/p1.zip: holds 2 files (a.csv, b.csv); say which with members: a pattern of their names "
        "(and 1 more such)",
    ]
