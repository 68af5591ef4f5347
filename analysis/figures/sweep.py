"""Rate and window: test score of the settings of a sweep against what they cost per second of wear."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from analysis.figures.bubble import short_count
from analysis.sweep import Point, Sweep
from har_ray.figures import INK

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
"""By window; distinct with every common colour blindness (Okabe and Ito 2008, jfly.uni-koeln.de/color)."""
MARKS = "osD^vP"
PLACES = ((7, -12), (-8, 8), (7, 8), (-8, -12))
"""Of a point's rate, in points from it, by window: lines that lie on each other have theirs on different sides."""


def sweep_figure(sweep: Sweep) -> Figure:
    """A line for each window, a point for each rate; the best by validation and the cheapest that is good enough."""
    figure = Figure(figsize=(8.6, 5.0), layout="constrained")
    axes = figure.add_subplot()
    axes.set_title(f"Rate and window: {sweep.title}")
    axes.set_xlabel("multiply-adds per second of wear, one window after the other")
    axes.set_ylabel("test macro F1 per subject (%), 95 % interval")
    axes.set_xscale("log")
    low, high = (of(point.macs_per_s for point in sweep.points) for of in (min, max))
    room = max((high / low) ** 0.08, 1.2)
    axes.set_xlim(low / room, high * room)
    axes.grid(axis="y")
    windows = sorted({point.window_s for point in sweep.points})
    for number, window_s in enumerate(windows):
        line = [point for point in sweep.points if point.window_s == window_s]
        _line(axes, sorted(line, key=lambda point: point.rate_hz), number)
    for point, name, mark in ((sweep.best, "best by validation", "o"), (sweep.cheapest, "cheapest, good enough", "s")):
        if point is not None:
            at = ([point.macs_per_s], [_score(point)])
            axes.scatter(
                *at, s=210, marker=mark, facecolors="none", edgecolors=INK, linewidths=1.4, zorder=5, label=name
            )
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: short_count(value)))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.legend(loc="lower right", fontsize=8.5, labelspacing=0.9)
    return figure


def _score(point: Point) -> float:
    return 100 * float(point.result.by_subject().mean())


def _line(axes: Axes, line: list[Point], number: int) -> None:
    colour, mark = COLOURS[number % len(COLOURS)], MARKS[number % len(MARKS)]
    costs, scores = [point.macs_per_s for point in line], [_score(point) for point in line]
    axes.plot(costs, scores, mark + "-", color=colour, markersize=5, label=f"windows of {line[0].window_s:g} s")
    for point, cost, score in zip(line, costs, scores, strict=True):
        found = point.result.per_subject()
        if found is not None:
            ends = [[score - 100 * max(found.low, 0.0)], [100 * min(found.high, 1.0) - score]]
            axes.errorbar([cost], [score], yerr=ends, color=colour, elinewidth=0.8, alpha=0.6, capsize=2)
        shift, rate = PLACES[number % len(PLACES)], f"{point.rate_hz:g} Hz"
        side = "left" if shift[0] > 0 else "right"
        axes.annotate(rate, (cost, score), shift, textcoords="offset points", color=colour, fontsize=8, ha=side)
