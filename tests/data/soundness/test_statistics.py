"""Sums over samples, however recordings are cut."""

import numpy as np

from har_ray.data.dataset import Recording
from har_ray.data.soundness.statistics import Gathered
from tests.data.soundness.people import CHANNELS, recording


def test_sums_that_a_person_can_check():
    x = np.array([[3, 4], [3, 4], [0, -1]], dtype=np.float32)
    gathered = Gathered(("a", "b"))
    gathered.add("p1.csv", Recording("p1.csv:0", "1", x, np.zeros(3, np.int16), 10.0))
    (part,) = gathered.parts.values()
    assert (part.samples, part.repeated) == (3, 1)
    np.testing.assert_allclose([part.mean, part.variance], [[2, 7 / 3], [2, 50 / 9]])
    assert (part.lowest.tolist(), part.highest.tolist()) == ([0, -1], [3, 4])
    assert (part.at_lowest.tolist(), part.at_highest.tolist()) == ([1, 1], [2, 2])
    assert part.norms.size == 0  # there is no sensor with three axes


def test_statistics_do_not_depend_on_how_recordings_are_cut_or_joined():
    whole, halves, others = (Gathered(CHANNELS) for _ in range(3))
    one = recording("1", 1)
    whole.add("p1.csv", one)
    cut = [Recording("a", "1", one.x[rows], one.labels[rows], 50.0) for rows in (slice(0, 700), slice(700, 1000))]
    halves.add("p1.csv", cut[0])
    others.add("p1.csv", cut[1])
    halves.join(others)
    assert whole.parts.keys() == halves.parts.keys() == {("p1.csv", "1", 0), ("p1.csv", "1", 1)}
    for key, part in whole.parts.items():
        for name in ("samples", "total", "squares", "lowest", "highest", "at_lowest", "at_highest", "norms"):
            np.testing.assert_allclose(getattr(part, name), getattr(halves.parts[key], name), rtol=1e-12)
    norms = np.linalg.norm(one.x[:500, :3].astype(np.float64), axis=1)
    np.testing.assert_allclose(whole.parts["p1.csv", "1", 0].norms[0], norms.sum(), rtol=1e-6)
