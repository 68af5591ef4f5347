"""Text in any combination of separators, encodings, preambles, ... gives the columns of the plain file."""

import math

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from har_ray.data.own.files import TEXT, TIME, VALUE, WORD, read_columns, row_name
from har_ray.data.own.format import AUTO, FileSpec
from har_ray.data.own.formats.opening import with_members
from tests.data.own.layouts import PREAMBLES, any_file, layouts

NAMES = ["t (s)", "heading(°)", "acc_x", "acc_y", "activity"]
UNITS = ["s", "°", "m/s^2", "m/s^2", "no_units"]

numbers = st.one_of(st.none(), st.integers(-20_000, 20_000))
activities = st.sampled_from(["walk", "run", "walk slowly", "løpe", "null"])
tables = st.lists(st.tuples(st.integers(0, 10**6), numbers, numbers, activities), min_size=1, max_size=40)
"""Rows of time in ms, acc_x and acc_y in thousandths or None, activity."""


def fields(layout, rows):
    for n, (t, x, y, activity) in enumerate(rows):
        values = [t / 1000, n * 1.5, *(None if value is None else value / 1000 for value in (x, y))]
        yield [*map(layout.number, values), layout.text(activity)]


def columns(path, types, spec):
    table = pa.Table.from_batches(list(read_columns(path, types, spec)))
    return [column.to_pylist() for column in table.columns]


def check(path, rows, names):
    spec = FileSpec(tuple(names), AUTO)
    t, x, y, activity = columns(path, dict(zip(names, (TIME, VALUE, VALUE, WORD), strict=True)), spec)
    assert t == [row[0] / 1000 for row in rows]
    for found, column in ((x, 1), (y, 2)):
        for value, row in zip(found, rows, strict=True):
            expected = math.nan if row[column] is None else row[column] / 1000
            missing = value is None or math.isnan(value)
            assert missing if row[column] is None else abs(value - expected) < 1e-5
    assert [word.strip() for word in activity] == [row[3] for row in rows]


@given(layout=layouts, rows=tables)
@any_file
def test_any_layout_gives_the_columns_of_the_plain_file(tmp_path, layout, rows):
    written = layout.write(tmp_path / "p1.DAT", layout.bytes(NAMES, UNITS, fields(layout, rows)))
    (path,) = with_members([written], None)
    named = (NAMES[0], "acc_x", "acc_y", "activity")
    check(path, rows, named)
    if len(rows) > 3:  # without names, fewer rows say little
        check(path, rows, (1, 3, 4, 5))
    first = len(PREAMBLES[layout.preamble]) + 2 + layout.units
    assert row_name(path, len(rows) - 1, FileSpec(named)) == f"line {first + len(rows) - 1}"
    (texts,) = columns(path, {named[0]: TEXT}, FileSpec(named))
    assert texts == [f"{row[0] / 1000:.3f}".replace(".", layout.decimal) for row in rows]
