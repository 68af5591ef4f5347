"""The first window's worth of values of each channel, as numbers and as a small plot of text."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
from pydantic import ValidationError

from har_ray.data.dataset import Rejects
from har_ray.data.guess.answers import Guess
from har_ray.data.guess.rate import PRESET, UNTOLD_HZ, WINDOW_S
from har_ray.data.own.rates import stream_rate_hz
from har_ray.data.own.streams import Reading
from har_ray.data.own.table import Table, TableFile
from har_ray.errors import DataError
from har_ray.text import aligned

BARS = "▁▂▃▄▅▆▇█"
WIDTH = 80
LEAST = 16
"""Letters of a plot, however long names are."""


def shown(found: Guess, root: Path) -> Iterator[str]:
    """A table with a line for each channel, of the first file of each source; at most 80 letters wide."""
    try:
        spec = found.readable
    except ValidationError:
        return  # which is among the questions
    for name, heads in found.parts.sources.items():
        file = TableFile(Table(PRESET, root, spec, {}, {}), name, heads[0].path)
        try:
            reading = Reading(file, list(file.part.channels))
            stream = next(reading.streams(Rejects(), batches=1))
            rate_hz = stream_rate_hz(reading, stream, even=False) or UNTOLD_HZ
        except (DataError, StopIteration):
            continue
        yield f"{heads[0].relative}, the first {WINDOW_S} s:"
        yield from _table(stream.x[: max(2, round(WINDOW_S * rate_hz))], file)
        yield ""


def _table(x: npt.NDArray[np.float32], file: TableFile) -> Iterator[str]:
    """Of values `[n, C]`."""
    rows = []
    for (name, channel), values in zip(file.part.channels.items(), x.T, strict=True):
        known = values[np.isfinite(values)]
        low, middle, high = np.quantile(known, (0, 0.5, 1)) if len(known) else (np.nan,) * 3
        rows.append([name, channel.unit, f"{low:.4g}", f"{middle:.4g}", f"{high:.4g}", ""])
    lines = list(aligned(("channel", "unit", "min", "median", "max", ""), rows, left=(0, 1, 5)))
    width = max(map(len, lines))
    yield lines[0]
    for line, values in zip(lines[1:], x.T, strict=True):
        yield f"{line.ljust(width)}  {sparkline(values, max(LEAST, WIDTH - width - 2))}"


def sparkline(values: npt.NDArray[np.float32], width: int) -> str:
    """Values from left to right as bars of eight heights, from their least to their largest; blanks where none is.

    Example:
        >>> sparkline(np.array([0.0, 1, 2, 3]), 4)
        '▁▃▅█'
    """
    parts = np.array_split(values, min(width, len(values)))
    means = np.array([part[np.isfinite(part)].mean() if np.isfinite(part).any() else np.nan for part in parts])
    known = means[np.isfinite(means)]
    if not len(known):
        return " " * len(means)
    span = float(known.max() - known.min()) or 1.0
    heights = np.nan_to_num((means - known.min()) / span * (len(BARS) - 1))
    return "".join(
        BARS[round(float(height))] if np.isfinite(mean) else " " for height, mean in zip(heights, means, strict=True)
    )
