"""What the steps between time stamps say: the rate, and what is wrong where they do not come at one."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from har_ray.data.dataset import Wander
from har_ray.data.own.timing import DAY_S, UNITS_PER_S, Time

Numbers = npt.NDArray[np.float64]

MAX_STEPS = 3.5
"""A leap of time over this many sampling periods begins a new recording. Up to two lost samples, with half a period of
jitter, shift a window by 40 ms at 50 Hz, and no label is that exact; after more, what follows is no continuation."""
RATE_TOLERANCE = 0.05
"""Windows of 2 s that are 0.1 s off remain comparable; a wrong unit or a doubled rate is far outside."""
WANDERING_S = 10
"""A rate wanders where that over so many seconds is more than `RATE_TOLERANCE` off that of the whole."""
DISORDER = 0.01
"""With more rows out of order than this, hardly a window is left."""
SHARED = 0.45
"""Of the steps, how many are 0 where stamps are shared: half of them, of two by two rows."""
SKIPPED = 1.5
LOST = 0.03
"""Steps longer than `SKIPPED` usual ones are of lost samples if they are so few; more are of a clock that ticks slowly.
Who takes one for the other is off by no more than that."""
UNEVEN = 0.1
IN_TURN = 0.25
MOST_DEVICES = 6
"""Steps that vary by more than `UNEVEN` of their mean come in turns where those over a whole turn vary less, by
`IN_TURN`; jitter by itself would make both vary alike."""
NO_LEAPS = 0.99
"""So many steps are no leaps from one recording to the next."""
HOUR_S = 3600
DIGITS = 3
"""A rate that is found is rounded to so many, by at most half a hundredth: 99.96 Hz are 100."""


class Steps(NamedTuple):
    """Time stamps in seconds `[n]` in the order of rows, and what they should be.

    Attributes:
        time: what the descriptor says of them.
        rate_hz: samples per second; None where stamps tell it.
        copied: of rows that share the stamp of the one before, how many hold the same values; 0 to 1.
        local: whether stamps are dates and times of a clock whose zone is not known.
        numbers: whether they are numbers.
        even: whether they must come at one rate.
    """

    t: Numbers
    time: Time
    rate_hz: float | None
    copied: float = 0
    local: bool = False
    numbers: bool = True
    even: bool = True

    @property
    def steps(self) -> Numbers:
        return np.diff(self.t)

    def fault(self) -> str | None:
        """The first thing that is wrong, with the key that mends it; or None."""
        steps = self.steps
        found = rate_of(self.t, self.rate_hz)
        if not len(steps) or len(steps) < (self.rate_hz or found or 0):
            return None  # less than a second says little about a rate
        return next(self._faults(steps, found), None)

    def _faults(self, steps: Numbers, found: float | None) -> Iterator[str]:
        name, n = self.time.name, len(steps)
        back = steps < 0
        if back.sum() > n / 2:
            yield f"{name} runs backwards at {back.sum()} of {n} rows; sort them by time"
        if found is None:
            yield f"{name} does not advance: all stamps are as the first"
            return
        shared = self.are_shared
        rows = round(float(np.median(np.diff(np.flatnonzero(np.diff(self.t, prepend=np.nan, append=np.nan) != 0)))))
        if shared and self.copied > 1 - DISORDER:
            yield f"{rows} rows share each stamp of {name}, with the same values; leave out the copies"
        usual = _usual(steps)
        rate_hz = self.rate_hz or found
        if shared and usual * rate_hz > MAX_STEPS:
            yield f"{rows} rows share each stamp of {name}; time: {{packets: true}} spreads them"
        if late_s := self.disorder_s():
            yield (
                f"{name} runs backwards at {back.sum():,} of {n:,} rows, by at most {late_s:.4g} s; "
                f"time: {{disorder_s: {_rounded_up(late_s):g}}} sorts rows that come so late"
            )
        if abs(found / rate_hz - 1) > RATE_TOLERANCE and not _reaches(wander_of(self.t, found), rate_hz):
            yield self._other_rate(found, rate_hz)
        if self.local and (np.abs(np.abs(np.abs(steps) - HOUR_S) - 1 / rate_hz) < MAX_STEPS / rate_hz).any():
            yield (
                f"{name} leaps by an hour, as clocks do that change; "
                "time: {zone: ...} (e.g. Europe/Oslo) says which do, and time goes on"
            )
        if not self.even:
            return
        if not shared and (devices := _in_turn(self.t, 1 / rate_hz)) is not None:
            yield (
                f"{name} advances by steps that come in turns of {devices}, as if rows of {devices} devices were "
                "interleaved; recording: {column: ...} says whose each is; if all are of one, put files, time and "
                "channels under sources: {any_name: ...}, which takes values at even intervals; if of several sensors, "
                "rows: {column: ..., value: ...} of each source"
            )

    @property
    def are_shared(self) -> bool:
        """Whether most stamps are those of several rows."""
        return bool((self.steps == 0).sum() >= SHARED * len(self.steps))

    def disorder_s(self) -> float | None:
        """How late rows come, if many do and sorting them makes time advance; None where it begins again, from trial to
        trial.
        """
        steps = self.steps
        if (steps < 0).sum() <= DISORDER * len(steps):
            return None
        late = float((np.maximum.accumulate(self.t) - self.t).max())
        sorted_steps = np.diff(np.sort(self.t))
        advances = (sorted_steps == 0).sum() <= (steps == 0).sum() + DISORDER * len(steps)
        return late if advances else None

    def _other_rate(self, found: float, rate_hz: float) -> str:
        fault = f"{self.time.name} says {found:.4g} Hz, rate_hz is {rate_hz:g}"
        if self.numbers:
            for unit, per_s in UNITS_PER_S.items():
                if abs(rate_hz / (found * self.time.count_s * per_s) - 1) <= RATE_TOLERANCE:
                    return f"{fault}; they agree if the unit is {unit}, not {self.time.unit}"
            if abs(rate_hz / (found * self.time.count_s / DAY_S) - 1) <= RATE_TOLERANCE:
                return f"{fault}; they agree if stamps count days: time: {{format: excel}}"
        unit = f", or a unit other than {self.time.unit}" if self.numbers else ""
        times = round(found / rate_hz)
        several = times > 1 and abs(found / rate_hz / times - 1) <= RATE_TOLERANCE
        return (
            f"{fault}; over {100 * RATE_TOLERANCE:.0f} % apart; set rate_hz to the rate found{unit}, "
            "or to auto where every file has its own"
            + f"; or are these rows of {times} devices, interleaved? (recording: says whose each is)"
            * several
        )


def rate_of(t: Numbers, expected_hz: float | None = None) -> float | None:
    """Samples per second by their stamps `[n]`, leaps left out; None where time does not advance."""
    steps = np.diff(t)
    ahead = steps[steps > 0]
    if not len(ahead):
        return None
    # The mean, not the median: stamps in whole milliseconds have no step of the right length.
    # Stamps of packets have mostly steps of 0, stamps in bursts mostly small ones.
    most = steps[(steps >= 0) & (steps <= np.quantile(steps, NO_LEAPS))]
    usual = max(float(np.median(ahead)), float(most.mean()) if len(most) else 0.0)
    kept = steps[(steps >= 0) & (steps <= MAX_STEPS * max(usual, 1 / expected_hz if expected_hz else 0.0))]
    passed = kept < SKIPPED * usual
    return 1 / float((kept[passed] if passed.mean() > 1 - LOST else kept).mean())


def rounded(rate_hz: float) -> float:
    """
    Example:
        >>> rounded(77.4512)
        77.5
    """
    return float(f"{rate_hz:.{DIGITS}g}")


def wander_of(t: Numbers, rate_hz: float) -> Wander | None:
    """How stamps in seconds `[n]`, at about `rate_hz`, go off their rate, if they do; leaps and steps back left out.

    Example:
        >>> wander_of(np.append(np.arange(900) / 45, 20 + np.arange(1100) / 55), 50)
        Wander(slowest_hz=45.0, fastest_hz=55.0, at_s=20.0)
    """
    steps = np.diff(t)
    kept = np.flatnonzero((steps >= 0) & (steps <= MAX_STEPS * max(_usual(steps), 1 / rate_hz)))
    size = max(1, round(WANDERING_S * rate_hz))
    blocks = [block for block in np.array_split(kept, max(1, len(kept) // size)) if steps[block].any()]
    rates = np.array([1 / steps[block].mean() for block in blocks])
    if not len(rates) or np.abs(rates * steps[kept].mean() - 1).max() <= RATE_TOLERANCE:
        return None
    # Where the sum of what steps are off their mean is largest: the change point of Page (1954, doi 10.2307/2333009).
    change = kept[np.abs(np.cumsum(steps[kept] - steps[kept].mean())).argmax()] + 1
    return Wander(float(rates.min()), float(rates.max()), float(steps[kept[kept < change]].sum()))


def _usual(steps: Numbers) -> float:
    ahead = steps[steps > 0]
    return float(np.median(ahead)) if len(ahead) else 0.0


def _reaches(wander: Wander | None, rate_hz: float) -> bool:
    """Whether it goes as far as another rate."""
    if wander is None:
        return False
    return wander.slowest_hz * (1 - RATE_TOLERANCE) <= rate_hz <= wander.fastest_hz * (1 + RATE_TOLERANCE)


def _in_turn(t: Numbers, period: float) -> int | None:
    """How many devices seem to take turns: steps differ, but not those from each device's row to its next."""
    varying = _variation(np.diff(t), period, period)
    ticks = np.unique(np.round(t[: 100 * MOST_DEVICES] * 1e6).astype(np.int64))
    tick_s = float(np.gcd.reduce(np.diff(ticks))) / 1e6 if len(ticks) > 1 else 0.0
    if varying <= max(UNEVEN * period, tick_s):
        return None  # no more than jitter, or a clock that ticks slowly
    for devices in range(2, MOST_DEVICES + 1):
        if _variation(t[devices:] - t[:-devices], devices * period, period) < IN_TURN * varying:
            return devices
    return None


def _variation(steps: Numbers, usual: float, period: float) -> float:
    """The standard deviation of steps that are no leaps."""
    kept = steps[np.abs(steps - usual) <= MAX_STEPS * period]
    return float(kept.std()) if len(kept) else 0.0


def _rounded_up(seconds: float) -> float:
    """To two digits."""
    scale = 10.0 ** (np.floor(np.log10(seconds)) - 1)
    return float(np.ceil(seconds / scale - 1e-9) * scale)
