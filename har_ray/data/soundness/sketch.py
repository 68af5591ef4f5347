"""Which stretches of recordings are the same, sample for sample.

Rows are hashed, and so is each run of consecutive rows. Of these hashes only the smallest are kept, so that both copies
of a run keep the same ones wherever they begin, and memory stays flat: a bottom-k sketch (Broder 1997,
https://doi.org/10.1109/SEQUEN.1997.666900). Runs in which hardly anything changes are left out, since a device that
lies still repeats itself.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from har_ray.data.dataset import Recording

Hashes = npt.NDArray[np.uint64]

RUN_S = 2.0
"""How long a run is: as long as a usual window, so that whatever doubles a window is found."""
CHANGING = 0.5
"""The part of a run's rows that must differ from the row before: two equal runs of 100 such rows are no chance."""
EVERY = 8
"""One run in so many is kept at first."""
MOST = 1 << 18
"""How many runs are kept at most, of all recordings: 8 MiB. A longer dataset keeps fewer, evenly."""
_SEED = 2026


class Runs(NamedTuple):
    """Hashes of runs, ascending; which recording each is in, and the row that it begins with; all `[n]`."""

    hashes: Hashes
    recording: npt.NDArray[np.int64]
    row: npt.NDArray[np.int64]


NO_RUNS = Runs(np.empty(0, np.uint64), np.empty(0, np.int64), np.empty(0, np.int64))


@dataclass(frozen=True)
class Origin:
    """A recording that runs are of."""

    source: str
    subject: str
    name: str
    rows: int
    rate_hz: float


@dataclass
class Sketch:
    """Runs of recordings, the same of equal ones; `pending` are yet to be sorted in."""

    origins: list[Origin] = field(default_factory=list)
    pending: list[Runs] = field(default_factory=list)
    limit: int = (1 << 64) // EVERY

    def add(self, source: str, recording: Recording) -> None:
        hashes, rows = hashes_of(recording.x, round(RUN_S * recording.rate_hz))
        kept = hashes < np.uint64(self.limit)
        at = np.full(int(kept.sum()), len(self.origins), dtype=np.int64)
        self.origins.append(Origin(source, recording.subject, recording.name, len(recording.x), recording.rate_hz))
        self._take(Runs(hashes[kept], at, rows[kept]))

    def join(self, other: "Sketch") -> None:
        """Take in the runs of other recordings."""
        runs = other.runs()
        moved = runs._replace(recording=runs.recording + len(self.origins))
        self.origins += other.origins
        self.limit = min(self.limit, other.limit)
        self._take(moved)

    def _take(self, runs: Runs) -> None:
        self.pending.append(runs)
        if sum(len(one.hashes) for one in self.pending) > 2 * MOST:
            self.runs()

    def runs(self) -> Runs:
        """Those that are kept, in order."""
        parts = [NO_RUNS, *self.pending]
        joined = Runs(
            np.concatenate([part.hashes for part in parts]),
            np.concatenate([part.recording for part in parts]),
            np.concatenate([part.row for part in parts]),
        )
        order = np.lexsort((joined.row, joined.recording, joined.hashes))
        if len(order) > MOST:
            self.limit = min(self.limit, int(joined.hashes[order[MOST]]))
        order = order[joined.hashes[order] < np.uint64(self.limit)]
        kept = Runs(joined.hashes[order], joined.recording[order], joined.row[order])
        self.pending = [kept]
        return kept

    def copies(self) -> Iterator["Copy"]:
        """Each pair of recordings, or recording by itself, that shares runs; most shared first."""
        hashes, recording, row = self.runs()
        first = np.searchsorted(hashes, hashes)  # the first of equal runs
        later = np.flatnonzero(first < np.arange(len(hashes)))
        pairs = np.stack([recording[first[later]], recording[later]], axis=1)
        found = []
        for pair in np.unique(pairs, axis=0):
            of_pair = later[(pairs == pair).all(axis=1)]
            begins = [int(row[at].min()) for at in (first[of_pair], of_pair)]
            one, other = (self.origins[int(i)] for i in pair)
            run = round(RUN_S * other.rate_hz)
            rows = min(round(len(of_pair) * (1 << 64) / self.limit), int(np.ptp(row[of_pair])) + run)
            found.append(Copy(one, other, begins[0] / one.rate_hz, begins[1] / other.rate_hz, rows / other.rate_hz))
        yield from sorted(found, key=lambda copy: -copy.seconds)


class Copy(NamedTuple):
    """What stands in `other`, from `at_other_s` on, stood in `one` before, from `at_one_s` on, for about `seconds`."""

    one: Origin
    other: Origin
    at_one_s: float
    at_other_s: float
    seconds: float


def hashes_of(x: npt.NDArray[np.float32], length: int) -> tuple[Hashes, npt.NDArray[np.int64]]:
    """Of the runs of `length` rows of x `[n, C]` that change: their hashes, and the row that each begins with.

    All arithmetic is modulo 2^64: a row is the sum of its values' bits times random odd numbers, a run the sum of its
    rows times powers of another, found from sums up to a row.
    """
    n = len(x)
    if n < length or length < 2:  # where readings are seconds apart, a run of one says nothing
        return np.empty(0, np.uint64), np.empty(0, np.int64)
    rng = np.random.default_rng(_SEED)
    odd = rng.integers(0, 1 << 63, x.shape[1] + 1, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
    bits = np.ascontiguousarray(x + np.float32(0)).view(np.uint32)  # -0 and 0 are equal
    rows = _mixed((bits * odd[:-1]).sum(axis=1, dtype=np.uint64))
    powers = np.cumprod(np.full(n, odd[-1], dtype=np.uint64))
    back = np.cumprod(np.full(n, pow(int(odd[-1]), -1, 1 << 64), dtype=np.uint64))
    before = np.concatenate([np.zeros(1, np.uint64), np.cumsum(rows * powers)])
    hashes = _mixed((before[length:] - before[:-length]) * back[: n - length + 1])
    changed = np.concatenate([[0, 0], np.cumsum((x[1:] != x[:-1]).any(axis=1))])
    changing = np.flatnonzero(changed[length:] - changed[1 : n - length + 2] >= CHANGING * (length - 1))
    return hashes[changing], changing


def _mixed(values: Hashes) -> Hashes:
    """Every bit made to depend on every other: the end of SplitMix64 (https://doi.org/10.1145/2660193.2660195)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
