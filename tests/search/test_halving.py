"""Successive halving by promotion: outcomes a person can check, the same in every order and at every concurrency."""

import itertools
import random

import pytest

from har_ray.search.halving import Fate, Halving, Progress, Standing, decide, rungs
from har_ray.spec.grid import Asha


def one(*curve, ended=False, failed=False):
    """A candidate with one search seed."""
    return Standing((Progress(list(curve), ended, failed),))


def test_rungs_grow_by_the_factor_and_stay_below_the_end():
    assert rungs(3, 3, 40) == [3, 9, 27]
    assert rungs(3, 3, 27) == [3, 9]
    assert rungs(5, 2, 5) == []


def test_the_first_rung_is_a_third_of_the_epochs_unless_the_grid_says_otherwise():
    assert Halving.of(Asha(), 150) == Halving(150, (50,), 3, audit=1)
    assert Halving.of(Asha(), 40).rungs == (14,)
    assert Halving.of(Asha(grace_period=3, reduction_factor=2), 40).rungs == (3, 6, 12, 24)
    assert Halving.of(None, 40) == Halving(40)


def test_the_epochs_of_a_race_are_those_of_synchronous_halving():
    assert Halving(10).epochs_spent(4) == 40
    # Six for one epoch, two of them for two more, one for six more.
    assert Halving(9, (1, 3)).epochs_spent(6) == 6 + 2 * 2 + 6
    assert Halving(9, (1, 3), audit=1).epochs_spent(6) == 6 + 2 * 2 + 6 + 8
    # Training that ends by itself after two epochs.
    assert Halving(9, (1, 3), audit=1).epochs_spent(6, each=2) == 6 + 2 + 0 + 1


def test_a_candidate_goes_on_or_is_cut_as_soon_as_that_is_certain():
    # Of six candidates two survive the rung at epoch 1.
    halving = Halving(9, (1,))
    race = {name: one() for name in "abcdef"}
    race |= {"a": one(0.5), "b": one(0.6)}
    assert set(decide(race, halving).values()) == {Fate(1)}
    race["c"] = one(0.4)
    assert decide(race, halving)["c"] == Fate(1, 1, ends=True)
    race |= {"d": one(0.7), "e": one(0.1)}
    fates = decide(race, halving)
    # d can be beaten by f alone; b by d and by f.
    assert {name: fate.goal for name, fate in fates.items()} == dict.fromkeys("abcef", 1) | {"d": 9}
    assert {name for name, fate in fates.items() if fate.ends} == {"a", "c", "e"}
    race["f"] = one(0.55)
    fates = decide(race, halving)
    assert {name for name, fate in fates.items() if fate.goal == 9} == {"b", "d"}
    assert {name for name, fate in fates.items() if fate.ends} == {"a", "c", "e", "f"}


def test_of_equals_the_first_goes_on():
    fates = decide({"x": one(0.5), "b": one(0.5), "a": one(0.5)}, Halving(9, (1,)))
    assert [fate.goal for fate in fates.values()] == [9, 1, 1]


def test_failed_and_early_ended_candidates_do_not_block():
    race = {
        "failed": one(0.99, ended=True, failed=True),
        "early": one(0.8, ended=True),
        "slow": one(0.1, 0.2, 0.3),
        "fast": one(0.2, 0.3, 0.9),
    }
    fates = decide(race, Halving(9, (3,), 2))
    assert {name: fate.cut_at for name, fate in fates.items()} == {"failed": 3, "early": None, "slow": 3, "fast": None}


def test_search_seeds_advance_together():
    race = {
        "a": Standing((Progress([0.9]), Progress([0.1]))),
        "b": Standing((Progress([0.6]), Progress([0.6]))),
        "c": Standing((Progress([0.2]), Progress())),
    }
    assert [fate.cut_at for fate in decide(race, Halving(9, (1,))).values()] == [1, None, None]
    race["c"] = Standing((Progress([0.2]), Progress([0.2])))
    assert [fate.goal for fate in decide(race, Halving(9, (1,))).values()] == [1, 9, 1]


