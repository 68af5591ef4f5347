"""Texts as vendors and apps write them, without a word about their layout; and what their descriptor may say of it."""

import codecs
import gzip
import lzma
from functools import partial
from typing import Any

import pytest
from pydantic import ValidationError

from har_ray.data.own.columns import ColumnPattern
from har_ray.data.own.files import TEXT, TIME, VALUE, WORD, column_names, read_cell, read_columns, row_name
from har_ray.data.own.format import FileSpec, Format
from har_ray.errors import DataError

ROWS = ["0.0,1.5,walk", "0.1,-2,run", "0.2,0.25,walk"]
READ = [[0.0, 0.1, 0.2], [1.5, -2.0, 0.25], ["walk", "run", "walk"]]
QUOTED = '"{}","{}","{}"'
NAMED = ("t", "ax", "activity")


def put(folder, lines, encoding="utf-8", newline="\n", name="p1.csv"):
    path = folder / name
    path.write_bytes((newline.join(lines) + newline).encode(encoding))
    return path


def read(path, columns=NAMED, types=(TIME, VALUE, WORD), **layout):
    """The columns as lists."""
    found = read_columns(path, dict(zip(columns, types, strict=True)), FileSpec(tuple(columns), Format(**layout)))
    batches = list(found)
    return [[value for batch in batches for value in batch[str(column)].to_pylist()] for column in columns]


ACTIGRAPH = [
    "------------ Data File Created By ActiGraph GT3X+ ActiLife v6.13.4 date format d/MM/yyyy at 30 Hz -----------",
    *("Serial Number: XXX", "Start Time 09:30:00", "Start Date 4/03/2021", "Epoch Period (hh:mm:ss) 00:00:00"),
    *("Download Time 14:00:01", "Download Date 11/03/2021", "Current Memory Address: 0"),
    *("Current Battery Voltage: 4.07     Mode = 12", "--------------------------------------------------"),
]
MOVELLA = ["sep=,", "DeviceTag:,d4ca6e000001", "OutputRate:,60 Hz", "StartTime:,2021-05-06_09:25:08 482 UTC", ""]


@pytest.mark.parametrize(
    ("lines", "first_row"),
    [
        (["t,ax,activity", *ROWS], 2),
        ([*ACTIGRAPH, "t,ax,activity", *ROWS], 12),
        ([*MOVELLA, "t,ax,activity", *ROWS], 7),
        (["# made by an app", "t,ax,activity", ROWS[0], "# a pause", *ROWS[1:]], 3),
        (["t,ax,activity", "s,m/s^2,text", *ROWS], 3),
        (["t,ax,activity", "(s),(g),", "", *ROWS], 4),
        (["t,ax,activity", *(row + "," for row in ROWS)], 2),
        (["t,ax,activity,", *(row + "," for row in ROWS)], 2),
        (["t,ax,activity,", *ROWS], 2),
        (["t,ax,activity", *(row + ";" for row in ROWS)], 2),  # as WISDM's raw files end their lines
        (['"sep=\t"', "t\tax\tactivity", "s\tg\tno_units", *(row.replace(",", "\t") + "\t" for row in ROWS)], 4),
        (["# t ax activity", *(row.replace(",", " ") for row in ROWS)], 2),  # numpy.savetxt
        (["# t,ax,activity", *ROWS], 2),
        (["  t   ax activity", *(f"  {row.replace(',', '   ')} " for row in ROWS)], 2),
        (["t;ax;activity", *(row.replace(",", ";").replace(".", ",") for row in ROWS)], 2),
        (["pocket,,", "t,ax,activity", *ROWS], 3),
        (["t,ax,activity", *(QUOTED.format(*row.split(",")).replace(".", ",") for row in ROWS)], 2),
    ],
)
def test_how_a_text_is_laid_out_is_found(tmp_path, lines, first_row):
    path = put(tmp_path, lines)
    assert row_name(path, 0, FileSpec(NAMED)) == f"line {first_row}"
    assert read(path) == READ
    assert read(path, (1, 2, 3)) == READ, "by number, the first row is found by where numbers begin"


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-32", "cp1252"])
def test_encodings_and_ends_of_lines_are_found(tmp_path, encoding, newline):
    rows = [row.replace("run", "gå") for row in ROWS]
    path = put(
        tmp_path, ["t,ax,locationTrueHeading(°),activity", *(r.replace(",", ",1,", 1) for r in rows)], encoding, newline
    )
    assert column_names(path, FileSpec(("t",)))[2] == "locationTrueHeading(°)"
    assert read(path, types=(TIME, VALUE, WORD))[2] == ["walk", "gå", "walk"]


