"""What a user sees of a recogniser: events, that begin late, break up, flow together, are missed or made up.

J. A. Ward, P. Lukowicz, H. W. Gellersen: "Performance metrics for activity recognition", ACM Transactions on
Intelligent Systems and Technology 2(1), article 6, 2011, https://doi.org/10.1145/1889681.1889687. One class against
all others: a recording falls into segments, within which neither the truth nor what was found changes; what a wrong
segment is follows from its neighbours. Needs NumPy alone.

    truth  . # # # # # # . . # # .
    found  # # # . # # . . # # # #
           o     f     u   o     o     overfill, fragmentation, underfill, overfill at the start, at the end
"""

from collections import Counter
from collections.abc import Iterable
from itertools import pairwise
from typing import Literal, NamedTuple, get_args

import numpy as np
import numpy.typing as npt

Kind = Literal[
    "nothing", "insertion", "overfill at end", "overfill at start", "merge",
    "deletion", "underfill at end", "underfill at start", "fragmentation", "correct",
]  # fmt: skip
KINDS: tuple[Kind, ...] = get_args(Kind)
Labels = npt.NDArray[np.integer]
Indices = npt.NDArray[np.int64]
Presence = npt.NDArray[np.bool_]


class Segment(NamedTuple):
    """The samples from `start` up to `end`, which is not one of them."""

    kind: Kind
    start: int
    end: int

    @property
    def samples(self) -> int:
        return self.end - self.start


def segments(truth: Presence, found: Presence) -> list[Segment]:
    """The segments of a recording of n samples, given where a class is and where it was found, each bool (n,)."""
    kinds, edges = _segments(truth, found, _one_recording(len(truth)))
    spans = pairwise(edges.tolist())
    return [Segment(KINDS[kind], start, end) for kind, (start, end) in zip(kinds.tolist(), spans, strict=True)]


def _one_recording(n: int) -> Presence:
    """Where recordings begin, if there is but one."""
    begins: Presence = np.arange(n) == 0
    return begins


def _segments(truth: Presence, found: Presence, begins: Presence) -> tuple[Indices, Indices]:
    """The kinds of the segments, as places in `KINDS`, and their edges, of which there is one more.

    Recordings follow one another; `begins` (n,) is where one begins. No segment is of two, nor are neighbours.
    """
    starts = _starts(begins, truth, found)
    is_there, is_found, is_first = truth[starts], found[starts], begins[starts]
    recognised = np.concatenate([[False], is_there & is_found, [False]])
    before, after = recognised[:-2] & ~is_first, recognised[2:] & ~np.append(is_first[1:], True)
    # A wrong segment is what its neighbours make it: four kinds where nothing is, four where something is.
    wrong = 1 + 4 * is_there + before + 2 * after
    kinds = np.where(is_there == is_found, 9 * is_there, wrong)
    return kinds, np.append(starts, len(truth))


def _starts(begins: Presence, *series: npt.NDArray[np.generic]) -> Indices:
    """Where one of the recordings begins or one of the series (n,) changes."""
    changed = begins.copy()
    for values in series:
        changed[1:] |= values[1:] != values[:-1]
    return np.flatnonzero(changed)


class Event(NamedTuple):
    """A class without interruption, from the sample `start` up to `end`, which is not one of them."""

    label: int
    start: int
    end: int


def events(labels: Labels, null: int | None = None) -> list[Event]:
    """The events of a recording (n,); where the label is `null` there is none.

    >>> events(np.array([0, 1, 1, 0]), null=0)
    [Event(label=1, start=1, end=3)]
    """
    starts, ends = _events(labels, _one_recording(len(labels)), null)
    return [Event(*one) for one in zip(labels[starts].tolist(), starts.tolist(), ends.tolist(), strict=True)]


def _events(labels: Labels, begins: Presence, null: int | None) -> tuple[Indices, Indices]:
    """Where the events start and end."""
    edges = np.append(_starts(begins, labels), len(labels))
    known = np.ones(len(edges) - 1, np.bool_) if null is None else labels[edges[:-1]] != null
    return edges[:-1][known], edges[1:][known]


def delays(truth: Labels, found: Labels, null: int | None = None) -> list[int | None]:
    """How many samples into each event it was first recognised, 0 where it was at once; None where it never was."""
    return _delays(truth, found, _one_recording(len(truth)), null)


def _delays(truth: Labels, found: Labels, begins: Presence, null: int | None) -> list[int | None]:
    starts, ends = _events(truth, begins, null)
    hits = np.append(np.flatnonzero(truth == found), len(truth))
    first = hits[np.searchsorted(hits, starts)]
    late = zip((first - starts).tolist(), (first < ends).tolist(), strict=True)
    return [delay if is_recognised else None for delay, is_recognised in late]


class EventView(NamedTuple):
    """What became of the events of some recordings.

    Attributes:
        events: how many there are.
        segments: how many segments of each kind, every class against all others.
        samples: how many samples are in them.
        delays: of each event, see `delays`.
    """

    events: int
    segments: Counter[Kind]
    samples: Counter[Kind]
    delays: list[int | None]


def event_view(recordings: Iterable[tuple[Labels, Labels]], null: int | None = None) -> EventView:
    """Of recordings, each given as the true and the found label of every sample, (n,) both.

    One class taken for another is a deletion of the one and an insertion of the other.

    >>> view = event_view([(np.array([1, 1]), np.array([1, 2])), (np.array([2]), np.array([2]))])
    >>> view.events, view.delays, view.segments["underfill at end"], view.segments["insertion"]
    (2, [0, 0], 1, 1)
    """
    both = [np.zeros((2, 0), np.int64), *map(np.stack, recordings)]
    truth, found = np.concatenate(both, axis=1)
    return view_of_all(truth, found, np.concatenate([_one_recording(one.shape[1]) for one in both]), null)


def view_of_all(truth: Labels, found: Labels, begins: Presence, null: int | None = None) -> EventView:
    """The same of recordings one after the other; `begins` (n,) is true where one begins, as with the first sample."""
    labels = np.unique([truth, found])
    labels = labels if null is None else labels[labels != null]
    # Each class against all others, (classes, n), as if each were recordings of its own.
    are_there, are_found = truth == labels[:, None], found == labels[:, None]
    kinds, edges = _segments(are_there.ravel(), are_found.ravel(), np.tile(begins, len(labels)))
    counted = np.bincount(kinds, minlength=len(KINDS))
    lasting = np.bincount(kinds, np.diff(edges), len(KINDS)).astype(np.int64)
    late = _delays(truth, found, begins, null)
    return EventView(len(late), _by_kind(counted), _by_kind(lasting), late)


def _by_kind(counts: Indices) -> Counter[Kind]:
    return Counter({kind: count for kind, count in zip(KINDS, counts.tolist(), strict=True) if count})
