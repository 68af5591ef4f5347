"""Blocks that stand twice, wherever they begin; and channels and rows that say nothing."""

import numpy as np
import pytest

from har_ray.data.dataset import Recording
from har_ray.data.soundness import channels, repeats, sketch
from tests.data.soundness.people import CHANNELS, evidence, people, recording, times


def found(recordings):
    known = evidence(recordings)
    return [*repeats.findings(known), *channels.findings(known)]


def cut(one, rows, name, subject=None):
    return Recording(name, subject or one.subject, one.x[rows].copy(), one.labels[rows], one.rate_hz)


def test_the_hash_of_a_run_does_not_depend_on_where_it_stands():
    x = recording("1", 1).x
    hashes, rows = sketch.hashes_of(x, 100)
    assert len(set(hashes.tolist())) == len(hashes) == len(x) - 99
    assert rows.tolist() == list(range(len(x) - 99))
    moved, _ = sketch.hashes_of(x[137:400], 100)
    assert np.array_equal(moved, hashes[137:301])
    other = x.copy()
    other[500, 2] += 1e-3
    changed, _ = sketch.hashes_of(other, 100)
    assert np.flatnonzero(changed != hashes).tolist() == list(range(401, 501))


def test_a_block_that_was_pasted_twice():
    whole = people(3)
    whole["p2.csv"].append(cut(whole["p2.csv"][0], slice(103, 603), "p2.csv:1"))  # 10 s from 2 s on
    (one,) = found(whole)
    assert (one.kind, one.where, one.fatal) == (repeats.KIND, "subject 2 (p2.csv)", False)
    assert one.number == pytest.approx(10, abs=2)
    assert one.text.endswith("also stand in subject 2 (p2.csv), from 2 s on, which counts twice")


def test_a_block_of_two_people_leaks_and_a_person_who_is_a_copy_is_refused():
    whole = people(3)
    block = cut(whole["p1.csv"][0], slice(300, 700), "p3.csv:1", subject="3")
    (one,) = found(whole | {"p3.csv": [*whole["p3.csv"], block]})
    assert (one.where, one.fatal) == ("subject 3 (p3.csv)", False)
    assert "also stand in subject 1 (p1.csv), from 6 s on, which leaks from training to test" in one.text
    copied = whole | {"p4.csv": [cut(whole["p1.csv"][0], slice(None), "p4.csv:0", subject="4")]}
    (one,) = found(copied)
    assert (one.where, one.fatal) == ("subject 4 (p4.csv)", True)


def test_a_device_that_lies_still_does_not_repeat_itself():
    still = people(3, p1=times([0] * 6))
    assert [one.kind for one in found(still)] == [channels.DEAD]


def test_a_sketch_that_is_full_keeps_the_same_runs_in_whatever_order(monkeypatch):
    monkeypatch.setattr(sketch, "MOST", 512)
    ones = [recording(str(seed), seed) for seed in range(6)]
    ones.append(cut(ones[0], slice(200, 900), "copy", subject="7"))
    sketches = []
    for order in (ones, ones[::-1]):
        one = sketch.Sketch()
        for each in order:
            one.add("p.csv", each)
        sketches.append(one)
    assert sketches[0].runs().hashes.tolist() == sketches[1].runs().hashes.tolist()
    assert len(sketches[0].runs().hashes) <= 512
    (copy,) = sketches[0].copies()
    assert (copy.one.subject, copy.other.subject) == ("0", "7")
    assert copy.seconds == pytest.approx(14, abs=4)


def test_dead_channels_of_the_same_file_are_named_together():
    (one,) = found(people(3, p2=times([1, 1, 1, 0, 0, 1])))
    assert (one.kind, one.where) == (channels.DEAD, "subject 2 (p2.csv)")
    assert one.text == "gyr_x and gyr_y are always 0: nothing was measured"
    (one,) = found(people(3, **{f"p{i}": times([1, 1, 1, 1, 1, 0]) for i in (1, 2, 3)}))
    assert (one.where, one.remedy) == ("everybody", "leave the channels out")


def test_a_channel_that_ends_at_a_limit():
    clipped = people(3, p1=lambda x: np.clip(x, -10, 10), p2=lambda x: np.clip(x, -10, 10), p3=lambda x: x * 0.5)
    (one,) = found(clipped)
    assert (one.kind, one.where) == (channels.SATURATED, "subjects 1 and 2 (p1.csv and p2.csv)")
    # Class 0 lies at 9.81 with a standard deviation of 1: 0.19 of them above it are 42 %.
    assert one.number == pytest.approx(0.42, abs=0.05)
    assert one.text.startswith("acc_x ends at 10 m/s^2: up to 4")


def test_the_largest_of_few_samples_is_no_limit():
    """Of a class of 50 the one that is the largest of all is 2 %."""
    recordings = people(3)
    (one,) = recordings["p1.csv"]
    one.labels[:50] = 2
    one.x[7, 0] = 99
    assert found(recordings) == []


def test_rows_that_are_all_written_twice():
    (one,) = [o for o in found(people(3, p2=lambda x: np.repeat(x[::2], 2, axis=0))) if o.kind == channels.DOUBLED]
    assert one.where == "subject 2 (p2.csv)"
    assert one.number == pytest.approx(0.5, abs=0.01)
    assert CHANNELS[0] not in one.text
