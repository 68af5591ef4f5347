"""Successive halving: outcomes a person can check, the same in every order of arrival."""

import itertools
import random

from har_ray.search.halving import Halving, Progress, out_at, rungs, standings, too_few
from har_ray.spec.grid import Asha


def test_rungs_grow_by_the_factor_and_stay_below_the_end():
    assert rungs(3, 3, 40) == [3, 9, 27]
    assert rungs(3, 3, 27) == [3, 9]
    assert rungs(5, 2, 5) == []


def test_small_groups_are_not_cut():
    assert [too_few(n, 3) for n in (5, 6)] == [True, False]
    assert [too_few(n, 4) for n in (7, 8)] == [True, False]


def test_the_rule_of_a_group_follows_from_its_size_and_the_grid():
    asha = Asha(grace_period=3, reduction_factor=3)
    assert Halving.of(asha, 6, 40) == ((3, 9, 27), 3)
    assert Halving.of(asha, 5, 40).rungs == Halving.of(None, 30, 40).rungs == ()


def test_a_trial_goes_on_until_enough_others_beat_it():
    # 6 candidates, factor 3: two survive the rung at epoch 1.
    group = {name: Progress() for name in "abcdef"}
    group["a"] = Progress([0.5])
    group["b"] = Progress([0.6])
    assert out_at(group, Halving((1,), 3)) == {}
    group["c"] = Progress([0.4])
    assert out_at(group, Halving((1,), 3)) == {"c": 1}
    group["d"] = Progress([0.7])
    assert out_at(group, Halving((1,), 3)) == {"a": 1, "c": 1}


def test_being_beaten_by_one_who_may_fall_earlier_proves_nothing():
    # Rungs at epochs 1 and 2; of 4 two survive the first, one the second. b beats a at the second rung, but whether b
    # gets there depends on c and d.
    group = {"a": Progress([0.9, 0.9]), "b": Progress([0.5, 0.95]), "c": Progress(), "d": Progress()}
    assert out_at(group, Halving((1, 2), 2)) == {}
    group |= {"c": Progress([0.1]), "d": Progress([0.2])}
    assert out_at(group, Halving((1, 2), 2)) == {"c": 1, "d": 1, "a": 2}


def test_failed_and_early_ended_candidates_do_not_block():
    group = {
        "failed": Progress([0.99], ended=True, failed=True),
        "early": Progress([0.8], ended=True),
        "slow": Progress([0.1, 0.2, 0.3]),
        "fast": Progress([0.2, 0.3, 0.9]),
    }
    assert out_at(group, Halving((3,), 2)) == {"failed": 3, "slow": 3}


def test_scores_beyond_the_rung_where_a_candidate_fell_do_not_count():
    group = {"late": Progress([0.1, 0.99], ended=True), "good": Progress([0.5, 0.6], ended=True)}
    found = standings(group, Halving((1,), 2))
    assert found["late"] == (0, 0.1)
    assert found["good"] == (1, 0.6)


def test_the_survivor_is_the_same_in_every_order_and_concurrency():
    rng = random.Random(3)
    for _ in range(30):
        curves = {str(i): [rng.random() for _ in range(12)] for i in range(7)}
        results = {play(curves, [2, 6], 3, rng, slots) for slots in (1, 2, 3, 7) for _ in range(4)}
        assert len(results) == 1


def play(curves, at, factor, rng, slots):
    """Run the candidates in random order on some slots, stopping what is out; who wins?"""
    waiting, seen = list(curves), {name: Progress() for name in curves}
    running: list[str] = []
    rng.shuffle(waiting)
    while waiting or running:
        while waiting and len(running) < slots:
            running.append(waiting.pop())
        name = rng.choice(running)
        curve = curves[name][: len(seen[name].curve) + 1]
        seen[name] = Progress(curve, ended=len(curve) == len(curves[name]))
        if seen[name].ended or name in out_at(seen, Halving(tuple(at), factor)):
            running.remove(name)
            seen[name] = seen[name]._replace(ended=True)
    found = standings(seen, Halving(tuple(at), factor))
    return max(found, key=found.__getitem__), tuple(sorted(found.items()))


def test_it_keeps_what_plain_successive_halving_keeps():
    for scores in itertools.permutations([0.1, 0.2, 0.3, 0.4, 0.5, 0.6]):
        group = {str(i): Progress([s, s, s], ended=True) for i, s in enumerate(scores)}
        out = out_at(group, Halving((1, 2), 2))
        first = sorted(scores)[:3]
        assert {scores[int(n)] for n, e in out.items() if e == 1} == set(first)
        assert {scores[int(n)] for n, e in out.items() if e == 2} == {0.4}
