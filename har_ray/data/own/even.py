"""Readings whose rate wanders, as samples at even intervals: on straight lines between them, by their time stamps."""

import numpy as np
import numpy.typing as npt

from har_ray.data.dataset import Wander
from har_ray.data.joining import Run, joined
from har_ray.data.own.steps import rounded

US_PER_S = 1e6
"""Instants are whole microseconds: seconds since 1970 are known no better in a float64."""
MAX_DECIMATION = 1.5
"""Of readings that come faster than this many times the rate, too many would be left out, unfiltered."""


def even_rate_hz(rate_hz: float, wander: Wander) -> float:
    """The rate of the samples: that of most readings, or, where some come much faster, the fastest.

    From there windows are resampled to the rate of their preset through a filter.
    """
    return rounded(wander.fastest_hz) if wander.fastest_hz > MAX_DECIMATION * rate_hz else rate_hz


def at_even_intervals(
    t: npt.NDArray[np.float64], x: npt.NDArray[np.float32], labels: npt.NDArray[np.int16], rate_hz: float
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int16]]:
    """Samples `[m, C]` from the first reading on, with the label `[m]` of the reading at or before each.

    Args:
        t: seconds `[n]`, which never run backwards nor leap.
        x: `[n, C]`.
        labels: `[n]`.
    """
    run = Run(np.round(t * US_PER_S).astype(np.int64), x)
    (stretch,) = joined({"": {0: [run]}}, US_PER_S / rate_hz, {})
    return stretch.x, labels[np.searchsorted(run.t, stretch.t, side="right") - 1]
