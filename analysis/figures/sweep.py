"""Rate and window: test score of the settings of a sweep against what they cost per second of wear."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.figures.parts import chart_and_keys, ends_percent, legend_in, log_axis, percent_limits
from analysis.load import Results
from analysis.scores import UNCONVERGED
from analysis.sweep import Point, sweeps
from har_ray.figures import INK, ONE_COLUMN_IN, PALETTE, SMALL

MARKS = "osD^vP"
PLACES = ((7, -12), (-8, 8), (7, 8), (-8, -12))
"""Of a point's rate, in points from it, by window: lines that lie on each other have theirs on different sides."""


def sweep_figure(results: Results, slug: str) -> Figure:
    """A line for each window, a point for each rate; the best by validation and the cheapest that is good enough.

    Args:
        slug: of the sweep.
    """
    sweep = next(sweep for sweep in sweeps(results) if sweep.slug == slug)
    title = f"Rate and window: {sweep.title}"
    unconverged = any(point.result.unconverged() for point in sweep.points)
    notes = [
        "Each point is the small model that validation chooses there; line: 95 % interval. "
        + f"{UNCONVERGED} some cells were still improving when their epochs ran out." * unconverged,
        results.made_by_short,
    ]
    figure, axes, keys = chart_and_keys(title, notes, 2.7, 3, ONE_COLUMN_IN)
    axes.set_xlabel("multiply-adds per second of wear,\none window after the other")
    axes.set_ylabel("test macro F1 per subject (%)")
    log_axis(axes, [point.macs_per_s for point in sweep.points])
    axes.grid(axis="y")
    windows = sorted({point.window_s for point in sweep.points})
    for number, window_s in enumerate(windows):
        line = [point for point in sweep.points if point.window_s == window_s]
        _line(axes, sorted(line, key=lambda point: point.rate_hz), number)
    for point, name, mark in ((sweep.best, "best by validation", "o"), (sweep.cheapest, "cheapest, good enough", "s")):
        if point is not None:
            at = ([point.macs_per_s], [_score(point)])
            axes.scatter(
                *at, s=130, marker=mark, facecolors="none", edgecolors=INK, linewidths=1.4, zorder=5, label=name
            )
    axes.set_ylim(percent_limits([end for point in sweep.points for end in _ends(point)]))
    legend_in(keys, *axes.get_legend_handles_labels(), columns=2)
    said = [
        f"{point.title} {point.result.variant} {_score(point):.1f} % at {point.macs_per_s:,.0f}"
        for point in sweep.points
    ]
    figure.set_label(f"{title}. {'; '.join(said)}. Best by validation: {sweep.best.title}.")
    return figure


def _score(point: Point) -> float:
    return 100 * point.result.subject_mean()


def _line(axes: Axes, line: list[Point], number: int) -> None:
    colour, mark = PALETTE[number % len(PALETTE)], MARKS[number % len(MARKS)]
    costs, scores = [point.macs_per_s for point in line], [_score(point) for point in line]
    axes.plot(costs, scores, mark + "-", color=colour, markersize=5, label=f"windows of {line[0].window_s:g} s")
    for point, cost, score in zip(line, costs, scores, strict=True):
        axes.vlines(cost, *_ends(point), color=colour, linewidth=0.8, alpha=0.6)
        shift = PLACES[number % len(PLACES)]
        rate = f"{point.rate_hz:g} Hz" + point.result.doubt
        side = "left" if shift[0] > 0 else "right"
        halo = {"facecolor": "white", "alpha": 0.75, "linewidth": 0, "pad": 0.5}
        axes.annotate(
            rate, (cost, score), shift, textcoords="offset points", color=colour, fontsize=SMALL, ha=side, bbox=halo
        )


def _ends(point: Point) -> tuple[float, float]:
    return ends_percent(point.result)
