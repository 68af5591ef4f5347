"""Bubble chart: macro F1 of test subjects against what a window costs, area by parameters."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import log10, sqrt

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from analysis.figures.labels import Box, Chart, place
from analysis.figures.looks import Look, looks, names, signs_explained
from analysis.figures.parts import (
    COST_TITLES,
    MARK_SIZE,
    cost_of,
    ends_percent,
    interval_said,
    log_axis,
    percent_limits,
    short_count,
    width_for,
)
from analysis.load import Results
from analysis.pareto import front
from analysis.scores import WATCH_COSTS, VariantResult, shared_device, variant_results
from har_ray.figures import GREY, INK, ONE_COLUMN_IN, SMALL, lay_out, new_figure
from har_ray.groups import Setting

SMALLEST, LARGEST = 25.0, 1500.0
"""Marker areas in square points; area is proportional to parameters, so the largest bounds the smallest."""
AXES_IN, LEGEND_IN = {True: 2.9, False: 3.9}, 0.4
"""Heights of the chart, in a figure of one column and of two, and of the legend of areas below it, of which circles
may need more."""
WIDEST_CAP = 12.0
"""Half the width of an interval's caps, at most, in points."""


@dataclass(frozen=True)
class Bubble:
    """One variant: where it stands, in percent, the ends of its interval, and what it costs; trees have no `params`."""

    variant: str
    name: str
    look: Look
    cost: float
    f1: float
    ends: tuple[float, float]
    params: float | None


def bubble_chart(results: Results, setting: Setting, cost: str) -> Figure | None:
    """Macro F1 per test subject (%) against `cost`, one of `COST_TITLES`, log scale; None where nothing has both."""
    bubbles, absent = _bubbles(results, setting, cost)
    if not bubbles:
        return None
    notes = list(_notes(results, setting, cost, bubbles, absent))
    title = f"Macro F1 against {COST_TITLES[cost]}: {setting.title}"
    params = [bubble.params for bubble in bubbles if bubble.params is not None]
    scale = area_scale(params)
    limits = percent_limits([end for bubble in bubbles for end in bubble.ends], 0.12)
    width_in = width_for(bubble.name for bubble in bubbles)
    axes_in = AXES_IN[width_in == ONE_COLUMN_IN]
    above = _overhang_in(bubbles, scale, limits, axes_in)
    below = max([LEGEND_IN, *(sqrt(size * scale) / 72 + 0.1 for size in legend_sizes(params))])
    figure = new_figure(title, [*notes, results.made_by_short], axes_in + below + above, width_in)
    figure.set_layout_engine("constrained", rect=(0, 0, 1, 1 - above / figure.get_figheight()))
    chart, legend = figure.subplots(2, 1, height_ratios=[axes_in, below])
    chart.set_xlabel(COST_TITLES[cost])
    chart.set_ylabel("test macro F1 per subject (%)")
    chart.grid(axis="y")
    log_axis(chart, [bubble.cost for bubble in bubbles], share=0.14)
    chart.set_ylim(limits)
    best = [bubbles[i] for i in front([b.cost for b in bubbles], [b.f1 for b in bubbles])]
    _draw_front(chart, best)
    _draw(chart, bubbles, scale)
    legend.axis("off")
    lay_out(figure)
    _label(chart, bubbles, best)
    _legend(legend, params, scale)
    figure.set_label(_alt(title, bubbles, best, cost))
    return figure


def _bubbles(results: Results, setting: Setting, cost: str) -> tuple[list[Bubble], dict[str, list[str]]]:
    """Those that can be shown, and the names of the others by the reason."""
    called, looked = names(results, setting), looks(results)
    bubbles, absent = list[Bubble](), dict[str, list[str]]()
    for variant, result in variant_results(results, setting).items():
        price = cost_of(result, cost)
        if not result.complete:
            absent.setdefault(result.standing(), []).append(variant)
        elif price is None:
            absent.setdefault(_why_not(result, cost), []).append(variant)
        else:
            mean, params = 100 * result.subject_mean(), result.typical_cost("params")
            bubbles.append(Bubble(variant, called[variant], looked[variant], price, mean, ends_percent(result), params))
    device = shared_device(variant_results(results, setting).values())
    return ([], absent) if cost == "latency_ms" and device is None else (bubbles, absent)


