"""Opportunity: daily activities in a kitchen, four people, body-worn sensors; gestures of both arms, or locomotion.

Sources: the files `column_names.txt`, `label_legend.txt` and `README` of the publisher's archive. A `.dat` file has no
header and 250 space-separated columns: 1 is milliseconds, 2-134 are worn on the body, 135-243 are objects and the room
(left out: no wearable has them), 244-250 are labels. The whole file is one session with a label per sample; gestures
are short, and most samples belong to none of them.

Two presets have the 45 channels and windows of one second of Agac and Durmaz Incel (doi 10.1109/IE61493.2024.10599908).
`paper` cuts them as everything here is cut: within a recording and a gesture. `published` cuts them as the study's code
does (`src/data_opportunity.py` of https://github.com/sumeyye-agac/har-phd-thesis), see `read_published`, and labels a
window by its first sample, wherever the gesture ends. With protocol `random`, windows and split are that code's.

The preset `arena` is labelled by another column, whether a person stands, walks, sits or lies, and has all channels and
windows of three seconds, as in the public table WHAR Arena (https://arxiv.org/abs/2606.13194).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyarrow import csv

from har_ray.data.cleaning import (
    columns_of,
    explain,
    find_files,
    goes_on,
    intact_runs,
    line_blocks,
    row_fault,
    time_breaks,
)
from har_ray.data.dataset import NULL, Archive, Channel, Dataset, Preset, Reader, Recording, Rejects, Track
from har_ray.errors import DataError, unknown

RATE_HZ = 30.0
N_COLUMNS = 250
TIME_COLUMN = 1

MAX_STEP_MS = 100.0
"""Samples are 33 ms apart. A longer step than three of them has lost more than two samples: the recording is cut."""
MAX_MISSING_S = 0.5
"""Radio losses up to half of a published window are bridged by a line; longer ones would be mostly invented."""

SHA256 = {
    "S1-ADL1.dat": "2b247432acbe4d3970f052c1e3e7ff8d2fc98ba5c49f95e2a0d63a32c553aab8",
    "S1-ADL2.dat": "cb7951936acb4637e27b3c8c95480341354a93ba90a5cce232526279d2f127ba",
    "S1-ADL3.dat": "118378e10af6bf042a65f7d14234993b9e1229ef12b4dc75afff1a79760f7132",
    "S1-ADL4.dat": "283cf48e4114b4fb05a7def13c29b5497a0e02947ca5855d831fc68b72eec1c8",
    "S1-ADL5.dat": "8519f3a4c09ee10c67215aef53520152355ddadf0d70b5b708998478b0c53a1c",
    "S1-Drill.dat": "26b5e4d9f40243cc64471592bf86a5a282b0bde864b1efcdd5699d5a7f00bf42",
    "S2-ADL1.dat": "38d76a30b49b6fff3dcc77cec676a19de5c252ed14c10b7400b4666997fa7f1f",
    "S2-ADL2.dat": "b30f15e8a1927cd19427e2b1028bc787df06810466fd548523fc6a11e2d01aed",
    "S2-ADL3.dat": "64eca28aa6cefc38e6362510f95d2a770d3a4e6c8b2326fd6608d7c10707240e",
    "S2-ADL4.dat": "25cd0d6eb7e0fd9a9786d213ffdac131f06a5279e24d78ff50b1621a3fa205d1",
    "S2-ADL5.dat": "2300842180e2640aa9512d602c0a7ba6ee1a4ef1999889b34bceb110dc5c5c0d",
    "S2-Drill.dat": "98e7ed170e860457198fd1346f4b284d7ae5983e5de78d3924273ec47fa8e78f",
    "S3-ADL1.dat": "1b15fc4766ba9a79f8ec97c15bb4cb128e7a2fd2c08f8dcb60dec65ca543e699",
    "S3-ADL2.dat": "a61b0418486f07114719d30ea6bf119e530f233d36d8eee7da542946b0358f4a",
    "S3-ADL3.dat": "ad976087c3c428f75d5a83df82640935323b3923eb8256466c99e7d2c556590a",
    "S3-ADL4.dat": "e2502620983c38ecb78b21ca232516decc64753ad476ea242d3cbebcba20e637",
    "S3-ADL5.dat": "8c66c65e561c4b2a8fb36d40cbca36cee246d6fad6072b097fcb3ee0ed8620fa",
    "S3-Drill.dat": "3f5c13d4e52ea96f218040480e68bdf279818e7ea99d7dba7a78c12f2e21f7f1",
    "S4-ADL1.dat": "9a9a6fedd1889f9210ff3ecc0d9ee9da602bd11a3a86f629ac06273a9b8bb98a",
    "S4-ADL2.dat": "022be538306b443096667f37909d2a4a6f69222ddd2381a63160efc6ef146a04",
    "S4-ADL3.dat": "f81f5d19cf3f76e531e2af5aab2333f6a776d82202869c740ee7791c1095fd7f",
    "S4-ADL4.dat": "d2f5bd0e2f770ef8cbc0e1b11cab1ea9fe537d1bef3586dc92c395fd47b1426d",
    "S4-ADL5.dat": "1ace7199f8a5285691a58326ded0a2932ea56d8f43da537ff23db0ad359e7ef6",
    "S4-Drill.dat": "9076c861d9b5ad94345abf61659064f8e7b94e73d29518ab30e156a30555a3bd",
}
"""SHA-256 of each file of the archive."""

GESTURES = {
    406516: "Open Door 1",
    406517: "Open Door 2",
    404516: "Close Door 1",
    404517: "Close Door 2",
    406520: "Open Fridge",
    404520: "Close Fridge",
    406505: "Open Dishwasher",
    404505: "Close Dishwasher",
    406519: "Open Drawer 1",
    404519: "Close Drawer 1",
    406511: "Open Drawer 2",
    404511: "Close Drawer 2",
    406508: "Open Drawer 3",
    404508: "Close Drawer 3",
    408512: "Clean Table",
    407521: "Drink from Cup",
    405506: "Toggle Switch",
}
"""Code in column 250, ML_Both_Arms → name, as in `label_legend.txt`."""
POSTURES = {1: "Stand", 2: "Walk", 4: "Sit", 5: "Lie"}
"""Code in column 244, Locomotion → name, likewise."""


@dataclass(frozen=True)
class Legend:
    """A column of labels.

    Attributes:
        column: from 1, as in `column_names.txt`.
        name: its name there.
        classes: code → name, in label order; code 0 is no class.
    """

    column: int
    name: str
    classes: Mapping[int, str]

    @property
    def labels(self) -> dict[int, int]:
        """Code → label."""
        return {0: NULL} | {code: i for i, code in enumerate(self.classes)}

    def decoded(self, codes: npt.NDArray[np.float64]) -> npt.NDArray[np.int16] | None:
        """Codes `[n]` → labels `[n]`; None where a code is unknown."""
        known = sorted(self.labels)
        at = np.minimum(np.searchsorted(known, codes), len(known) - 1)
        if (np.array(known)[at] != codes).any():
            return None
        return np.array([self.labels[code] for code in known], dtype=np.int16)[at]


GESTURE = Legend(250, "ML_Both_Arms", GESTURES)
LOCOMOTION = Legend(244, "Locomotion", POSTURES)


def _axes(quantity: str, unit: str) -> tuple[tuple[str, str], ...]:
    return tuple((f"{quantity}_{axis}", unit) for axis in "xyz")


_ACC = _axes("acc", "milli g")
_IMU = (
    *(_ACC + _axes("gyr", "unknown") + _axes("mag", "unknown")),
    *((f"quat_{i}", "none") for i in range(1, 5)),
)
_SHOE = (
    *(_axes("eu", "degrees") + _axes("nav_acc", "milli g") + _axes("body_acc", "milli g")),
    *(_axes("body_gyr", "mm/s") + _axes("nav_gyr", "mm/s")),
    ("compass", "degrees"),
)
# The publisher's names of the Bluetooth accelerometers mark the upper of two on a limb with ^, the lower one with _.
_BLUETOOTH = ("rkn_up", "hip", "lua_up", "rua_low", "lh", "back", "rkn_low", "rwr", "rua_up", "lua_low", "lwr", "rh")
_WORN = (
    *((f"bt_{placement}", 2 + 3 * i, _ACC) for i, placement in enumerate(_BLUETOOTH)),
    *((placement, 38 + 13 * i, _IMU) for i, placement in enumerate(("back", "rua", "rla", "lua", "lla"))),
    *(("l_shoe", 103, _SHOE), ("r_shoe", 119, _SHOE)),
)
"""What is worn: prefix of its channels, column (from 1) of its first one, its channels with units as published."""

COLUMNS = {f"{prefix}_{name}": first + i for prefix, first, block in _WORN for i, (name, _) in enumerate(block)}
"""Channel → column, counted from 1 as in `column_names.txt`, e.g. `rla_acc_x` → 64."""


def between(*spans: tuple[int, int]) -> tuple[str, ...]:
    """The channels of some columns, given as first and last, from 1."""
    return tuple(name for name, column in COLUMNS.items() if any(a <= column <= b for a, b in spans))


PAPER_CHANNELS = between((38, 46), (51, 59), (64, 72), (77, 85), (90, 98))
"""45: accelerometer, gyroscope and magnetometer of the five inertial units."""
CHALLENGE_CHANNELS = between((2, 46), (51, 59), (64, 72), (77, 85), (90, 98), (103, 134))
"""113: the 2011 challenge's selection, all that is worn except the quaternions (https://doi.org/10.3390/s16010115)."""


