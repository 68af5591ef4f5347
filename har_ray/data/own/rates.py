"""The rate of a stream: as its file says, or as its stamps tell; and whether they come at it."""

from collections.abc import Iterator

import numpy as np

from har_ray.data.own.steps import Steps, rate_of, rounded
from har_ray.data.own.streams import Reading, Stream
from har_ray.errors import DataError

CHECKED = 1 << 20
"""Rows whose stamps are looked at together, to bound the memory."""


def stream_rate_hz(reading: Reading, stream: Stream, even: bool = True) -> float | None:
    """Samples per second; None where there are too few to tell.

    Args:
        even: whether stamps must come at one rate, and at that which is said.

    Raises:
        DataError: they do not, or not in order; names the first row.
    """
    if not reading.clock.types:
        return reading.clock.rate_hz
    said, found = reading.clock.rate_hz if even else None, None
    for steps in _steps(reading, stream, even):
        if fault := steps.fault():
            raise DataError(f"{reading.file.path}: from {reading.file.row_name(stream.first)} on: {fault}")
        found = found or rate_of(steps.t)
    if said is not None or found is None:
        return said
    return rounded(found) if len(stream.t) > found else None


def _steps(reading: Reading, stream: Stream, even: bool) -> Iterator[Steps]:
    assert reading.clock.time is not None
    for start in range(0, len(stream.t), CHECKED):
        t, x = stream.t[start : start + CHECKED], stream.x[start : start + CHECKED]
        same = np.flatnonzero(np.diff(t) == 0)
        yield Steps(
            t=t,
            time=reading.clock.time,
            rate_hz=reading.clock.rate_hz if even else None,
            copied=float((x[same] == x[same + 1]).all(axis=1).mean()) if len(same) else 0.0,
            local=reading.stamps.dates and not reading.stamps.zoned and reading.clock.time.zone is None,
            numbers=not reading.stamps.dates,
            even=even,
        )
