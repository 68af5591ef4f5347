"""Sensors Activity Dataset (Shoaib et al. 2014): seven activities, ten men, a phone on each of five body positions.

Source: the `Readme.txt` of the publisher's archive. A file per participant, two header rows, 70 fields a row: five
blocks of 14 (time stamp, accelerometer, linear acceleration, gyroscope, magnetometer, one empty field), the label in
the last field. The five phones recorded at the same time: the positions are channels of one recording, never recordings
of their own. Time stamps have lost their digits (`1.39E+12`): the row number at 50 Hz is the time.
"""

import re
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyarrow import csv

from har_ray.data.cleaning import codes, columns_of, explain, find_files, intact_runs, line_blocks, row_fault
from har_ray.data.dataset import Archive, Channel, Dataset, Preset, Recording, Rejects
from har_ray.errors import DataError, unknown

RATE_HZ = 50.0
N_COLUMNS = 70
LABEL_COLUMN = 70

MAX_MISSING_S = 0.5
"""The publisher's files have no gaps; a copy that has may lack half of a published window, no more."""

SUBJECTS = tuple(str(i) for i in range(1, 11))
FILES = {f"Participant_{subject}.csv": subject for subject in SUBJECTS}

CLASSES = ("walking", "standing", "jogging", "sitting", "biking", "upstairs", "downstairs")
"""In the order of the `Readme.txt`."""
LEGEND = {name: i for i, name in enumerate(CLASSES)} | {"upsatirs": CLASSES.index("upstairs")}
"""Label as the files spell it (`upsatirs` included), stripped and in lower case → class."""

POSITIONS = ("left_pocket", "right_pocket", "wrist", "upper_arm", "belt")
"""In the order of the blocks of 14 fields."""
QUANTITIES = {"acc": ("A", "m/s^2"), "lin": ("L", "m/s^2"), "gyr": ("G", "rad/s"), "mag": ("M", "uT")}
"""In the order within a block: ours → the letter in the second header row (`Ax`, `Lx`, `Gx`, `Mx`), unit."""

COLUMNS = {
    f"{position}_{quantity}_{axis}": 14 * p + 2 + 3 * q + a
    for p, position in enumerate(POSITIONS)
    for q, quantity in enumerate(QUANTITIES)
    for a, axis in enumerate("xyz")
}
"""Channel → column, counted from 1, e.g. `wrist_acc_x` → 30."""
HEADERS = {column: f"{QUANTITIES[name[-5:-2]][0]}{name[-1]}" for name, column in COLUMNS.items()}
"""Column → its name in the second header row."""


def locate(folder: Path | None) -> list[str]:
    """The ten `Participant_<i>.csv`."""
    return [str(path) for path in find_files(folder, tuple(FILES), "sensors").values()]


def read(source: str, channels: Sequence[str], rejects: Rejects) -> Iterator[Recording]:
    """One participant's recording with a label per sample; more than one where a channel is missing for long.

    Raises:
        DataError: names the line whose header, number of fields, number or label is not as described.
    """
    path = Path(source)
    if path.name not in FILES:
        raise DataError(f"{path}: {unknown('file of sensors', path.name, FILES)}")
    columns = columns_of(channels, COLUMNS, "sensors")
    blocks = [_parse(path, offset, block, columns) for offset, block in _rows(path, columns)]
    if not blocks:
        raise DataError(f"{path}: no rows below the two header rows")
    x, labels = (np.concatenate(parts) for parts in zip(*blocks, strict=True))
    del blocks
    unbroken = np.zeros(len(x) - 1, dtype=np.bool_)
    intact = intact_runs(x, unbroken, channels, RATE_HZ, MAX_MISSING_S, rejects)
    for number, (start, stop) in enumerate(intact):
        name, subject, before_gap = f"{path.name}:{number}", FILES[path.name], stop < len(x)
        yield Recording(name, subject, x[start:stop], labels[start:stop], RATE_HZ, before_gap=before_gap)


