"""What the readers of raw files share: finding files, taking them in blocks, cutting streams into recordings.

Only numpy and the standard library. Nothing here smooths, scales or extrapolates. The only invented values are those of
a straight line across a few missing ones, no longer than the reader allows; what is left out instead is counted.
Everything works on whole columns of a stream, never sample by sample.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from har_ray.data.dataset import Rejects
from har_ray.errors import DataError, unknown

BoolArray = npt.NDArray[np.bool_]

BLOCK_BYTES = 1 << 20
"""Larger blocks only take more memory: they are parsed no faster."""


def natural_key(text: str) -> list[tuple[int, str]]:
    """A sort key that puts `Participant_2` before `Participant_10`."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", text)]


def find_files(folder: Path | None, names: Sequence[str], dataset: str, required: bool = True) -> dict[str, Path]:
    """The files called `names`, wherever they are below `folder`; in natural order of name.

    Args:
        folder: where to look; for a dataset of one file this may be that file itself.

    Raises:
        DataError: there is no folder, two files have the same name, or (if `required`) one of `names` is missing.
    """
    if folder is not None and folder.is_file() and [folder.name] == list(names):
        return {folder.name: folder}
    if folder is None or not folder.is_dir():
        expected = f"{names[0]}, or a folder that holds it" if len(names) == 1 else "a folder that holds the raw files"
        raise DataError(f"{dataset}: {folder} is not {expected}")
    wanted, found = set(names), dict[str, Path]()
    for path in sorted(folder.rglob("*")):
        if path.name in wanted and path.is_file():
            if path.name in found:
                raise DataError(f"{dataset}: found {path.name} twice, {found[path.name]} and {path}; remove one")
            found[path.name] = path
    missing = sorted(wanted - found.keys(), key=natural_key)
    if required and missing:
        raise DataError(
            f"{dataset}: {len(missing)} of {len(wanted)} files are missing below {folder}: "
            f"{', '.join(missing)}; unpack the publisher's whole archive there"
        )
    return {name: found[name] for name in sorted(found, key=natural_key)}


def line_blocks(path: Path) -> Iterator[tuple[int, bytes]]:
    """A file in blocks of whole lines, each with the offset of its first byte; blank blocks are skipped.

    Raises:
        DataError: the file can't be opened or read.
    """
    offset, begun = 0, b""
    try:
        with path.open("rb", buffering=0) as file:
            while text := file.read(BLOCK_BYTES):
                end = text.rfind(b"\n") + 1
                if end == 0:
                    begun += text
                    continue
                block, begun = begun + text[:end], text[end:]
                if not block.isspace():
                    yield offset, block
                offset += len(block)
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error
    if begun.strip():
        yield offset, begun


def row_fault(fields: Sequence[str], expected: int, numbers: Mapping[int, str]) -> str | None:
    """What is wrong with a row of text, or None.

    Args:
        fields: the row.
        expected: how many fields there should be.
        numbers: index → name of the fields that must hold a number (or nothing: a missing value).
    """
    if len(fields) != expected:
        return f"{len(fields)} fields, expected {expected}"
    for index, name in numbers.items():
        try:
            float(fields[index].strip() or "nan")
        except ValueError:
            return f"column {index + 1} ({name}) is {fields[index].strip()!r}, expected a number"
    return None


def explain(path: Path, offset: int, block: bytes, fault: Callable[[str], str | None]) -> DataError:
    """The error for the first line of a block that `fault` finds something wrong with.

    The fast parsers only say that a block is wrong; this goes through its lines one by one to say where and how.

    Args:
        path: the file.
        offset: of the block's first byte in it.
        block: whole lines.
        fault: a line → what is wrong with it, or None.
    """
    with path.open("rb") as file:
        first = file.read(offset).count(b"\n") + 1
    lines = block.decode("latin-1").removesuffix("\n").split("\n")
    for number, text in enumerate(lines, first):
        problem = fault(text) if text.strip() else None
        if problem:
            ends_here = number == first + len(lines) - 1 and not block.endswith(b"\n")
            cut = " (the file ends in the middle of this line: is the copy cut short?)" if ends_here else ""
            return DataError(f"{path}: line {number}: {problem}{cut}")
    return DataError(f"{path}: lines {first} to {first + len(lines) - 1} cannot be parsed")


def columns_of(channels: Sequence[str], known: Mapping[str, int], dataset: str) -> list[int]:
    """The column of each channel, by `known`.

    Raises:
        DataError: the dataset has no such channel.
    """
    for name in channels:
        if name not in known:
            raise DataError(f"{dataset}: {unknown('channel', name, known)}")
    return [known[name] for name in channels]


