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
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

Kind = Literal[
    "correct", "nothing", "insertion", "merge", "overfill at start", "overfill at end", "deletion", "fragmentation",
    "underfill at start", "underfill at end",
]  # fmt: skip
Labels = npt.NDArray[np.integer]
Presence = npt.NDArray[np.bool_]

_KINDS: Mapping[bool, Mapping[tuple[bool, bool], Kind]] = {
    False: {  # found where it is not, by whether it is recognised before and after
        (True, True): "merge",
        (True, False): "overfill at end",
        (False, True): "overfill at start",
        (False, False): "insertion",
    },
    True: {  # not found where it is
        (True, True): "fragmentation",
        (True, False): "underfill at end",
        (False, True): "underfill at start",
        (False, False): "deletion",
    },
}


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
    changes = np.flatnonzero(np.diff(truth) | np.diff(found)) + 1
    spans = list(pairwise([0, *changes.tolist(), len(truth)])) if len(truth) else []
    both = [bool(truth[start] and found[start]) for start, _ in spans]
    kinds = []
    for i, (start, _) in enumerate(spans):
        before, after = i > 0 and both[i - 1], i + 1 < len(both) and both[i + 1]
        if truth[start] == found[start]:
            kinds.append("correct" if truth[start] else "nothing")
        else:
            kinds.append(_KINDS[bool(truth[start])][before, after])
    return [Segment(kind, start, end) for kind, (start, end) in zip(kinds, spans, strict=True)]  # type: ignore[arg-type]


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
    changes = np.flatnonzero(np.diff(labels)) + 1
    edges = [0, *changes.tolist(), len(labels)] if len(labels) else []
    return [Event(int(labels[a]), a, b) for a, b in pairwise(edges) if labels[a] != null]


def delays(truth: Labels, found: Labels, null: int | None = None) -> list[int | None]:
    """How many samples into each event it was first recognised, 0 where it was at once; None where it never was."""
    late = []
    for event in events(truth, null):
        hits = np.flatnonzero(found[event.start : event.end] == event.label)
        late.append(int(hits[0]) if len(hits) else None)
    return late


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
    """
    counted, lasting, late = Counter[Kind](), Counter[Kind](), list[int | None]()
    for truth, found in recordings:
        late += delays(truth, found, null)
        for label in {*np.unique(truth).tolist(), *np.unique(found).tolist()} - {null}:
            for segment in segments(truth == label, found == label):
                counted[segment.kind] += 1
                lasting[segment.kind] += segment.samples
    return EventView(len(late), counted, lasting, late)