SESSIONS = ("Drill", "ADL1", "ADL2", "ADL3", "ADL4", "ADL5")
"""In the order in which the study's code joins them."""

LIMITS = {"acc": (-3000.0, 3000.0), "gyr": (-10_000.0, 10_000.0), "mag": (-1000.0, 1500.0)}
"""What the inertial units' channels are clipped to, in their units, by quantity: the thresholds of `preprocess_data.py`
of DeepConvLSTM's authors (https://github.com/STRCWearlab/DeepConvLSTM_py3), which the study's code repeats."""
ABOVE = 0.99
"""Where in its limits, from 0 to 1, that code puts a value above them; one below them becomes 0."""


def official(recording: str) -> Literal["train", "val", "test"] | None:
    """The challenge's split as Ordóñez and Roggen use it (https://doi.org/10.3390/s16010115). S4 is in no part."""
    subject, session = recording.partition(".")[0].split("-")
    if subject == "S4":
        return None
    if subject == "S1" or session in ("ADL1", "ADL2", "Drill"):
        return "train"
    return "val" if session == "ADL3" else "test"


def locate(folder: Path | None) -> list[str]:
    """The 24 `.dat` files."""
    return [str(path) for path in find_files(folder, tuple(SHA256), "opportunity").values()]


def read(legend: Legend, source: str, channels: Sequence[str], rejects: Rejects) -> Iterator[Recording]:
    """The uninterrupted parts of one `.dat` file, cut at leaps of its clock and where a channel is missing for long.

    Args:
        legend: of the labels.

    Raises:
        DataError: names the line that lacks 250 fields, holds text where a number belongs, or an unknown label.
    """
    path = Path(source)
    if path.name not in SHA256:
        raise DataError(f"{path}: {unknown('file of opportunity', path.name, SHA256)}")
    t, x, labels = _samples(path, columns_of(channels, COLUMNS, "opportunity"), legend)
    intact = intact_runs(x, time_breaks(t, MAX_STEP_MS), channels, RATE_HZ, MAX_MISSING_S, rejects)
    for number, (start, stop) in enumerate(intact):
        name, subject = f"{path.name}:{number}", path.name[:2]
        yield Recording(name, subject, x[start:stop], labels[start:stop], RATE_HZ, before_gap=goes_on(t, stop))