@pytest.mark.parametrize("suffix", ["", ".gz", ".xz"])
def test_any_block_of_a_text_may_end_within_a_line(tmp_path, suffix):
    n = 60_000  # more than the parser's block of 1 MiB
    lines = ["t;ax;activity", *(f"{i / 10:.1f};{i};gå {i % 7}".replace(".", ",") for i in range(n))]
    content = put(tmp_path, lines, "utf-16", "\r\n").read_bytes()
    pack: dict[str, Any] = {
        "": bytes,
        ".gz": partial(gzip.compress, compresslevel=1),
        ".xz": partial(lzma.compress, preset=0),
    }
    packed = tmp_path / f"p1.csv{suffix}"
    packed.write_bytes(pack[suffix](content))
    assert read(packed) == [[i / 10 for i in range(n)], list(range(n)), [f"gå {i % 7}" for i in range(n)]]


def test_bytes_of_another_encoding_in_a_column_that_is_not_read_do_not_matter(tmp_path):
    lines = ["t,ax,note,activity", *(f"{i / 10},{i},x,walk" for i in range(9000))]
    path = tmp_path / "p1.csv"
    path.write_bytes("\n".join([*lines, "900,9000,Grün,walk", ""]).encode("latin-1"))
    assert read(path)[1] == list(range(9001))
    with pytest.raises(DataError, match=r"p1\.csv: line 9002: not utf-8 text; say format: {encoding: \.\.\.}"):
        read(path, ("t", "note"), (TIME, WORD))
    assert read(path, ("t", "note"), (TIME, WORD), encoding="latin-1")[1][-1] == "Grün"


def test_files_without_names_have_columns_by_number(tmp_path):
    e4 = put(tmp_path, ["1544027337.000000, 1544027337.000000", "32.000000, 32.000000", "-7,61", "-8,60"])
    assert read(e4, (1, 2), (VALUE, VALUE), header_line="none", skip=2) == [[-7, -8], [61, 60]]
    below = FileSpec((1, 2), above=2)  # as a descriptor that takes start and rate from the first lines
    (batch,) = read_columns(e4, {1: VALUE, 2: VALUE}, below)
    assert [column.to_pylist() for column in batch.columns] == [[-7, -8], [61, 60]]
    assert (read_cell(e4, 1, 2, below), read_cell(e4, 2, 1, below)) == ("1544027337.000000", "32.000000")
    with pytest.raises(DataError, match=r"p1\.csv: line 2: has no column 3, only 2"):
        read_cell(e4, 2, 3, below)
    pamap2 = put(tmp_path, ["0.00 4 NaN 1.5", "0.01 4 104 -0.25", "0.02 5 NaN 3"], name="subject101.dat")
    assert read(pamap2, (1, 2, 3, 4), (TIME, WORD, VALUE, VALUE)) == [
        [0.0, 0.01, 0.02],
        ["4", "4", "5"],
        [None, 104, None],
        [1.5, -0.25, 3],
    ]
    with pytest.raises(DataError, match=r"no line names the columns; give their numbers, 1 to 4, in place of names"):
        read(pamap2, ("t", "x"), (TIME, VALUE))


def test_a_column_may_be_called_by_the_sign_of_comments(tmp_path):
    path = put(tmp_path, ["#,t,ax", "1,0.0,1.5", "2,0.1,-2"])
    assert column_names(path, FileSpec()) == ["#", "t", "ax"]
    assert read(path, ("#", "ax"), (TIME, VALUE)) == [[1, 2], [1.5, -2]]


def test_a_cell_above_the_rows(tmp_path):
    path = put(tmp_path, [*MOVELLA, "# at 25 Hz", "t,ax,activity", *ROWS])
    assert read_cell(path, 3, 2, FileSpec(NAMED)) == "60 Hz"
    assert read_cell(path, 6, 1, FileSpec(NAMED)) == "# at 25 Hz"


