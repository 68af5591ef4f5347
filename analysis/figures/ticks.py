"""Ticks of a logarithmic axis: round numbers, as many as have room beside each other."""

from collections.abc import Callable, Iterator, Sequence
from math import ceil, floor, log10

import numpy as np
from matplotlib.axis import Axis
from matplotlib.ticker import Locator, LogLocator, MaxNLocator

from har_ray.figures import SMALL
from har_ray.metrics import Floats

LETTER = 0.65
"""Width of a digit, in sizes of type; measured with DejaVu Sans."""
GAP = 1.5
"""Between two numbers, in digits."""
MOST = 5
"""Ticks within a decade."""


class RoundTicks(Locator):
    """The first of several ways, from dense to sparse, to set two ticks or more whose labels do not touch.

    matplotlib's own counts ticks, not what their labels take: `350 k`, `400 k`, … of a narrow panel lie on each other.

    Args:
        label: what is written at a value.
    """

    def __init__(self, label: Callable[[float], str]) -> None:
        self.label = label

    def __call__(self) -> Sequence[float]:
        assert isinstance(self.axis, Axis)
        return self.tick_values(*self.axis.get_view_interval())

    def tick_values(self, vmin: float, vmax: float) -> Sequence[float]:
        """Of an axis from `vmin` to `vmax`, both above 0; fewer than two only where nothing else has room."""
        fewest: list[float] = []
        for ticks in _ways(vmin, vmax):
            shown = [float(tick) for tick in ticks if vmin <= tick <= vmax]
            if len(shown) >= 2 and self._has_room(np.array(shown), vmin, vmax):
                return shown
            fewest = shown or fewest
        return fewest[:1]

    def _has_room(self, ticks: Floats, vmin: float, vmax: float) -> bool:
        """Whether no label reaches the next, each around its tick."""
        assert isinstance(self.axis, Axis)
        box = self.axis.axes.get_window_extent()
        points = 72 * box.width / self.axis.axes.figure.dpi
        at = points * np.log(ticks / vmin) / np.log(vmax / vmin)
        widths = LETTER * SMALL * (np.array([len(self.label(tick)) for tick in ticks]) + GAP)
        return bool((np.diff(at) >= (widths[:-1] + widths[1:]) / 2).all())


def _ways(low: float, high: float) -> Iterator[Floats]:
    """1, 2, 5, 10, …; powers of ten; 1, 3, 10, …; powers of ten further apart; the two ends; steps of one size."""
    yield (dense := _digits(low, high, 1, 2, 5))
    yield _digits(low, high, 1)
    yield _digits(low, high, 1, 3)
    for count in range(int(log10(high / low)) + 1, 1, -1):
        yield np.asarray(LogLocator(numticks=count).tick_values(low, high))
    yield np.unique([*dense[:1], *dense[-1:]])
    for count in range(MOST, 0, -1):
        yield np.asarray(MaxNLocator(count, steps=[1, 2, 5, 10]).tick_values(low, high))


def _digits(low: float, high: float, *digits: int) -> Floats:
    """Those times each power of ten, within an axis."""
    powers = range(floor(log10(low)), ceil(log10(high)) + 1)
    return np.array([tick for power in powers for digit in digits if low <= (tick := digit * 10.0**power) <= high])