def locate_published(folder: Path | None) -> list[str]:
    """A source per subject: the first of the files that are joined; raises as `locate`."""
    return [source for source in locate(folder) if source.endswith(f"-{SESSIONS[0]}.dat")]


def read_published(source: str, channels: Sequence[str], rejects: Rejects) -> Iterator[Recording]:
    """A subject's six files as one recording, `S1`, made as the study's code does; nothing is rejected.

    In this order: in each file and channel missing values become the straight line between the values on both sides,
    however far these are apart, 0 before the first value and the last value after it; the clock is not looked at;
    values are clipped; the files are joined. So up to five windows of a subject hold the end of one file and the start
    of the next, and readings that were lost for long are invented. (That code then scales each channel's limits to 0
    and 1, of which standardising by the training windows, which follows as for every preset, leaves no trace.)

    Args:
        source: of `locate_published`; the other files lie beside it.
        channels: of `PAPER_CHANNELS`, the study's.

    Raises:
        DataError: as `read`.
    """
    columns = columns_of(channels, {name: COLUMNS[name] for name in PAPER_CHANNELS}, "opportunity as published")
    first = Path(source)
    paths = [first.with_name(first.name.replace(SESSIONS[0], session)) for session in SESSIONS]
    _, parts, labels = zip(*(_samples(path, columns, GESTURE) for path in paths), strict=True)
    for x in parts:
        _fill_as_published(x)
    x = _clip_as_published(np.concatenate(parts), channels)
    yield Recording(first.name[:2], first.name[:2], x, np.concatenate(labels), RATE_HZ)


