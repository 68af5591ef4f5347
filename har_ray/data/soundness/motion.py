"""By how much one sensor shows the same motion later than another: a lag for each stretch that tells it.

Acceleration changes when a body turns, and turns when it moves: how strongly the readings of two sensors of one place
change goes up and down together, whatever they measure. Where these two courses are most alike after one has been moved
tells how far their clocks are apart. At rest nothing tells it, and in even steps one step later fits as well: such
stretches have no say.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

COURSE_HZ = 20
"""How often it is looked at how strongly readings change."""
SLOWEST_HZ = 8
"""Of readings that come more rarely too little is known."""
STRETCH_S = 20
FARTHEST_S = 5.0
"""How late one sensor may be."""
SLOW_S = 2.0
"""What goes on for longer is left out: it would be alike wherever a course is moved to."""
ALIKE, DISTINCT, BESIDE_S = 0.3, 0.1, 0.25
"""The correlation at the best lag, and by how much it exceeds any farther than 0.25 s from there. Accelerometer and
gyroscope of one phone (Sensors) or watch (WISDM 2019) then tell a lag in half of the stretches or more, and 94 to 100 %
of these the same within 0.1 s. Between places of the body that means little: who walks moves wrist and foot in turn."""


class Told(NamedTuple):
    """What one stretch tells: how long after the start of the recording it lies, and how late the other sensor is."""

    at_s: float
    lag_s: float


def lags(one: npt.NDArray[np.float32], other: npt.NDArray[np.float32], rate_hz: float) -> Iterator[Told]:
    """The lags that stretches tell of two sensors `[n, axes]` of a recording, by which `other` is later."""
    each = max(1, round(rate_hz / COURSE_HZ))
    hz = rate_hz / each
    if hz < SLOWEST_HZ:
        return
    courses = [_course(x, each, hz) for x in (one, other)]
    length, reach, beside = round(STRETCH_S * hz), round(FARTHEST_S * hz), BESIDE_S * hz
    for start in range(reach, len(courses[0]) - length - reach + 1, length):
        still, moved = courses[0][start : start + length], courses[1][start - reach : start + length + reach]
        alike = _correlation(still, moved)
        best = int(alike.argmax())
        far = np.abs(np.arange(len(alike)) - best) > beside
        if alike[best] > ALIKE and alike[best] - alike[far].max() > DISTINCT:
            yield Told((start + length / 2) / hz, (_peak(alike, best) - reach) / hz)


def _course(x: npt.NDArray[np.float32], each: int, hz: float) -> Floats:
    """The logarithm of how strongly readings change, `each` of them taken together, without what goes on for long."""
    steps = np.linalg.norm(np.diff(x, axis=0), axis=1).astype(np.float64)
    means = steps[: len(steps) // each * each].reshape(-1, each).mean(axis=1)
    if not means.any():
        return np.zeros(0)
    level = np.log(means + 0.01 * means.mean())
    width = round(SLOW_S * hz)
    if len(level) <= width:
        return np.zeros(0)
    quick: Floats = level - np.convolve(level, np.full(width, 1 / width), "same")
    return quick


def _correlation(still: Floats, moved: Floats) -> Floats:
    """Of a course with each as long part of a longer one."""
    parts = np.lib.stride_tricks.sliding_window_view(moved, len(still))
    spread = parts.std(axis=1) * still.std() * len(still)
    alike: Floats = np.divide(parts @ (still - still.mean()), spread, out=np.zeros(len(parts)), where=spread > 0)
    return alike


def _peak(values: Floats, best: int) -> float:
    """Where the parabola through the largest value and its neighbours is highest."""
    if not 0 < best < len(values) - 1:
        return best
    before, at, after = values[best - 1 : best + 2]
    bend = before - 2 * at + after
    return best + 0.5 * (before - after) / bend if bend else best