def test_columns_by_pattern_and_doubled_names(tmp_path):
    path = put(tmp_path, ["Shimmer_07_Time,Shimmer_07_Accel_X,Shimmer_07_Gyro_X,x,x", "0,1,2,3,4"])
    accel = ColumnPattern(pattern=r"Shimmer_\d+_Accel_X")
    assert read(path, (accel, 5), (VALUE, VALUE)) == [[1], [4]]
    for column, message in (
        (ColumnPattern(pattern="Shimmer"), r"3 columns match the pattern 'Shimmer' \(Shimmer_07_Time, Shimmer_07_Acc"),
        (ColumnPattern(pattern="Mag"), r"no columns match the pattern 'Mag' \(Shimmer_07_Time"),
        ("x", "line 1: column 'x' appears 2 times; choose one by its number, 4 or 5"),
        (6, "line 1: there is no column 6, only 5"),
        ("Shimmer_07_Acel_X", "column 'Shimmer_07_Acel_X' is unknown; did you mean 'Shimmer_07_Accel_X'?"),
    ):
        with pytest.raises(DataError, match=message):
            read(path, (column,), (VALUE,))


@pytest.mark.parametrize("word", ["", "NaN", "nan", "NA", "N/A", "null", "NULL", "None", " NaN", " null"])
def test_missing_numbers_are_known_by_their_usual_words(tmp_path, word):
    path = put(tmp_path, ["t,ax,activity", f"0,{word},walk", f"{word},1,null"])
    t, ax, activity = read(path)
    assert t[0] == 0
    assert ax[1] == 1
    assert str(t[1]) in ("None", "nan")
    assert str(ax[0]) in ("None", "nan")
    assert activity == ["walk", "null"], "a label is what it is"


def test_thousands_infinities_and_what_else_is_no_number(tmp_path):
    lines = ["t,ax,activity", *ROWS, '3,"1,234.5",walk', "4,-999,walk", "5,inf,walk", "6,error,walk"]
    with pytest.raises(DataError, match=r"line 5: column 2 \(ax\) is '1,234.5', expected a number; see format.decimal"):
        read(put(tmp_path, lines))
    with pytest.raises(
        DataError, match=r"line 7: column 2 \(ax\) is 'inf', expected a number; if that stands for a miss"
    ):
        read(put(tmp_path, lines), thousands=",")
    with pytest.raises(DataError, match=r"line 8: column 2 \(ax\) is 'error', .* say format: {missing: \['error'\]}"):
        read(put(tmp_path, lines), thousands=",", missing="inf")
    layout = {"thousands": ",", "missing": ("-999", "inf", "error")}
    assert read(put(tmp_path, lines), **layout)[1] == [1.5, -2, 0.25, 1234.5, None, None, None]
    german = put(tmp_path, ["t;ax;activity", "0,5;1.234,5;walk", "1;-0,25;run"])
    assert read(german, thousands=".") == [[0.5, 1], [1234.5, -0.25], ["walk", "run"]]
    big = put(tmp_path, ["t,ax,activity", "0,1e39,walk"])
    with pytest.raises(DataError, match=r"line 2: column 2 .* is '1e39', expected a number"):
        read(big)


def test_what_happens_to_loggers_is_said(tmp_path):
    """The battery is empty, the file was laid out in advance, a recording is appended to another."""
    head, path = "t,ax,activity", tmp_path / "p1.csv"
    good = "\n".join([head, *ROWS]) + "\n"
    line = good.count("\n") + 1
    for text, fault in (
        (
            f"{good}2,3",
            f"line {line}: 2 fields, expected 3; it is the last line: if the recording was cut off there, delete",
        ),
        (
            good + "\0" * 300,
            f"line {line}: zero bytes, as a logger leaves behind that loses power; cut them off",
        ),
        (
            good + good,
            rf"line {line}: the names of the columns again; format: \{{comment: 't,ax'\}} leaves such",
        ),
    ):
        path.write_text(text)
        with pytest.raises(DataError, match=fault):
            read(path)
    once = read(put(tmp_path, [head, *ROWS]))
    path.write_text(good + good)
    assert read(path, comment="t,ax") == [column * 2 for column in once]


def test_time_as_text_is_handed_on_as_it_stands(tmp_path):
    lines = ["Timestamp,ax", "4/03/2021 09:30:00.000,1", " 4/03/2021 09:30:00.033 ,2", ",3"]
    assert read(put(tmp_path, lines), ("Timestamp", "ax"), (TEXT, VALUE))[0] == [
        "4/03/2021 09:30:00.000",
        "4/03/2021 09:30:00.033",
        None,
    ]
    with pytest.raises(DataError, match=r"line 2: .* expected a number; for dates and times of day say time: {format"):
        read(put(tmp_path, lines), ("Timestamp", "ax"), (TIME, VALUE))


