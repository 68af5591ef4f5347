"""A person's own text files: what finding out their layout costs, and how each layout reads.

    python -m benchmarks.own_files [--mib 1024] [--repeats 3] [--work /tmp]

One table of made-up recordings (time, six channels, a note that nobody reads, a label), written in each layout. Each
way reads it in a process of its own, its imports not counted: the seven numbers and the label of every row, in batches
that are let go. `arrow` is pyarrow's streaming parser told everything, `told` and `auto` are `read_columns` with a
descriptor that says all of the layout and nothing of it, `pandas` is `pandas.read_csv`, which holds the whole table.
Times are the least of the repeats, which take turns; memory is by how much the largest resident set of the process
grows while it reads.
"""

import argparse
import bz2
import gzip
import json
import lzma
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv

from har_ray.data.own.columns import Column
from har_ray.data.own.files import TIME, VALUE, WORD, read_columns
from har_ray.data.own.format import AUTO, FileSpec, Format

CHANNELS = ("ax", "ay", "az", "gx", "gy", "gz")
TYPES: dict[Column, pa.DataType] = {"t": TIME, **dict.fromkeys(CHANNELS, VALUE), "activity": WORD}
HEADER = ("t", *CHANNELS, "note", "activity")
TOLD = Format(separator=",", decimal=".", encoding="utf-8", header_line=1, skip=0, comment="none")
MIB = 1 << 20
BLOCK = 20_000
"""Rows that are made once and written again and again."""


def _ours(spec: Format) -> Callable[[Path], int]:
    return lambda path: sum(b.num_rows for b in read_columns(path, TYPES, FileSpec(tuple(TYPES), spec)))


def _arrow(path: Path) -> int:
    how = pa.csv.ReadOptions(use_threads=False, column_names=HEADER, skip_rows=1)
    convert = pa.csv.ConvertOptions(column_types=TYPES, include_columns=list(TYPES))
    with pa.csv.open_csv(path, how, convert_options=convert) as reader:
        return sum(batch.num_rows for batch in reader)


def _pandas(path: Path) -> int:
    types: Any = dict.fromkeys(CHANNELS, "float32") | {"activity": "category"}
    return len(pd.read_csv(path, usecols=list(TYPES), dtype=types))


WAYS = {"arrow": _arrow, "told": _ours(TOLD), "auto": _ours(AUTO), "pandas": _pandas}
PLAIN = "plain.csv"
LAYOUTS = {
    PLAIN: (",", ".", "utf-8"),
    "semicolons.csv": (";", ",", "utf-8"),
    "blanks.dat": ("  ", ".", "utf-8"),
    "cp1252.csv": (",", ".", "cp1252"),
    "utf16.csv": (",", ".", "utf-16-le"),
    "plain.csv.gz": (",", ".", "utf-8"),
    "plain.csv.bz2": (",", ".", "utf-8"),
    "plain.csv.xz": (",", ".", "utf-8"),
}
"""File → separator, decimal sign, encoding."""
PACKED: dict[str, Callable[..., Any]] = {
    ".gz": partial(gzip.open, compresslevel=1),
    ".bz2": partial(bz2.open, compresslevel=1),
    ".xz": partial(lzma.open, preset=0),
}


def rows(separator: str, decimal: str) -> Iterator[str]:
    """Blocks of lines without end, time going on."""
    x = np.random.default_rng(0).normal(0, 5, (BLOCK, len(CHANNELS)))
    right = [separator.join([*(f"{v:.5f}".replace(".", decimal) for v in row), "grün", "walk"]) for row in x]
    for begin in range(0, sys.maxsize, BLOCK):
        times = (f"{(begin + i) / 50:.2f}".replace(".", decimal) for i in range(BLOCK))
        yield "".join(f"{t}{separator}{rest}\n" for t, rest in zip(times, right, strict=True))


def write(path: Path, mib: float) -> None:
    separator, decimal, encoding = LAYOUTS[path.name]
    with PACKED.get(path.suffix, Path.open)(path, mode="wb") as file:
        written = file.write(f"{separator.join(HEADER)}\n".encode(encoding))
        for block in rows(separator, decimal):
            written += file.write(block.encode(encoding))
            if written >= mib * MIB:
                return


def one(way: str, path: Path) -> dict[str, Any]:
    peak, wall, cpu = _peak_mib(), time.perf_counter(), time.process_time()
    found = WAYS[way](path)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return {"seconds": wall, "cpu": cpu, "rows": found, "rise_mib": _peak_mib() - peak}


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measured(ways: list[str], path: Path, repeats: int) -> dict[str, dict[str, Any]]:
    best: dict[str, dict[str, Any]] = {}
    for _ in range(repeats):
        for way in ways:
            command = [sys.executable, "-m", "benchmarks.own_files", "--one", way, str(path)]
            found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            if way not in best or found["cpu"] < best[way]["cpu"]:
                best[way] = found
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description="What finding out the layout of text files costs.")
    parser.add_argument("--mib", type=float, default=1024)
    parser.add_argument("--repeats", type=int, default=3, help="of the plain file; the others are read once")
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()))
    parser.add_argument("--one", nargs=2, metavar=("WAY", "FILE"), help="read a file once, in this process")
    args = parser.parse_args()
    if args.one:
        print(json.dumps(one(args.one[0], Path(args.one[1]))))
        return
    print("| file | way | seconds | CPU seconds | MiB/s of text | to `arrow` | memory MiB |\n|" + " --- |" * 7)
    with tempfile.TemporaryDirectory(dir=args.work) as folder:
        for name in LAYOUTS:
            path = Path(folder) / name
            write(path, args.mib)
            best = measured(*((list(WAYS), path, args.repeats) if name == PLAIN else (["auto"], path, 1)))
            if name == PLAIN:
                least = best["arrow"]["cpu"]
            for way, found in best.items():
                speed, ratio = args.mib / found["seconds"], found["cpu"] / least
                print(
                    f"| {name} | {way} | {found['seconds']:.1f} | {found['cpu']:.1f} | {speed:.0f} | {ratio:.2f} "
                    f"| {found['rise_mib']:.0f} |",
                    flush=True,
                )
            path.unlink()


if __name__ == "__main__":
    main()