def _fill_as_published(x: npt.NDArray[np.float32]) -> None:
    """See `read_published`. `[n, C]`, which is changed."""
    at = np.arange(len(x))
    for values in x.T:
        known = ~np.isnan(values)
        values[:] = np.interp(at, at[known], values[known], left=0.0) if known.any() else 0.0


def _clip_as_published(x: npt.NDArray[np.float32], channels: Sequence[str]) -> npt.NDArray[np.float32]:
    """`[n, C]` → the same with values outside the limits put where the study's code puts them."""
    low, high = np.array([LIMITS[name.split("_")[1]] for name in channels], dtype=np.float32).T
    clipped: npt.NDArray[np.float32] = np.where(x > high, low + np.float32(ABOVE) * (high - low), np.maximum(x, low))
    return clipped


def _samples(
    path: Path, columns: Sequence[int], legend: Legend
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float32], npt.NDArray[np.int16]]:
    """Milliseconds `[n]`, the columns `[n, C]` and labels `[n]` of a file; raises as `read`."""
    blocks = [_parse(path, offset, block, columns, legend) for offset, block in line_blocks(path)]
    if not blocks:
        raise DataError(f"{path}: the file is empty")
    t, x, labels = (np.concatenate(parts) for parts in zip(*blocks, strict=True))
    return t, x, labels


def _parse(
    path: Path, offset: int, block: bytes, columns: Sequence[int], legend: Legend
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float32], npt.NDArray[np.int16]]:
    """Milliseconds `[n]`, the columns `[n, C]` and labels `[n]` of a block of lines."""
    fault = partial(_fault, columns=columns, legend=legend)
    wanted = {TIME_COLUMN: pa.float64(), legend.column: pa.float64()} | dict.fromkeys(columns, pa.float32())
    try:
        table = _table(block, wanted)
    except pa.ArrowInvalid:
        # Only now the slow way, for fields that more than one space separates.
        evened = b"\n".join(b" ".join(line.split()) for line in block.split(b"\n"))
        try:
            table = _table(evened, wanted)
        except pa.ArrowInvalid as error:
            raise explain(path, offset, block, fault) from error
    x = np.empty((table.num_rows, len(columns)), dtype=np.float32)
    for i, column in enumerate(columns):
        x[:, i] = table[str(column)].to_numpy()
    labels = legend.decoded(table[str(legend.column)].to_numpy())
    if labels is None:
        raise explain(path, offset, block, fault)
    return table[str(TIME_COLUMN)].to_numpy(), x, labels


