"""Text in any combination of separators, encodings, preambles, ... gives the columns of the plain file."""

import bz2
import codecs
import gzip
import lzma
import math
import zipfile
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from har_ray.data.own.files import TEXT, TIME, VALUE, WORD, read_columns, row_name
from har_ray.data.own.format import AUTO, WHITESPACE, FileSpec
from har_ray.data.own.formats.opening import with_members

NAMES = ["t (s)", "heading(°)", "acc_x", "acc_y", "activity"]
UNITS = ["s", "°", "m/s^2", "m/s^2", "no_units"]
PREAMBLES = {
    "none": [],
    "one": ["recorded by an app"],
    "actigraph": ["-------- Data File at 30 Hz --------", "Start Time 09:30:00", "Mode = 12", "", "----------------"],
    "pairs": ["DeviceTag:,d4ca6e000001", "OutputRate:,60 Hz", ""],
    "comments": ["# made by an app", '# "quoted, and', "#"],
    "hint": ["sep={}"],
}


@dataclass(frozen=True)
class Shape:
    rows: list[Any]  # of (time in ms, acc_x and acc_y in thousandths or None, activity)
    separator: str
    decimal: str
    encoding: str
    preamble: str
    newline: str
    packing: str
    quoted: bool
    units: bool
    trailing: bool
    missing: str

    def bytes(self):
        fields = [[*map(self.text, NAMES)], *([[*map(self.text, UNITS)]] if self.units else [])]
        for n, (t, *acc, activity) in enumerate(self.rows):
            numbers = [self.number(t), self.number(n * 1500), *map(self.number, acc)]
            fields.append([*numbers, self.text(activity)])
        separator = "  " if self.separator == WHITESPACE else self.separator
        lines = [separator.join(row) + separator * (self.trailing and separator in ",;") for row in fields]
        hint = [line.format(self.separator) for line in PREAMBLES[self.preamble]]
        text = self.newline.join([*hint, *lines]) + self.newline
        return (codecs.BOM_UTF8 if self.encoding == "utf-8-sig" else b"") + text.encode(
            "utf-8" if self.encoding == "utf-8-sig" else self.encoding
        )

    def number(self, thousandths):
        written = self.missing if thousandths is None else f"{thousandths / 1000:.3f}".replace(".", self.decimal)
        return f'"{written}"' if self.quoted else written

    def text(self, word):
        return f'"{word}"' if self.quoted or (self.separator == WHITESPACE and " " in word) else word


def possible(shape):
    if shape.separator == "," and shape.decimal == "," and not shape.quoted:
        return False  # nobody could tell
    if shape.separator == WHITESPACE:
        return shape.missing != "" and shape.preamble not in ("hint", "pairs")
    return shape.preamble != "hint" or shape.encoding != "utf-16-le"


PACK: dict[str, Any] = {
    "": bytes,
    ".gz": gzip.compress,
    ".xz": lzma.compress,
    ".bz2": bz2.compress,
    ".zst": lambda content: pa.compress(content, "zstd", asbytes=True),
}
numbers = st.one_of(st.none(), st.integers(-20_000, 20_000))
activities = st.sampled_from(["walk", "run", "walk slowly", "løpe", "null"])
shapes = st.builds(
    Shape,
    rows=st.lists(st.tuples(st.integers(0, 10**6), numbers, numbers, activities), min_size=1, max_size=40),
    separator=st.sampled_from([",", ";", "\t", "|", WHITESPACE]),
    decimal=st.sampled_from([".", ","]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"]),
    preamble=st.sampled_from(sorted(PREAMBLES)),
    newline=st.sampled_from(["\n", "\r\n", "\r"]),
    packing=st.sampled_from(["", ".gz", ".xz", ".bz2", ".zst", ".zip"]),
    quoted=st.booleans(),
    units=st.booleans(),
    trailing=st.booleans(),
    missing=st.sampled_from(["", "NaN", "null", "N/A"]),
).filter(possible)


def packed(folder, shape):
    plain, content = folder / "p1.DAT", shape.bytes()
    path = plain.with_name(plain.name + shape.packing)
    if shape.packing == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("raw/p1.DAT", content)
            archive.writestr("__MACOSX/raw/._p1.DAT", b"\0\1\2")
        (path,) = with_members([path], None)
        return path
    path.write_bytes(PACK[shape.packing](content))
    return path


def columns(path, types, spec):
    table = pa.Table.from_batches(list(read_columns(path, types, spec)))
    return [column.to_pylist() for column in table.columns]


def check(path, shape, names):
    spec = FileSpec(tuple(names), AUTO)
    t, x, y, activity = columns(path, dict(zip(names, (TIME, VALUE, VALUE, WORD), strict=True)), spec)
    assert t == [row[0] / 1000 for row in shape.rows]
    for found, column in ((x, 1), (y, 2)):
        for value, row in zip(found, shape.rows, strict=True):
            expected = math.nan if row[column] is None else row[column] / 1000
            missing = value is None or math.isnan(value)
            assert missing if row[column] is None else abs(value - expected) < 1e-5
    assert [word.strip() for word in activity] == [row[3] for row in shape.rows]


@given(shape=shapes)
@settings(
    max_examples=200,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_any_layout_gives_the_columns_of_the_plain_file(tmp_path, shape):
    path = packed(tmp_path, shape)
    named = (NAMES[0], "acc_x", "acc_y", "activity")
    check(path, shape, named)
    if len(shape.rows) > 3:  # without names, fewer rows say little
        check(path, shape, (1, 3, 4, 5))
    preamble = len(PREAMBLES[shape.preamble])
    first = preamble + 2 + shape.units
    assert row_name(path, len(shape.rows) - 1, FileSpec(named)) == f"line {first + len(shape.rows) - 1}"
    (texts,) = columns(path, {named[0]: TEXT}, FileSpec(named))
    assert texts == [f"{row[0] / 1000:.3f}".replace(".", shape.decimal) for row in shape.rows]
