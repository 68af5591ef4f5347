"""How long a grid will still take, from how long its cells have taken so far."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

Kind = tuple[str, str]
"""Stage and variant: cells of a kind take about the same time."""


class Running(NamedTuple):
    """A cell that runs.

    Attributes:
        kind: its stage and variant.
        seconds: for how long.
        share: the part of all its epochs that is done.
    """

    kind: Kind
    seconds: float
    share: float


class TimeLeft:
    """Learns from every cell that ends how long those of its kind take.

    Example:
        >>> left = TimeLeft()
        >>> left.ended(("confirm", "LM"), 10.0)
        >>> left.seconds({("confirm", "LM"): 6}, [Running(("confirm", "LM"), 4.0, 0.4)] * 2)
        36.0
    """

    def __init__(self) -> None:
        self._sums: dict[Kind, tuple[float, int]] = {}  # seconds of the cells that ended, and their number
        self._slots = 1

    def ended(self, kind: Kind, seconds: float) -> None:
        total, count = self._sums.get(kind, (0.0, 0))
        self._sums[kind] = (total + seconds, count + 1)

    def seconds(self, waiting: Mapping[Kind, float], running: Sequence[Running]) -> float | None:
        """Until the last cell ends: all that is left, on as many slots as have been seen busy at once, and no less than
        the longest of the cells that run. None while too little is known.

        Args:
            waiting: how many cells of each kind do not run, of one that has paused the part that is left.
            running: those that do.
        """
        self._slots = max(self._slots, len(running))
        wholes = {kind: self._whole(kind, running) for kind in {*waiting, *(cell.kind for cell in running)}}
        rests = [_rest(cell, wholes[cell.kind]) for cell in running]
        others = [None if (whole := wholes[kind]) is None else whole * count for kind, count in waiting.items()]
        known = [rest for rest in (*rests, *others) if rest is not None]
        if len(known) < len(rests) + len(others):
            return None
        return max([sum(known) / self._slots, *known[: len(rests)]])

    def _whole(self, kind: Kind, running: Iterable[Running]) -> float | None:
        """What a cell of a kind takes: as those that ended, else those that run, else those of its variant that ended,
        else any that did."""
        if kind in self._sums:
            return self._mean([kind])
        paces = [cell.seconds / cell.share for cell in running if cell.kind == kind and cell.share]
        if paces:
            return sum(paces) / len(paces)
        alike = [known for known in self._sums if known[1] == kind[1]]
        return self._mean(alike or list(self._sums))

    def _mean(self, kinds: Sequence[Kind]) -> float | None:
        sums = [self._sums[kind] for kind in kinds]
        return sum(total for total, _ in sums) / sum(count for _, count in sums) if sums else None


def _rest(cell: Running, whole: float | None) -> float | None:
    """What is left of a cell that runs. Most end before their last epoch, so that those that ended tell more than its
    own pace; what has taken longer than they did has its own pace left."""
    own = cell.seconds * (1 - cell.share) / cell.share if cell.share else None
    if whole is None:
        return own
    if cell.seconds < whole:
        return min(whole - cell.seconds, math.inf if own is None else own)
    return own or 0.0