def _rows(path: Path, columns: Sequence[int]) -> Iterator[tuple[int, bytes]]:
    """The file in blocks of lines, without its two header rows, which must name the wanted columns."""
    for offset, block in line_blocks(path):
        if offset:
            yield offset, block
            continue
        _, header, rows = [*block.split(b"\n", 2), b"", b""][:3]
        names = header.decode("latin-1").split(",")
        for column in columns:
            name = names[column - 1].strip() if column <= len(names) else ""
            if name.lower() != HEADERS[column].lower():
                raise DataError(f"{path}: line 2: column {column} is {name!r}, expected {HEADERS[column]!r}")
        if rows and not rows.isspace():
            yield len(block) - len(rows), rows


def _parse(
    path: Path, offset: int, block: bytes, columns: Sequence[int]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int16]]:
    """The columns `[n, C]` and labels `[n]` of a block of lines; an empty field is NaN."""
    try:
        table = _table(block, columns)
    except pa.ArrowInvalid as error:
        raise explain(path, offset, block, partial(_fault, columns=columns)) from error
    x = np.empty((table.num_rows, len(columns)), dtype=np.float32)
    for i, column in enumerate(columns):
        x[:, i] = table[str(column)].to_numpy()
    label = table[str(LABEL_COLUMN)].combine_chunks()
    labels = codes(label.dictionary.to_pylist(), label.indices.to_numpy(), LEGEND)
    if (labels < 0).any():
        raise explain(path, offset, block, partial(_fault, columns=columns))
    return x, labels


_NAMES = [str(column) for column in range(1, N_COLUMNS + 1)]


def _table(block: bytes, columns: Sequence[int]) -> pa.Table:
    """The wanted columns; the others are not even converted."""
    types = {str(column): pa.float32() for column in columns}
    types[str(LABEL_COLUMN)] = pa.dictionary(pa.int32(), pa.string())
    return csv.read_csv(
        pa.BufferReader(block),
        csv.ReadOptions(use_threads=False, block_size=len(block) + 1, column_names=_NAMES),
        csv.ParseOptions(quote_char=False),
        csv.ConvertOptions(column_types=types, include_columns=list(types), null_values=[""], check_utf8=False),
    )


def _fault(line: str, columns: Sequence[int]) -> str | None:
    """What is wrong with a line, or None."""
    fields = line.split(",")
    fault = row_fault(fields, N_COLUMNS, {column - 1: HEADERS[column] for column in columns})
    if fault is None and (label := fields[-1].strip().lower()) not in LEGEND:
        fault = f"column {LABEL_COLUMN}: {unknown('label', label, CLASSES)}"
    return fault


SENSORS = Dataset(
    name="sensors",
    title="Sensors Activity Dataset: seven activities, phones on five body positions",
    homepage="https://www.utwente.nl/en/eemcs/ps/research/dataset/",
    terms="no licence is stated; the publisher asks that the paper be cited",
    citation=(
        "M. Shoaib, S. Bosch, O. D. Incel, H. Scholten, P. J. M. Havinga. Fusion of smartphone motion sensors for "
        "physical activity recognition. Sensors 14(6):10146-10176, 2014. https://doi.org/10.3390/s140610146"
    ),
    archive=Archive(
        url="https://www.utwente.nl/en/eemcs/ps/dataset-folder/sensors-activity-recognition-dataset-shoaib.rar",
        filename="sensors-activity-recognition-dataset-shoaib.rar",
        sha256="61d5dcc5ed9c78321a983667c608e4fcf594d3edab7d1cfc7fffae66218e05c2",
    ),
    rate_hz=RATE_HZ,
    channels=tuple(Channel(name, QUANTITIES[name[-5:-2]][1]) for name in COLUMNS),
    classes=CLASSES,
    null_name=None,
    subjects=SUBJECTS,
    samples=630_000,  # 10 participants × 7 activities × 180 s × 50 Hz
    presets={
        "arena": Preset(tuple(COLUMNS), window_s=3.0, stride_s=1.5, rate_hz=RATE_HZ),
        "paper": Preset(
            tuple(name for name in COLUMNS if "_lin_" not in name), window_s=1.0, stride_s=1.0, rate_hz=RATE_HZ
        ),
        "wrist": Preset(
            tuple(name for name in COLUMNS if re.match("wrist_(acc|gyr)_", name)),
            window_s=2.0,
            stride_s=1.0,
            rate_hz=RATE_HZ,
        ),
    },
    locate=locate,
    read=read,
)