def _why_not(result: VariantResult, cost: str) -> str:
    if cost in WATCH_COSTS:
        return "not exported"
    return (
        "not measured" if cost == "latency_ms" else "trees have none" if _is_trees(result) else "no count of its cost"
    )


def _is_trees(result: VariantResult) -> bool:
    """Trees have a size in bytes, and neither parameters nor multiply-adds."""
    return result.typical_cost("params") is None and result.typical_cost("bytes") is not None


def area_scale(params: Sequence[float]) -> float:
    """Square points per parameter: the smallest bubble is visible, the largest does not fill the chart."""
    return min(SMALLEST / min(params), LARGEST / max(params)) if params else 1.0


def _overhang_in(bubbles: Sequence[Bubble], scale: float, limits: tuple[float, float], axes_in: float) -> float:
    """How far circles reach above an axis that ends at 100, in inches."""
    per_percent = 0.85 * axes_in / (limits[1] - limits[0])
    return max(0.0, *(sqrt((b.params or 0) * scale) / 144 - (limits[1] - b.f1) * per_percent for b in bubbles))


def _draw_front(chart: Axes, best: Sequence[Bubble]) -> None:
    """The highest mean that a cost buys, from each member of the front on to the next."""
    costs = [*(bubble.cost for bubble in best), chart.get_xlim()[1]]
    scores = [*(bubble.f1 for bubble in best), best[-1].f1]
    chart.step(costs, scores, where="post", color=GREY, linewidth=1.0, linestyle=(0, (4, 3)), zorder=1)


def _draw(chart: Axes, bubbles: list[Bubble], scale: float) -> None:
    for bubble, cap in zip(bubbles, cap_sizes(bubbles), strict=True):
        at, colour = ([bubble.cost], [bubble.f1]), bubble.look.colour
        if bubble.params is not None:
            area = bubble.params * scale
            chart.scatter(*at, s=area, color=colour, alpha=0.18, linewidths=0, clip_on=False)
            chart.scatter(*at, s=area, facecolors="none", edgecolors=INK, linewidths=0.6, zorder=4.5, clip_on=False)
        low, high = bubble.ends
        if low < high:
            spread = [[bubble.f1 - low], [high - bubble.f1]]
            chart.errorbar(*at, yerr=spread, color=colour, elinewidth=0.8, capsize=cap, capthick=0.8, alpha=0.6)
        chart.plot(
            *at, linestyle="none", marker=bubble.look.mark, markersize=MARK_SIZE, color=colour,
            markeredgecolor="white", markeredgewidth=0.6, zorder=4, clip_on=False,
        )  # fmt: skip


def cap_sizes(bubbles: Sequence[Bubble]) -> list[float]:
    """Half the width of each interval's caps, in points; wider for each more at the same cost.

    LM and RB-KD cost the same, so their intervals lie on each other: their caps differ, nothing is moved.
    """
    crowds, seen = Counter(bubble.cost for bubble in bubbles), Counter[float]()
    sizes = []
    for bubble in bubbles:
        seen[bubble.cost] += 1
        sizes.append(1.0 + seen[bubble.cost] * min(2.0, (WIDEST_CAP - 1) / crowds[bubble.cost]))
    return sizes


def _label(chart: Axes, bubbles: list[Bubble], best: list[Bubble]) -> None:
    """Names where they cover nothing, joined to their marks by thin lines."""
    to_points = 72 / chart.figure.dpi
    inside = _box(chart.get_window_extent(), to_points)
    points = [tuple(chart.transData.transform((b.cost, b.f1)) * to_points) for b in bubbles]
    halo = {"facecolor": "white", "alpha": 0.75, "linewidth": 0, "pad": 0.5}
    texts = [chart.text(0, 0, bubble.name, fontsize=SMALL, bbox=halo) for bubble in bubbles]
    sizes = [_box(text.get_window_extent(), to_points) for text in texts]
    marks = [Box(x - MARK_SIZE / 2, y - MARK_SIZE / 2, x + MARK_SIZE / 2, y + MARK_SIZE / 2) for x, y in points]
    around = Chart(inside, marks, [*_intervals(chart, bubbles, to_points), *_steps(chart, best, to_points)])
    places = place(points, [(size.right - size.left, size.top - size.bottom) for size in sizes], around)
    back = chart.transAxes.inverted()
    for text, bubble, spot in zip(texts, bubbles, places, strict=True):
        middle = ((spot.box.left + spot.box.right) / 2, (spot.box.bottom + spot.box.top) / 2)
        text.set(transform=chart.transAxes, ha="center", va="center", position=back.transform(
            (middle[0] / to_points, middle[1] / to_points)), zorder=5)  # fmt: skip
        chart.annotate(
            "", (bubble.cost, bubble.f1), tuple(back.transform((spot.edge[0] / to_points, spot.edge[1] / to_points))),
            textcoords="axes fraction", annotation_clip=False, zorder=3,
            arrowprops={"arrowstyle": "-", "color": GREY, "linewidth": 0.6, "shrinkA": 0, "shrinkB": 2},
        )  # fmt: skip


