"""What a user of a watch sees of a seed's test predictions: events, after Ward et al. 2011, see `har_ray.events`.

A window's label stands for a stride. The windows of a recording, in their order, are the steps of its timeline; the
truth changes between two of them. Where windows were left out between two of the same label, one event ends and another
begins.
"""

from collections import Counter
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from har_ray.events import EventView, view_of_all
from har_ray.metrics import Indices

VOTES = (1, 3)
"""How many of the latest labels vote on what is said. Fixed beforehand, not chosen on test windows."""


class EventScores(NamedTuple):
    """Shares of the test windows, of the events, and counts per event.

    Attributes:
        events: how many there are.
        correct: the share of windows that are recognised.
        deletion, fragmentation, underfill: of windows that are not, as they look from the true class.
        insertion, merge, overfill: of the same windows, as they look from the class that was said.
        missed: the share of events that were never recognised.
        breaks, insertions, merges: of an event, on average: how often it broke up; how many events were made up, and
            flowed together with the next, for each true one.
        late, late_90: of the events that were recognised, by how many windows after their first: mean, 90th percentile.
            None where none was.
    """

    events: int
    correct: float
    deletion: float
    fragmentation: float
    underfill: float
    insertion: float
    merge: float
    overfill: float
    missed: float
    breaks: float
    insertions: float
    merges: float
    late: float | None
    late_90: float | None

    @classmethod
    def of(cls, view: EventView, windows: int) -> "EventScores":
        """From what became of the events of so many windows."""
        of_events, of_windows = Counter[str](), Counter[str]()
        for kind, count in view.segments.items():
            of_events[kind.partition(" ")[0]] += count
            of_windows[kind.partition(" ")[0]] += view.samples[kind]
        late = [delay for delay in view.delays if delay is not None]
        return cls(
            view.events,
            *(of_windows[kind] / windows for kind in cls._fields[1:8]),
            *(of_events[kind] / view.events for kind in ("deletion", "fragmentation", "insertion", "merge")),
            *((float(np.mean(late)), float(np.quantile(late, 0.9))) if late else (None, None)),
        )


def event_scores(window_ids: pa.StringArray, labels: Indices, predicted: Indices) -> dict[int, EventScores]:
    """By how many labels vote; none where the ids (N,) do not say recording and start.

    Example:
        >>> ids = pa.array(["walk:0", "walk:50", "walk:100"])
        >>> scores = event_scores(ids, np.array([1, 1, 1]), np.array([0, 1, 1]))
        >>> scores[1].events, scores[1].late, round(scores[1].underfill, 2)
        (1, 1.0, 0.33)
    """
    parts = pc.split_pattern(window_ids, ":", max_splits=1, reverse=True)
    if pc.any(pc.not_equal(pc.list_value_length(parts), 2)).as_py():
        return {}
    names, numbers = pc.list_element(parts, 0), pc.list_element(parts, 1)
    if not pc.all(pc.utf8_is_decimal(numbers)).as_py():
        return {}
    recordings, starts = names.dictionary_encode().indices.to_numpy(), numbers.cast(pa.int64()).to_numpy()
    order = np.lexsort((starts, recordings))
    labels, predicted = labels[order], predicted[order]
    begins = _begins(recordings[order], starts[order], labels)
    return {
        votes: EventScores.of(view_of_all(labels, said, begins), len(labels))
        for votes, said in zip(VOTES, (predicted, voted(predicted, begins)), strict=True)
    }


def _begins(recordings: Indices, starts: Indices, labels: Indices) -> npt.NDArray[np.bool_]:
    """Where a stretch of windows begins (N,): with a recording, and behind a gap between two windows of one label.

    Behind a change of label a gap is no wonder: where no window holds a change, the next one begins a window later.
    """
    goes_on = recordings[1:] == recordings[:-1]
    alike = goes_on & (labels[1:] == labels[:-1])
    steps = np.diff(starts)
    stride = np.median(steps[alike]) if alike.any() else 0
    begins = np.ones(len(labels), np.bool_)
    begins[1:] = ~goes_on | (alike & (steps > 1.5 * stride))
    return begins


def voted(predicted: Indices, begins: npt.NDArray[np.bool_]) -> Indices:
    """The majority of the last three labels of a stretch, as `har_ray.streaming.majority` has it of each three."""
    place = np.arange(len(predicted))
    place -= np.maximum.accumulate(np.where(begins, place, 0))
    first, second = np.roll(predicted, 2), np.roll(predicted, 1)
    # Where the two before agree they have it; else the latest has, with one of them or as the last of equals.
    said: Indices = np.where((place >= 2) & (first == second), first, predicted)
    return said