def codes(values: Sequence[str], at: npt.NDArray[Any], legend: Mapping[str, int]) -> npt.NDArray[np.int16]:
    """Dictionary-coded text as numbers: `legend[values[i].strip().lower()]` for each i in `at`, or -1. `[n]`."""
    table = np.array([legend.get(value.strip().lower(), -1) for value in values], dtype=np.int16)
    return table.take(at)


def changes(values: npt.NDArray[Any]) -> BoolArray:
    """Where a value differs from the one before it. `[n]` → `[n - 1]`."""
    different: BoolArray = values[1:] != values[:-1]
    return different


def time_breaks(t: npt.NDArray[Any], max_step: float) -> BoolArray:
    """Where time runs backwards, leaps by more than `max_step` or is unknown. `[n]` → `[n - 1]`."""
    step = np.diff(t)
    steady: BoolArray = (step >= 0) & (step <= max_step)
    return ~steady


def goes_on(t: npt.NDArray[Any], stop: int) -> bool:
    """Whether a stream, with time `[n]`, that is cut before sample `stop` goes on later: samples are lost there."""
    return stop < len(t) and bool(t[stop] >= t[stop - 1])


def runs(n: int, breaks: BoolArray) -> list[tuple[int, int]]:
    """The uninterrupted runs of `n` samples, as (start, stop); `breaks[i]` cuts between samples i and i + 1."""
    if n == 0:
        return []
    edges = [0, *(np.flatnonzero(breaks) + 1).tolist(), n]
    return list(pairwise(edges))


def intact_runs(
    x: npt.NDArray[np.float32],
    breaks: BoolArray,
    names: Sequence[str],
    rate_hz: float,
    max_missing_s: float,
    rejects: Rejects,
) -> Iterator[tuple[int, int]]:
    """The runs of a stream without NaN, as (start, stop), once its short gaps are filled; `x` is changed.

    Inside each uninterrupted run of samples, up to `max_missing_s` of missing values of a channel become the straight
    line between the values on both sides. Longer ones cut the run; those at its ends are cut off, never extrapolated.

    Args:
        x: the stream, `[n, C]`.
        breaks: where it is interrupted, `[n - 1]`.
        names: of the channels; a rejected sample is counted under the first channel that lacks a value.
        rate_hz: samples per second.
        max_missing_s: how long a line may be, in seconds.
        rejects: counts the samples left out, by reason.
    """
    reasons = (f"missing for over {max_missing_s:g} s", "missing at an end of a recording")
    for start, stop in runs(len(x), breaks):
        why = _fill(x[start:stop], round(max_missing_s * rate_hz))
        for code, n in enumerate(np.bincount(why[why >= 0])):
            rejects.add(f"{names[code // 2]} {reasons[code % 2]}", int(n))
        for a, b in runs(stop - start, changes(why < 0)):
            if why[a] < 0:
                yield start + a, start + b


def _fill(x: npt.NDArray[np.float32], longest: int) -> npt.NDArray[np.intp]:
    """Draw the lines in one uninterrupted run `[n, C]`, which is changed.

    With one channel and `longest` 2, `[0, -, 2, -, -, -, 6, -]` (`-` is NaN) becomes `[0, 1, 2, -, -, -, 6, -]`,
    and the samples are lost for the reasons `[-1, -1, -1, 0, 0, 0, -1, 1]`: too long a gap, and a gap at an end.

    Returns:
        Why each sample is lost, `[n]`: 2 × channel for a gap of more than `longest` samples, one more for a shorter
        one at an end; the lowest where several channels lose it, -1 for a sample that is kept.
    """
    n, n_channels = x.shape
    missing = np.zeros((n_channels, n + 2), dtype=np.int8)
    missing[:, 1:-1] = np.isnan(x).T
    edges = np.flatnonzero(np.diff(missing))  # rises and falls in turn, channel after channel
    channel, start, stop = edges[::2] // (n + 1), edges[::2] % (n + 1), edges[1::2] % (n + 1)
    length = stop - start
    long = length > longest
    lost = long | (start == 0) | (stop == n)

    def spread(gaps: BoolArray) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
        """The samples in these gaps, and the gap that each is in."""
        gap = np.repeat(np.flatnonzero(gaps), length[gaps])
        within = np.arange(len(gap)) - np.repeat(np.cumsum(length[gaps]) - length[gaps], length[gaps])
        return start[gap] + within, gap

    at, gap = spread(~lost)
    before, after = x[start[gap] - 1, channel[gap]], x[stop[gap], channel[gap]]
    share = (at - start[gap] + 1) / (length[gap] + 1)
    x[at, channel[gap]] = before + share * (after - before)

    why = np.full(n, 2 * n_channels, dtype=np.intp)
    at, gap = spread(lost)
    np.minimum.at(why, at, 2 * channel[gap] + ~long[gap])
    why[why == 2 * n_channels] = -1
    return why
