"""What intervals make of a recording's samples.

An interval holds its start and not its end, so that one may begin where another ends. Where intervals of different
labels overlap nobody knows what was done: these samples are of no class, as are those between intervals.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from har_ray.data.dataset import NULL, Rejects
from har_ray.data.own.intervals import Interval, IntervalFile
from har_ray.errors import DataError

BEYOND_S = 1.0
"""Who labels by eye ends an interval no more exactly than so; what reaches further out of a recording is counted."""


def labels_at(
    t: npt.NDArray[np.float64], intervals: Sequence[Interval], legend: Mapping[str, int], rejects: Rejects
) -> npt.NDArray[np.int16]:
    """The class of each sample by the interval it lies in, or `NULL`; counts those in none and in contradicting ones.

    Args:
        t: seconds `[n]` of the intervals' clock, in any order.
        legend: label → class or `NULL`.

    Returns:
        int16 `[n]`.

    Example:
        >>> labels_at(np.arange(4.0), [Interval(1, 3, "walk", "line 2")], {"walk": 0}, Rejects())
        array([-1,  0,  0, -1], dtype=int16)
    """
    order = np.argsort(t, kind="stable")
    found = np.full(len(t), NULL, dtype=np.int16)
    covered, torn = np.zeros(len(t), dtype=np.bool_), np.zeros(len(t), dtype=np.bool_)
    starts, ends = (np.array([one[i] for one in intervals], dtype=np.float64) for i in (0, 1))
    edges = zip(np.searchsorted(t[order], starts).tolist(), np.searchsorted(t[order], ends).tolist(), strict=True)
    for (start, stop), one in zip(edges, intervals, strict=True):
        part = slice(start, stop)
        torn[part] |= covered[part] & (found[part] != legend[one.label])
        found[part], covered[part] = legend[one.label], True
    found[torn] = NULL
    rejects.add("row in no interval", int((~covered).sum()))
    rejects.add("row in intervals of different labels", int(torn.sum()))
    labels = np.empty_like(found)
    labels[order] = found
    return labels


def count_beyond(file: IntervalFile, span: tuple[float, float], recording: Path, rejects: Rejects) -> None:
    """Count the intervals that do not lie in a recording.

    Args:
        file: its intervals, or those of one subject.
        span: its first and last sample; infinite where it goes on beyond what was read.

    Raises:
        DataError: none does; its clock is another.
    """
    first, last = (0.0, span[1] - span[0]) if file.relative else span
    outside = [one for one in file.intervals if one.end_s <= first or one.start_s > last]
    if file.intervals and len(outside) == len(file.intervals):
        begin, end = min(one.start_s for one in outside), max(one.end_s for one in outside)
        end = end if end < np.inf else max(one.start_s for one in outside)
        other = "absolute" if file.relative else "recording"
        until = f"to {last:.0f} s" if last < np.inf else "s on"
        whose = f" of {outside[0].subject}" if outside[0].subject else ""
        raise DataError(
            f"{file.path}: its intervals{whose} are from {begin:.0f} to {end:.0f} s, {recording.name} is from "
            f"{first:.0f} {until}; see unit and zone of label.intervals, and clock: {other}"
        )
    rejects.add("interval outside its recording", len(outside))
    reaching = [one for one in file.intervals if one.start_s < first - BEYOND_S or last + BEYOND_S < one.end_s < np.inf]
    rejects.add(
        "interval that is partly outside its recording", len(reaching) - sum(one in outside for one in reaching)
    )