_NAMES = [str(column) for column in range(1, N_COLUMNS + 1)]


def _table(block: bytes, wanted: Mapping[int, pa.DataType]) -> pa.Table:
    """The wanted columns of lines whose fields single spaces separate; the others are not even converted."""
    types = {str(column): kind for column, kind in wanted.items()}
    return csv.read_csv(
        pa.BufferReader(block),
        csv.ReadOptions(use_threads=False, block_size=len(block) + 1, column_names=_NAMES),
        csv.ParseOptions(delimiter=" ", quote_char=False),
        csv.ConvertOptions(column_types=types, include_columns=list(types), null_values=[], check_utf8=False),
    )


def _fault(line: str, columns: Sequence[int], legend: Legend) -> str | None:
    """What is wrong with a line, or None."""
    fields = line.split()
    names = {column: name for name, column in COLUMNS.items()}
    numbers = {column - 1: names[column] for column in columns}
    numbers |= {TIME_COLUMN - 1: "MILLISEC", legend.column - 1: legend.name}
    fault = row_fault(fields, N_COLUMNS, numbers)
    if fault is None and float(fields[legend.column - 1]) not in legend.labels:
        code = unknown("code", fields[legend.column - 1], map(str, legend.labels))
        fault = f"column {legend.column} ({legend.name}): {code}"
    return fault


OPPORTUNITY = Dataset(
    name="opportunity",
    title="Opportunity: gestures and locomotion of daily activities in a kitchen",
    homepage="https://archive.ics.uci.edu/dataset/226/opportunity+activity+recognition",
    terms="CC BY 4.0 (UCI); publications must cite the reference below (README of the archive)",
    citation=(
        "R. Chavarriaga, H. Sagha, A. Calatroni, S. T. Digumarti, G. Tröster, J. del R. Millán, D. Roggen. The "
        "Opportunity challenge: a benchmark database for on-body sensor-based activity recognition. Pattern "
        "Recognition Letters 34(15):2033-2042, 2013. https://doi.org/10.1016/j.patrec.2012.12.014"
    ),
    archive=Archive(
        url="https://archive.ics.uci.edu/static/public/226/opportunity+activity+recognition.zip",
        filename="opportunity.zip",
    ),
    rate_hz=RATE_HZ,
    channels=tuple(Channel(f"{prefix}_{name}", unit) for prefix, _, block in _WORN for name, unit in block),
    classes=tuple(GESTURES.values()),
    null_name="null",
    subjects=("S1", "S2", "S3", "S4"),
    # 885,433,599 bytes in the 24 files, at the 1,013 bytes a line of S1-ADL1.dat.
    samples=870_000,
    presets={
        "arena": Preset(tuple(COLUMNS), window_s=3.0, stride_s=1.5, rate_hz=RATE_HZ, track="locomotion"),
        "paper": Preset(PAPER_CHANNELS, window_s=1.0, stride_s=1.0, rate_hz=RATE_HZ, subjects=("S1",)),
        "published": Preset(
            PAPER_CHANNELS,
            window_s=1.0,
            stride_s=1.0,
            rate_hz=RATE_HZ,
            label_rule="first",
            subjects=("S1",),
            as_published=True,
        ),
        # A gesture seldom lasts two seconds: `pure` would leave almost no window.
        "wrist": Preset(between((64, 69)), window_s=2.0, stride_s=1.0, rate_hz=RATE_HZ, label_rule="majority"),
        "challenge": Preset(
            CHALLENGE_CHANNELS,
            window_s=0.8,
            stride_s=0.4,
            rate_hz=RATE_HZ,
            label_rule="last",
            null_class=True,
            subjects=("S1", "S2", "S3"),
        ),
    },
    locate=locate,
    read=partial(read, GESTURE),
    checksums=SHA256,
    official=official,
    published=Reader(locate_published, read_published),
    tracks={"locomotion": Track(tuple(POSTURES.values()), partial(read, LOCOMOTION))},
)