def _box(extent: Bbox, to_points: float) -> Box:
    return Box(*(float(value) * to_points for value in extent.extents))


def _intervals(chart: Axes, bubbles: Sequence[Bubble], to_points: float) -> list[Box]:
    """The boxes of the intervals, in points of type."""
    boxes = []
    for bubble in bubbles:
        (x, bottom), (_, top) = (chart.transData.transform((bubble.cost, end)) * to_points for end in bubble.ends)
        boxes.append(Box(x - 1, bottom, x + 1, top))
    return boxes


def _steps(chart: Axes, best: Sequence[Bubble], to_points: float) -> list[Box]:
    """The boxes of the front's level lines, in points of type."""
    ends = [*(bubble.cost for bubble in best[1:]), chart.get_xlim()[1]]
    boxes = []
    for bubble, end in zip(best, ends, strict=True):
        (left, y), (right, _) = (chart.transData.transform((x, bubble.f1)) * to_points for x in (bubble.cost, end))
        boxes.append(Box(left, y - 1, right, y + 1))
    return boxes


def _legend(axes: Axes, params: Sequence[float], scale: float) -> None:
    """Circles side by side on a line, each with its number of parameters; the unit of the axes is the point."""
    if not params:
        return
    box = axes.get_window_extent()
    width, height = (72 * length / axes.figure.dpi for length in (box.width, box.height))
    axes.set(xlim=(0, width), ylim=(0, height))
    axes.text(0, height / 2, "area: parameters", va="center", fontsize=SMALL)
    x = 72.0
    for size in legend_sizes(params):
        diameter = sqrt(size * scale)
        axes.scatter([x + diameter / 2], [height / 2], s=diameter**2, facecolors="none", edgecolors=INK, linewidths=0.9,
                     clip_on=False)  # fmt: skip
        axes.text(x + diameter + 4, height / 2, short_count(size), va="center", fontsize=SMALL)
        x += diameter + 4 + 4.6 * len(short_count(size)) + 12


def legend_sizes(params: Sequence[float]) -> list[int]:
    """Powers of ten within the range of parameters; where there is none, the largest with one digit."""
    if not params:
        return []
    powers = [10**k for k in range(1, 10) if min(params) * 0.7 <= 10**k <= max(params) * 1.1]
    digits = int(log10(max(params)))
    return powers[-3:] or [round(max(params) / 10**digits) * 10**digits]


def _notes(
    results: Results, setting: Setting, cost: str, bubbles: Sequence[Bubble], absent: Mapping[str, Sequence[str]]
) -> Iterator[str]:
    first = variant_results(results, setting)[bubbles[0].variant]
    line = interval_said(setting, len(first.seeds), len(first.subjects()))
    signs = signs_explained(results, setting, [bubble.variant for bubble in bubbles])
    yield f"{line} Dashed: Pareto front, the highest mean that a cost buys; it describes these test people. {signs}"
    if cost in WATCH_COSTS:
        yield "The score is that of the network in float; the table On the watch has that of the int8 file."
    if any(bubble.params is None for bubble in bubbles):
        yield "A mark without a circle: trees, which have no parameters."
    if absent:
        groups = [f"{', '.join(ones)} ({reason})" for reason, ones in absent.items()]
        yield f"Not shown: {', '.join(groups)}."


def _alt(title: str, bubbles: Sequence[Bubble], best: Sequence[Bubble], cost: str) -> str:
    """What is drawn, in words."""
    said = [f"{b.name} {b.f1:.1f} % ({b.ends[0]:.1f} to {b.ends[1]:.1f}) at {b.cost:,.4g}" for b in bubbles]
    return f"{title}. {'; '.join(said)}. Pareto front: {', '.join(b.name for b in best)}."
