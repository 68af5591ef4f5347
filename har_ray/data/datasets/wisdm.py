"""WISDM v1.1 (2011): six activities, 36 people, the accelerometer of a phone in the trouser pocket.

Source: `readme.txt` and `WISDM_ar_v1.1_raw_about.txt` of the publisher's archive. One text of records
`user,activity,timestamp,x,y,z;`, a format that the lab's later data sets share: `wisdm_watch.py` uses this parser.

The text is untidy. A `;` ends a record, and so does the end of a line, because one record lacks its `;`: lines hold
one record, two or none. Some records end in a superfluous comma; one lacks z. Time stamps are mostly the phone's
uptime in ns; some are 0, some repeat, some run backwards. File order is kept; a change of person or activity, a pause
or a reversal of the clock begins a new recording.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyarrow import csv

from har_ray.data.cleaning import (
    changes,
    codes,
    columns_of,
    explain,
    find_files,
    goes_on,
    line_blocks,
    row_fault,
    runs,
    time_breaks,
)
from har_ray.data.dataset import Archive, Channel, Dataset, Preset, Recording, Rejects
from har_ray.errors import DataError, unknown

RATE_HZ = 20.0
FILE = "WISDM_ar_v1.1_raw.txt"
SHA256 = "9aba4b1eaece56ab6d9187b16fc010c176e464750a4ec44c9d833514ecc1fa2e"
"""Of the publisher's copy of that text, 50,326,282 bytes."""

MAX_STEP_NS = 0.5e9
"""Nominally 50 ms, but on some phones 50 to 110 ms: only a step over half a published window counts as a pause."""

CLASSES = ("Walking", "Jogging", "Sitting", "Standing", "Upstairs", "Downstairs")
"""In the order of `WISDM_ar_v1.1_raw_about.txt`."""
SUBJECTS = tuple(str(i) for i in range(1, 37))
CHANNELS = tuple(Channel(f"pocket_acc_{axis}", "m/s^2") for axis in "xyz")
"""In the order of the record's last fields. The publisher: 10 is 1 g, gravity included."""

FIELDS = ("user", "activity", "timestamp", "x", "y", "z")
_RECORD_ENDS = bytes.maketrans(b";", b"\n")


@dataclass(frozen=True)
class Records:
    """The records of one text in file order.

    Attributes:
        subject, activity: indices into the lists given to `read_records`, int16 `[n]`.
        t_ns: time stamps in ns, int64 `[n]`.
        xyz: float32 `[n, 3]`.
    """

    subject: npt.NDArray[np.int16]
    activity: npt.NDArray[np.int16]
    t_ns: npt.NDArray[np.int64]
    xyz: npt.NDArray[np.float32]

    def where(self, keep: npt.NDArray[np.bool_]) -> "Records":
        return self if keep.all() else Records(*(column[keep] for column in vars(self).values()))


def read_records(path: Path, subjects: Sequence[str], activities: Sequence[str], rejects: Rejects) -> Records:
    """All usable records of a text. Malformed ones, time stamps of 0 and repeated ones are left out and counted.

    A record without six non-empty fields is malformed. A time stamp is repeated if it equals the previous one of the
    same person and activity.

    Raises:
        DataError: names the line of an unknown person or activity, or of text where a number belongs; or the file
            breaks off within a record or holds none at all.
    """
    parts, tail = [], b""
    for offset, block in line_blocks(path):
        parts.append(_parse(path, offset, block, (subjects, activities), rejects))
        tail = block
    if not sum(len(part.t_ns) for part in parts):
        raise DataError(f"{path}: holds no record of the form {','.join(FIELDS)};")
    last = tail[max(tail.rfind(b";"), tail.rfind(b"\n")) + 1 :].rstrip(b", \r")
    if last and last.count(b",") < len(FIELDS) - 1:
        raise DataError(
            f"{path}: the file ends in the middle of a record, {last.decode('latin-1')!r}: is it cut short?"
        )
    records = Records(*(np.concatenate(columns) for columns in zip(*(vars(p).values() for p in parts), strict=True)))
    return _timed(records, rejects)


def _timed(records: Records, rejects: Rejects) -> Records:
    """The records whose time is known and new."""
    stamped = records.t_ns != 0
    rejects.add("time stamp 0", int((~stamped).sum()))
    records = records.where(stamped)
    repeated = np.zeros(len(records.t_ns), dtype=np.bool_)
    repeated[1:] = ~changes(records.t_ns) & ~changes(records.subject) & ~changes(records.activity)
    rejects.add("repeated time stamp", int(repeated.sum()))
    return records.where(~repeated)


def _parse(path: Path, offset: int, block: bytes, legends: Sequence[Sequence[str]], rejects: Rejects) -> Records:
    """The records of a block of lines."""
    text = block.translate(_RECORD_ENDS)
    try:
        table, odd = _table(text)
        if odd:
            table, odd = _table(text.replace(b",\n", b"\n").replace(b",\r", b"\r"))
    except pa.ArrowInvalid as error:
        raise explain(path, offset, block, partial(_fault, legends=legends)) from error
    whole = table.drop_null()
    rejects.add("malformed record", odd + table.num_rows - whole.num_rows)
    subject, activity = (_codes(whole[name], legend) for name, legend in zip(FIELDS, legends, strict=False))
    if (subject < 0).any() or (activity < 0).any():
        raise explain(path, offset, block, partial(_fault, legends=legends))
    xyz = np.stack([whole[axis].to_numpy() for axis in FIELDS[3:]], axis=1)
    return Records(subject, activity, whole["timestamp"].to_numpy(), xyz)