def test_the_audit_takes_those_cut_whose_hashes_come_first_once_it_is_certain_which_they_are():
    halving = Halving(9, (1,), audit=2)
    race = {"f": one(0.6), "a": one(0.1), "b": one(), "c": one(0.2), "d": one(0.3), "e": one(0.4)}
    fates = decide(race, halving)
    assert fates["a"] == Fate(9, 1)  # cut, and first by name
    assert fates["c"] == Fate(1, 1)  # second or third by name, as b is cut or not
    assert fates["d"] == Fate(1, 1, ends=True)  # third at least
    done = decide(race | {"b": one(0.9)}, halving)
    assert {name for name, fate in done.items() if fate.cut_at and fate.goal == 9} == {"a", "c"}
    assert {name for name, fate in done.items() if fate.ends} == {"d", "e"}
    # Auditing them changes nothing, nor does one that had ended by itself before the rung, of which there is no more.
    audited = race | {"b": one(0.9), "a": one(0.1, 0.99, ended=True)}
    assert decide(audited, halving) == done
    assert decide(audited | {"a": one(0.1, ended=True)}, halving)["d"] == Fate(9, 1)


def test_one_that_was_cut_goes_on_when_a_better_one_fails():
    race = {"a": one(0.5), "b": one(0.4), "c": one(0.3)}
    assert [fate.ends for fate in decide(race, Halving(9, (1,))).values()] == [False, True, True]
    race["a"] = one(0.5, failed=True)
    assert [fate.goal for fate in decide(race, Halving(9, (1,))).values()] == [1, 9, 1]


class Play:
    """Candidates with known curves on some slots, taken in random order; what each was trained for."""

    def __init__(self, curves, halving, slots, seed):
        rng = random.Random(seed)
        self.race = {name: one() for name in curves}
        waiting = list(curves)
        running: list[str] = []
        while waiting or running:
            rng.shuffle(waiting)
            while waiting and len(running) < slots:
                running.append(waiting.pop())
            name = rng.choice(running)
            curve = curves[name][: len(self.race[name].cells[0].curve) + 1]
            self.race[name] = one(*curve, ended=len(curve) == len(curves[name]))
            fates = decide(self.race, halving)
            if len(curve) >= fates[name].goal:
                running.remove(name)
            waiting = [
                other
                for other, fate in fates.items()
                if other not in running
                and not self.race[other].finished
                and len(self.race[other].cells[0].curve) < fate.goal
            ]

    @property
    def epochs(self):
        return sum(len(standing.cells[0].curve) for standing in self.race.values())

    @property
    def ends(self):
        return {name: len(standing.cells[0].curve) for name, standing in self.race.items()}


@pytest.mark.parametrize("audit", [0, 2])
def test_survivors_and_epochs_are_those_of_synchronous_halving_in_every_order_and_concurrency(audit):
    rng = random.Random(3)
    halving = Halving(300, (10, 30, 90, 270), 3, audit)
    curves = {f"{i:02}": [rng.random() for _ in range(300)] for i in range(30)}
    plays = [Play(curves, halving, slots, seed) for slots in (1, 2, 4, 8, 30) for seed in (0, 1)]
    assert all(play.ends == plays[0].ends for play in plays)
    # 30 · 10 + 10 · 20 + 4 · 60 + 2 · 180 + 1 · 30, and two that are trained to the end though they were cut.
    cut_at = [fate.cut_at for fate in decide(plays[0].race, halving).values() if fate.cut_at and fate.goal == 300]
    assert len(cut_at) == audit
    assert plays[0].epochs == 1130 + sum(300 - rung for rung in cut_at)


def test_it_keeps_what_plain_successive_halving_keeps():
    for scores in itertools.permutations([0.1, 0.2, 0.3, 0.4, 0.5, 0.6]):
        race = {str(i): one(s, s, s, ended=True) for i, s in enumerate(scores)}
        cut = {scores[int(name)]: fate.cut_at for name, fate in decide(race, Halving(3, (1, 2), 2)).items()}
        assert cut == {0.1: 1, 0.2: 1, 0.3: 1, 0.4: 2, 0.5: None, 0.6: None}
