"""Successive halving by promotion, whose outcome depends on neither order nor concurrency. Pure functions, no Ray.

At each rung (a number of epochs) the best 1/factor of a group's candidates go on. As in ASHA (Li et al. 2020,
https://arxiv.org/abs/1810.05934) a candidate pauses at a rung and is promoted when others have reached it; but while
ASHA promotes whoever is ahead of those seen so far, here one goes on only when it is certain to be among the best,
whatever the others will score, and is cut only when it is certain not to be. So the survivors are those of synchronous
halving (Jamieson and Talwalkar 2016, https://arxiv.org/abs/1502.07943), and so are the epochs spent.

Some of the cut candidates are trained to their end all the same, the audit, which measures what cutting cost.
"""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from har_ray.spec.grid import Asha


class Halving(NamedTuple):
    """How a group is cut: at `rungs` (epochs) the best 1/`reduction_factor` go on; without rungs it is not cut.

    Attributes:
        epochs: the end of training.
        audit: how many of the candidates that were cut are trained to their end.
    """

    epochs: int
    rungs: tuple[int, ...] = ()
    reduction_factor: int = 3
    audit: int = 0

    @classmethod
    def of(cls, asha: Asha | None, epochs: int) -> "Halving":
        """The rule of a grid whose cells are trained for `epochs` at most."""
        if asha is None:
            return cls(epochs)
        first = asha.grace_period or -(-epochs // 3)
        return cls(epochs, tuple(rungs(first, asha.reduction_factor, epochs)), asha.reduction_factor, asha.audit)

    @property
    def goals(self) -> tuple[int, ...]:
        """The rungs and the end."""
        return (*self.rungs, self.epochs)

    def members(self, candidates: int) -> list[int]:
        """How many of so many candidates train towards each of `goals`."""
        counts = [candidates]
        for _ in self.rungs:
            counts.append(math.ceil(counts[-1] / self.reduction_factor))
        return counts

    def epochs_spent(self, candidates: int, each: int | None = None) -> int:
        """The epochs that a group of so many candidates takes, its audit included.

        Args:
            each: the epochs after which a candidate ends by itself; the end of training unless given.

        Example:
            >>> Halving(9, (3,), 3).epochs_spent(6)  # six for 3 epochs, two of them for 6 more
            30
        """
        spent, last = 0, 0
        members = self.members(candidates)
        for count, goal in zip(members, self.goals, strict=True):
            goal = min(goal, each or goal)
            spent, last = spent + count * (goal - last), goal
        cut = candidates - members[-1]
        return spent + min(self.audit, cut) * (last - min(self.goals[0], last))


class Progress(NamedTuple):
    """A cell's validation scores, one per epoch; `ended`: training is over; `failed`: the scores don't count."""

    curve: Sequence[float] = ()
    ended: bool = False
    failed: bool = False


class Standing(NamedTuple):
    """How a candidate stands: its cells, one for each search seed, which advance together."""

    cells: tuple[Progress, ...]

    @property
    def failed(self) -> bool:
        return any(cell.failed for cell in self.cells)

    @property
    def finished(self) -> bool:
        """All its cells have been trained to their end."""
        return all(cell.ended and not cell.failed for cell in self.cells)

    def knows(self, epochs: int) -> bool:
        """Whether its score at a rung is known."""
        return self.failed or all(cell.ended or len(cell.curve) >= epochs for cell in self.cells)

    def score(self, epochs: int | None = None) -> float:
        """The mean over its cells of the best score, up to an epoch or of all; training that ended keeps its best."""
        if self.failed:
            return -math.inf
        return sum(max(cell.curve[:epochs], default=-math.inf) for cell in self.cells) / len(self.cells)

    def goes_beyond(self, epochs: int) -> bool:
        """Whether there is, or may be, more of it than these epochs show."""
        return not self.failed and any(not cell.ended or len(cell.curve) > epochs for cell in self.cells)


Race = Mapping[str, Standing]
"""The candidates of a group by name, those that have not started too; a name is a hash."""


class Fate(NamedTuple):
    """What is certain of a candidate.

    Attributes:
        goal: the epochs that it is to be trained for; more may follow unless it `ends` there.
        cut_at: the rung that it does not survive, None as long as it may.
        ends: it was cut and is not part of the audit.
    """

    goal: int
    cut_at: int | None = None
    ends: bool = False


def rungs(grace_period: int, reduction_factor: int, epochs: int) -> list[int]:
    """The epochs at which candidates are cut: grace_period · reduction_factor^i, below `epochs`."""
    ends = []
    while grace_period < epochs:
        ends.append(grace_period)
        grace_period *= reduction_factor
    return ends


def decide(race: Race, halving: Halving) -> dict[str, Fate]:
    """What is certain of each candidate, whatever the scores will be that are not known yet.

    Example:
        >>> race = {name: Standing((Progress(curve),)) for name, curve in {"a": [0.5], "b": [0.4], "c": []}.items()}
        >>> [name for name, fate in decide(race, Halving(9, (1,), 3)).items() if fate.ends]  # one of three goes on
        ['b']
    """
    order = {name: number for number, name in enumerate(race)}
    fates = dict.fromkeys(race, Fate(halving.goals[0]))
    members, counts = list(race), halving.members(len(race))
    for rung, beyond, count, keep in zip(halving.rungs, halving.goals[1:], counts, counts[1:], strict=False):
        known = [name for name in members if race[name].knows(rung)]
        known.sort(key=lambda name, rung=rung: (-race[name].score(rung), order[name]))  # type: ignore[misc]
        unknown = count - len(known)
        members = known[: max(0, keep - unknown)]
        fates |= dict.fromkeys(members, Fate(beyond))
        fates |= dict.fromkeys(known[keep:], Fate(rung, rung))
    return fates | _audited(race, fates, halving)


def _audited(race: Race, fates: Mapping[str, Fate], halving: Halving) -> dict[str, Fate]:
    """The fates of those that were cut.

    Of those cut at the first rung the first by name are audited, which is to say any, as names are hashes. The first
    rung, since most are cut there, and since it is then known early.
    """
    found: dict[str, Fate] = {}
    cut = undecided = 0  # among those before in this order
    for name in sorted(race, key=lambda name: (fates[name].goal, name)):
        goal, cut_at, _ = fates[name]
        if cut_at is not None and race[name].goes_beyond(cut_at):
            if cut + undecided < halving.audit:
                found[name] = Fate(halving.epochs, cut_at)
            else:
                found[name] = Fate(goal, cut_at, ends=cut >= halving.audit)
            cut += 1
        elif cut_at is not None:
            found[name] = Fate(goal, cut_at, ends=True)
        elif goal < halving.epochs and race[name].goes_beyond(goal):
            undecided += 1
    return found
