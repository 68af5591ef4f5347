"""A look at the first rows of a file, before any is read as a whole: do they tell time, and at which rate?

It reads them as reading does, so that what passes here then runs.
"""

import numpy as np
import pyarrow as pa

from har_ray.data.cleaning import changes
from har_ray.data.dataset import Rejects
from har_ray.data.own.clock import Clock
from har_ray.data.own.files import WORD, column_names, read_columns
from har_ray.data.own.rates import stream_rate_hz
from har_ray.data.own.rows import MIN_STRETCH
from har_ray.data.own.steps import MAX_STEPS, UNEVEN
from har_ray.data.own.streams import Reading
from har_ray.data.own.table import TableFile
from har_ray.errors import DataError

MOST_DEVICES = 20


def look(file: TableFile, even: bool) -> float | None:
    """The rate at which the first rows come; None where they are too few to tell.

    Args:
        even: whether stamps must come at one rate.

    Raises:
        DataError: as `Reading.streams` and `stream_rate_hz`, or rows of several devices are interleaved.
    """
    reading = Reading(file, list(file.part.channels))
    streams = list(reading.streams(Rejects(), batches=1))
    if names := separating(reading.clock, *(stream.t for stream in streams)):
        recording = " or ".join(f"{{column: {name}}}" for name in names)
        raise DataError(
            f"{file.path}: rows of several recordings are interleaved, by {' and '.join(map(repr, names))}; "
            f"recording: {recording} keeps them apart; if they are sensors of one recording, sources: with "
            "rows: {column: ..., value: ...} each make channels of them"
        )
    rates = [rate for stream in streams if (rate := stream_rate_hz(reading, stream, even))]
    return float(np.median(rates)) if rates else None


def _is_uneven(t: np.ndarray) -> bool:
    """Whether steps vary more than jitter makes them, leaps left out."""
    steps = np.diff(t)
    if len(steps) < 2 * MIN_STRETCH or not (steps > 0).any():
        return False
    kept = steps[np.abs(steps) <= MAX_STEPS * np.median(steps[steps > 0])]
    return bool(kept.std() > UNEVEN * abs(kept.mean()))


def separating(clock: Clock, *streams: np.ndarray) -> list[str]:
    """The columns of words, not yet asked for, by which the first rows fall into streams that each advance evenly.

    Args:
        streams: stamps in seconds, as they are taken for those of one device each; where all advance evenly by
            themselves there is nothing to be kept apart.
    """
    if not clock.types or not any(map(_is_uneven, streams)):
        return []
    names = [name for name in column_names(clock.path, clock.spec) if name and name not in clock.spec.columns]
    single = [name for name in names if names.count(name) == 1]
    found = []
    for name in single:
        try:
            batch = next(iter(read_columns(clock.path, {name: WORD, **clock.types}, clock.spec)))
        except DataError:  # its values cannot be words
            continue
        if _separates(batch.column(0), clock, batch):
            found.append(name)
    return found


def _separates(words: pa.Array, clock: Clock, batch: pa.RecordBatch) -> bool:
    codes = words.indices.to_numpy()
    present = np.unique(codes)
    if not 2 <= len(present) <= MOST_DEVICES or changes(codes).sum() < len(codes) / MIN_STRETCH:
        return False
    t = clock.stamps(batch, np.arange(batch.num_rows)).values
    each = [t[codes == code] for code in present]
    return not any(_is_uneven(one) or len(one) < 2 or (np.diff(one) <= 0).any() for one in each)