def _codes(words: pa.ChunkedArray, legend: Sequence[str]) -> npt.NDArray[np.int16]:
    """The index of each word in the legend, or -1."""
    coded = words.combine_chunks()
    index = {name.lower(): i for i, name in enumerate(legend)}
    return codes(coded.dictionary.to_pylist(), coded.indices.to_numpy(), index)


def _table(text: bytes) -> tuple[pa.Table, int]:
    """The records of a text with one per line, and how many lines lack six fields."""
    word = pa.dictionary(pa.int32(), pa.string())
    types = dict(zip(FIELDS, (word, word, pa.int64(), *[pa.float32()] * 3), strict=True))
    if text.isspace():
        return pa.schema(types).empty_table(), 0
    odd: list[Any] = []

    def skip(row: Any) -> str:
        odd.append(row)
        return "skip"

    table = csv.read_csv(
        pa.BufferReader(text),
        csv.ReadOptions(use_threads=False, block_size=len(text) + 1, column_names=list(FIELDS)),
        csv.ParseOptions(quote_char=False, invalid_row_handler=skip),
        csv.ConvertOptions(
            column_types=types, null_values=["", "NaN", "nan"], strings_can_be_null=True, check_utf8=False
        ),
    )
    return table, len(odd)


def _fault(line: str, legends: Sequence[Sequence[str]]) -> str | None:
    """What is wrong with the first faulty record of a line, or None; malformed ones do not count."""
    for record in line.split(";"):
        fields = [field.strip() for field in record.strip().removesuffix(",").split(",")]
        if len(fields) != len(FIELDS) or not all(fields):
            continue
        for name, field, legend in zip(FIELDS, fields, legends, strict=False):
            if field.lower() not in map(str.lower, legend):
                return unknown(name, field, legend)
        if not fields[2].removeprefix("-").isdecimal():
            return f"column 3 (timestamp) is {fields[2]!r}, expected a whole number"
        if fault := row_fault(fields, len(FIELDS), dict(zip((3, 4, 5), "xyz", strict=True))):
            return fault
    return None


def locate(folder: Path | None) -> list[str]:
    """The one text `WISDM_ar_v1.1_raw.txt`."""
    return [str(path) for path in find_files(folder, (FILE,), "wisdm").values()]


def read(source: str, channels: Sequence[str], rejects: Rejects) -> Iterator[Recording]:
    """A recording per person, activity and stretch of time without a pause, in file order.

    Raises:
        DataError: as `read_records`.
    """
    columns = columns_of(channels, {channel.name: i for i, channel in enumerate(CHANNELS)}, "wisdm")
    records = read_records(Path(source), SUBJECTS, CLASSES, rejects)
    others = changes(records.subject) | changes(records.activity)
    breaks = others | time_breaks(records.t_ns, MAX_STEP_NS)
    for number, (start, stop) in enumerate(runs(len(records.t_ns), breaks)):
        subject, activity = SUBJECTS[records.subject[start]], CLASSES[records.activity[start]]
        yield Recording(
            name=f"{subject}-{activity}:{number}",
            subject=subject,
            x=records.xyz[start:stop].take(columns, axis=1),
            labels=records.activity[start:stop],
            rate_hz=RATE_HZ,
            before_gap=goes_on(records.t_ns, stop) and not others[stop - 1],
        )


WISDM = Dataset(
    name="wisdm",
    title="WISDM v1.1 (2011): six activities, a phone in the trouser pocket",
    homepage="https://www.cis.fordham.edu/wisdm/dataset.php",
    terms="free to use; cite the paper, and pass the archive on only with its readme.txt",
    citation=(
        "J. R. Kwapisz, G. M. Weiss, S. A. Moore. Activity recognition using cell phone accelerometers. Proceedings of "
        "the Fourth International Workshop on Knowledge Discovery from Sensor Data (at KDD-10), Washington DC, 2010."
    ),
    archive=Archive(
        url="https://www.cis.fordham.edu/wisdm/includes/datasets/latest/WISDM_ar_latest.tar.gz",
        filename="WISDM_ar_latest.tar.gz",
        sha256="e573791269aab4a629721cf04b6031b7cbf8e14261cd2bc86e65887a2bc592d7",
        size_bytes=11_404_612,
    ),
    rate_hz=RATE_HZ,
    channels=CHANNELS,
    classes=CLASSES,
    null_name=None,
    subjects=SUBJECTS,
    samples=1_098_207,  # WISDM_ar_v1.1_raw_about.txt
    presets={
        "arena": Preset(tuple(c.name for c in CHANNELS), window_s=3.0, stride_s=1.5, rate_hz=RATE_HZ),
        "paper": Preset(tuple(c.name for c in CHANNELS), window_s=1.0, stride_s=1.0, rate_hz=RATE_HZ),
    },
    locate=locate,
    read=read,
    checksums={FILE: SHA256},
)
