"""What became of events, by hand."""

import doctest
from collections import Counter

import numpy as np
import pytest

from har_ray import events as module
from har_ray.events import Event, delays, event_view, events, segments


def marks(text):
    """`..##` as bool."""
    return np.array([sign == "#" for sign in text], dtype=bool)


def kinds(truth, found):
    return [(kind, end - start) for kind, start, end in segments(marks(truth), marks(found))]


@pytest.mark.parametrize(
    ("truth", "found", "expected"),
    [
        ("..##..", "..##..", [("nothing", 2), ("correct", 2), ("nothing", 2)]),
        ("......", "..##..", [("nothing", 2), ("insertion", 2), ("nothing", 2)]),
        ("..##..", "......", [("nothing", 2), ("deletion", 2), ("nothing", 2)]),
        ("######", "##..##", [("correct", 2), ("fragmentation", 2), ("correct", 2)]),
        ("##..##", "######", [("correct", 2), ("merge", 2), ("correct", 2)]),
        ("..##..", ".####.", [("nothing", 1), ("overfill at start", 1), ("correct", 2), ("overfill at end", 1),
                              ("nothing", 1)]),
        (".####.", "..##..", [("nothing", 1), ("underfill at start", 1), ("correct", 2), ("underfill at end", 1),
                              ("nothing", 1)]),
        # Next to an event that is missed, what is found is made up: it recognises nothing.
        ("##..", "..##", [("deletion", 2), ("insertion", 2)]),
        ("", "", []),
    ],
)  # fmt: skip
def test_a_wrong_segment_is_what_its_neighbours_make_it(truth, found, expected):
    assert kinds(truth, found) == expected


def test_the_picture_of_the_module():
    found = segments(marks(".######..##."), marks("###.##..####"))
    assert [(s.start, s.kind) for s in found if s.kind not in ("correct", "nothing")] == [
        (0, "overfill at start"), (3, "fragmentation"), (6, "underfill at end"), (8, "overfill at start"),
        (11, "overfill at end"),
    ]  # fmt: skip


def test_every_sample_is_in_one_segment():
    generator = np.random.default_rng(0)
    truth, found = generator.random((2, 500)) < 0.5
    found_segments = segments(truth, found)
    assert [s.start for s in found_segments[1:]] == [s.end for s in found_segments[:-1]]
    assert (found_segments[0].start, found_segments[-1].end) == (0, 500)
    wrong = sum(s.samples for s in found_segments if s.kind not in ("correct", "nothing"))
    assert wrong == (truth != found).sum()


def test_events_and_how_late_they_were_recognised():
    truth = np.array([0, 1, 1, 1, 2, 2, 0, 1, 1])
    found = np.array([0, 0, 0, 1, 2, 1, 1, 0, 0])
    assert events(truth, null=0) == [Event(1, 1, 4), Event(2, 4, 6), Event(1, 7, 9)]
    assert delays(truth, found, null=0) == [2, 0, None]


def test_the_view_of_several_recordings_of_several_classes():
    """One class taken for another: a deletion and an insertion. Null is no class."""
    first = (np.array([0, 1, 1, 1, 1]), np.array([0, 1, 0, 0, 1]))
    second = (np.array([2, 2, 2]), np.array([1, 1, 1]))
    view = event_view([first, second], null=0)
    assert (view.events, view.delays) == (2, [0, None])
    wrong = {kind: n for kind, n in view.segments.items() if kind not in ("correct", "nothing")}
    assert wrong == {"fragmentation": 1, "deletion": 1, "insertion": 1}
    assert {kind: view.samples[kind] for kind in wrong} == {"fragmentation": 2, "deletion": 3, "insertion": 3}


def test_of_no_recording_there_is_nothing_to_see():
    assert event_view([]) == (0, Counter(), Counter(), [])


@pytest.mark.parametrize("null", [None, 0])
def test_the_view_of_recordings_is_that_of_each_class_in_each(null):
    """Of random labels that last for a while, in recordings that begin and end in the middle of an event."""
    generator = np.random.default_rng(0)
    recordings = [tuple(generator.integers(4, size=(2, n)).repeat(3, axis=1)) for n in generator.integers(1, 9, 50)]
    view = event_view(recordings, null)
    counted, lasting = Counter[str](), Counter[str]()
    for truth, found in recordings:
        for label in {0, 1, 2, 3} - {null}:
            for one in segments(truth == label, found == label):
                counted[one.kind] += 1
                lasting[one.kind] += one.samples
    assert (view.segments, view.samples) == (counted, lasting)
    assert view.delays == [late for truth, found in recordings for late in delays(truth, found, null)]


def test_the_examples_are_true():
    assert doctest.testmod(module).failed == 0
