"""Successive halving whose outcome does not depend on which trial arrives first. Pure functions, no Ray.

At each rung (a number of epochs) the best 1/factor of a group's members go on to the next. ASHA (Li et al. 2020,
https://arxiv.org/abs/1810.05934) decides when a trial arrives, against those that came before, so that with few
candidates the order of arrival decides. Here a trial goes on for as long as it may still be among the best, and is out
as soon as that can no longer be, whatever the others will score. Trials are never paused, and the survivors are the
same in whatever order and at whatever concurrency they ran.
"""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from har_ray.spec.grid import Asha


class Halving(NamedTuple):
    """How a group is cut: at `rungs` (epochs), the best 1/`reduction_factor` go on; without rungs it is not cut."""

    rungs: tuple[int, ...] = ()
    reduction_factor: int = 2

    @classmethod
    def of(cls, asha: Asha | None, candidates: int, epochs: int) -> "Halving":
        """The rule for a group of so many candidates that are trained for `epochs` at most."""
        if asha is None or too_few(candidates, asha.reduction_factor):
            return cls()
        return cls(tuple(rungs(asha.grace_period, asha.reduction_factor, epochs)), asha.reduction_factor)


class Progress(NamedTuple):
    """A candidate's validation scores, one per epoch; `ended`: no more will come; `failed`: they don't count."""

    curve: Sequence[float] = ()
    ended: bool = False
    failed: bool = False

    def knows(self, epochs: int) -> bool:
        return self.ended or self.failed or len(self.curve) >= epochs

    def best(self, epochs: int) -> float:
        """The best score up to an epoch; training that ended earlier keeps its best."""
        return -math.inf if self.failed else max(self.curve[:epochs], default=-math.inf)


def rungs(grace_period: int, reduction_factor: int, epochs: int) -> list[int]:
    """The epochs at which candidates are cut: grace_period · reduction_factor^i, below `epochs`."""
    ends = []
    while grace_period < epochs:
        ends.append(grace_period)
        grace_period *= reduction_factor
    return ends


def too_few(candidates: int, reduction_factor: int) -> bool:
    """Whether a group is too small to trust early scores with the choice of its best: then nothing is cut."""
    return candidates < max(6, 2 * reduction_factor)


def out_at(group: Mapping[str, Progress], halving: Halving) -> dict[str, int]:
    """The candidates that are certain not to survive, and the epoch of the rung that they fail at.

    Args:
        group: all candidates, those that have not started too.

    Example:
        >>> scores = {"a": Progress([0.5]), "b": Progress([0.6]), "c": Progress([0.4]), "d": Progress()}
        >>> out_at(scores, Halving((1,), 2))  # two of four survive; c is beaten twice, whatever d scores
        {'c': 1}
    """
    order = {name: number for number, name in enumerate(group)}
    members = set(group)  # may still take part in this rung
    certain = set(group)  # take part in it, whatever the others will score
    keep = len(group)
    out: dict[str, int] = {}
    for epochs in halving.rungs:
        keep = math.ceil(keep / halving.reduction_factor)
        rank = {n: (-group[n].best(epochs), order[n]) for n in members if group[n].knows(epochs)}
        unknown = len(members) - len(rank)
        lost = {n for n in rank if sum(rank[m] < rank[n] for m in rank if m in certain and m != n) >= keep}
        safe = {n for n in rank if unknown + sum(rank[m] < rank[n] for m in rank) < keep}
        out |= dict.fromkeys(sorted(lost, key=order.__getitem__), epochs)
        members -= lost
        certain &= safe
    return out


class Standing(NamedTuple):
    """How far a candidate came, for comparison; larger is better."""

    rungs_survived: int
    score: float


def standings(group: Mapping[str, Progress], halving: Halving) -> dict[str, Standing]:
    """How each candidate of a finished group stands: by rungs survived, then by its best score up to where it fell.

    What a candidate scored beyond that (because it ran ahead of the others) does not count.
    """
    out = out_at(group, halving)
    standing: dict[str, Standing] = {}
    for name, progress in group.items():
        fell = out.get(name)
        survived = len(halving.rungs) if fell is None else halving.rungs.index(fell)
        standing[name] = Standing(survived, progress.best(fell or len(progress.curve)))
    return standing
