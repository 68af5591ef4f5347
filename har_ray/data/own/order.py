"""Stamps put in order: counters that wrap unwound, bounded disorder sorted, samples of a packet spread over its time.

All work on the stamps of one device in the order of its rows, as numbers without gaps (no NaN).
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from har_ray.data.cleaning import runs

Numbers = npt.NDArray[np.float64]

COUNTERS = (2**8, 2**16, 2**24, 2**32)
"""Where the counters of devices wrap; 2^24 is Shimmer's clock."""
NEXT = 3.5
"""A counter that goes on within so many of its usual steps, once it is unwound, has wrapped and not begun again."""
ROUNDING_S = 1e-6
"""More than a float64 rounds seconds since 1970 by."""
LOST = 1.5
"""A packet that would have to be stretched by more than this is followed by a lost one."""


def wraps_at(counts: Numbers) -> float | None:
    """Where a counter wraps, if every step back can be explained by that and by nothing else; else None.

    Example:
        >>> wraps_at(np.array([254.0, 255, 0, 1]))
        256
    """
    steps = np.diff(counts)
    forward = steps[steps > 0]
    back = np.flatnonzero(steps < 0)
    if not len(back) or not len(forward) or counts.min() < 0 or (counts % 1).any():
        return None
    near = NEXT * float(np.median(forward))
    for limit in COUNTERS:
        left, past = limit - counts[back], counts[back + 1]
        if near < limit / 4 and counts.max() < limit and (left + past <= near).all():
            return limit
    return None


def unwound(counts: Numbers, limit: float, disorder: float = 0) -> Numbers:
    """A counter that begins again at 0 after `limit` counts, as one that goes on; steps back by `disorder` stay."""
    rounds: Numbers = counts.copy()
    rounds[0] = 0
    rounds[1:] = np.cumsum(-np.floor((np.diff(counts) + disorder) / limit))
    rounds *= limit
    rounds += counts
    return rounds


class Sorted(NamedTuple):
    """Rows in order of time.

    Attributes:
        rows: their indices, `[m]`.
        begins: of these, the first rows after time has gone back by more than the bound, from the second on.
        late: how many rows are left out because they came later than that.
    """

    rows: npt.NDArray[np.intp]
    begins: npt.NDArray[np.intp]
    late: int


def sorted_rows(t: Numbers, bound: float) -> Sorted:
    """Rows that come late by at most `bound` seconds put where they belong; larger steps back begin anew."""
    kept, begins, late = list[npt.NDArray[np.intp]](), list[int](), 0
    bound += ROUNDING_S
    breaks = np.diff(t) < -bound
    for start, stop in runs(len(t), breaks):
        part = t[start:stop]
        in_time = np.maximum.accumulate(part) - part <= bound
        late += int((~in_time).sum())
        rows = start + np.flatnonzero(in_time)
        if kept:
            begins.append(sum(map(len, kept)))
        kept.append(rows[np.argsort(t[rows], kind="stable")])
    return Sorted(np.concatenate(kept), np.array(begins, dtype=np.intp), late)


def spread(t: Numbers) -> Numbers:
    """Samples that share a stamp, from that stamp evenly up to the next, or over as long as others take.

    The first packet may have begun before the recording, so that it ends with the second's stamp.

    Example:
        >>> spread(np.array([0.0, 3, 3, 3, 6, 6]))
        array([2., 3., 4., 5., 6., 7.])
    """
    edges = np.flatnonzero(np.diff(t, prepend=np.nan) != 0)
    if len(edges) < 2:
        return t
    count = np.diff(np.append(edges, len(t)))
    lasts = np.diff(t[edges])
    steady = lasts > 0
    each = lasts / count[:-1]
    usual = float(np.median(np.repeat(each[steady], count[:-1][steady]))) if steady.any() else 0.0
    step = np.append(np.where(steady & (each <= LOST * usual), each, usual), usual)
    begin = t[edges]
    if steady[0] and each[0] > LOST * usual:
        begin[0] = begin[1] - count[0] * usual
    within = np.arange(len(t)) - np.repeat(edges, count)
    spaced: Numbers = np.repeat(begin, count) + within * np.repeat(step, count)
    return spaced