def test_a_line_break_in_quotes_at_the_end_of_a_block(tmp_path):
    rows = [f'{i},"{"x" * (i % 50)},\n{i}","{i}"' for i in range(40_000)]  # more than a block of 1 MiB
    path = put(tmp_path, ["t,note,ax", *rows], "utf-16")
    assert read(path, ("t", "ax"), (TIME, VALUE)) == [list(range(40_000))] * 2


def test_text_with_line_breaks_and_separators_in_quotes(tmp_path):
    path = put(tmp_path, ["t,note,ax", '0,"one,\ntwo",1', "1,x,2", "2,y,bad"])
    with pytest.raises(DataError, match=r"line 5: column 3 \(ax\) is 'bad'"):
        read(path, ("t", "note", "ax"), (TIME, WORD, VALUE))
    assert read(path, ("t", "note", "ax"), (TIME, WORD, TEXT)) == [
        [0, 1, 2],
        ["one,\ntwo", "x", "y"],
        ["1", "2", "bad"],
    ]


@pytest.mark.parametrize(
    ("layout", "message"),
    [
        ({"header_line": 1}, "the file seems to have the names in line 11: correct format, or leave that to auto"),
        ({"separator": ";"}, "the file seems to have separator ','"),
        ({"encoding": "utf-16-le"}, "the file seems to have encoding 'utf-8'"),
        ({"header_line": 99}, "line 99: expected the names of the columns, found nothing"),
    ],
)
def test_a_descriptor_that_is_wrong_about_the_layout_hears_what_is_right(tmp_path, layout, message):
    with pytest.raises(DataError) as error:
        read(put(tmp_path, [*ACTIGRAPH, "t,ax,activity", *ROWS]), **layout)
    (line,) = str(error.value).splitlines()
    assert message in line


def test_a_descriptor_may_say_all(tmp_path):
    lines = ["made by me", "t|ax|activity", "left out", "%left out", *(row.replace(",", "|") for row in ROWS)]
    path = put(tmp_path, lines, "cp1252")
    said = {"separator": "|", "decimal": ".", "encoding": "cp1252", "header_line": 2, "skip": 1, "comment": "%"}
    assert read(path, **said) == READ


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"separator": ",,"}, "expected one ASCII character, tab, whitespace or auto, found ',,'"),
        ({"encoding": "utf8-with-bom"}, "encoding 'utf8-with-bom' is unknown; (auto, utf-8, utf-16, "),
        ({"encoding": "zip"}, "encoding 'zip' is unknown"),
        ({"decimal": ",", "thousands": ","}, "decimal and thousands are both ','"),
        ({"header_line": 0}, "greater than or equal to 1"),
    ],
)
def test_what_a_descriptor_cannot_say(wrong, message):
    with pytest.raises(ValidationError) as error:
        Format(**wrong)
    assert message in str(error.value)
    assert Format(separator=r"\t").separator == Format(separator="tab").separator == "\t"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "line 1: expected the names of the columns, found nothing"),
        (b"\n\n", "line 1: expected the names of the columns, found nothing"),
        (b"PK\x03\x04\0\0\1\2\3\4\0\0", "is no text, whatever its name says"),
        (codecs.BOM_UTF16_LE, "line 1: expected the names of the columns, found nothing"),
        (b"t,ax,activity\n0,1,walk\n0,1\n", "line 3: 2 fields, expected 3"),
        (b"t,ax,activity\n0,1,walk\n0,1,walk,run\n", "line 3: 4 fields, expected 3"),
        (b"t,ax,activity\n0,1,walk\nlost\n0,1,run\n", "line 3: 1 field, expected 3"),
        (b"Logger 3\n\nt,ax,activity\n0,1,walk\nLogger 3\n\nt,ax,activity\n0,1,run\n", "line 5: what stands above the"),
        (b"t,ax,activity\n0,1,walk,\n0,1,walk,run\n", "line 2: 4 fields, expected 3"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path, content, message):
    path = tmp_path / "p1.csv"
    path.write_bytes(content)
    with pytest.raises(DataError) as error:
        read(path)
    assert message in str(error.value)
