"""Bubble chart: test macro F1 against the cost of one window, area by parameters."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log10, sqrt
from textwrap import fill

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from analysis.figures import COLOURS
from analysis.load import Results
from analysis.scores import variant_results
from har_ray.figures import GREY, INK
from har_ray.groups import Setting

COST_LABELS = {
    "flops_published": "FLOPs per window, as published (no LSTM, no head)",
    "macs": "MACs per window (convolutions, recurrent and linear layers)",
}
SMALLEST, LARGEST = 24.0, 4500.0
"""Marker areas in square points; area is proportional to parameters, so the largest bounds the smallest."""
LINE_HEIGHT = 14.0
"""Distance of labels, in points."""


@dataclass(frozen=True)
class Bubble:
    """One variant: macro F1 in percent, its sd in points, and what it costs."""

    variant: str
    cost: float
    f1: float
    sd: float | None
    params: float
    family: str

    @property
    def colour(self) -> str:
        return COLOURS[self.family]


def bubble_chart(results: Results, setting: Setting, cost: str) -> Figure:
    """Macro F1 (%) against `cost` (`flops_published` or `macs`), log scale; variants without a score are named."""
    bubbles, absent = _bubbles(results, setting, cost)
    figure = Figure(figsize=(10.2, 5.6))
    axes = figure.add_axes((0.065, 0.17, 0.7, 0.74))
    axes.set_title(f"F1 against cost: {setting.title}")
    axes.set_ylabel("test macro F1 (%), mean ± sd over seeds")
    axes.set_xlabel(COST_LABELS[cost])
    if absent:
        figure.text(0.065, 0.04, fill(f"Not shown: {', '.join(absent)}", 150), fontsize=8.5, color=GREY)
    if not bubbles:
        axes.text(0.5, 0.5, "nothing to show", transform=axes.transAxes, ha="center", color=GREY)
        axes.set(xticks=[], yticks=[])
        return figure
    scale = area_scale([bubble.params for bubble in bubbles])
    _draw(axes, bubbles, scale)
    _set_limits(axes, bubbles)
    _label(axes, bubbles, scale)
    _legends(figure, bubbles, scale)
    return figure


def _bubbles(results: Results, setting: Setting, cost: str) -> tuple[list[Bubble], list[str]]:
    bubbles, absent = [], []
    for variant, result in variant_results(results, setting).items():
        mean, sd = result.mean(), result.sd()
        price, params = result.typical_cost(cost), result.typical_cost("params")
        if mean is None:
            absent.append(f"{variant} ({result.standing()})")
        elif price is None or params is None:
            absent.append(f"{variant} (no count of its cost)")
        else:
            spread_pp = None if sd is None else 100 * sd
            bubbles.append(Bubble(variant, price, 100 * mean, spread_pp, params, result.traits.family))
    return bubbles, absent


def area_scale(params: Sequence[float]) -> float:
    """Square points per parameter: the smallest bubble is visible, the largest does not fill the chart."""
    return min(SMALLEST / min(params), LARGEST / max(params))


def _draw(axes: Axes, bubbles: list[Bubble], scale: float) -> None:
    axes.set_xscale("log")
    axes.grid(axis="y")
    for bubble, cap in zip(bubbles, cap_sizes(bubbles), strict=True):
        at = ([bubble.cost], [bubble.f1])
        area = bubble.params * scale
        axes.scatter(*at, s=area, color=bubble.colour, alpha=0.35, linewidths=0)
        axes.scatter(*at, s=area, facecolors="none", edgecolors=bubble.colour, linewidths=1.2, zorder=3)
        if bubble.sd is not None:
            axes.errorbar(*at, yerr=bubble.sd, color=bubble.colour, elinewidth=0.9, capsize=cap, zorder=3)
        axes.plot(*at, "o", markersize=3, color="white", markeredgecolor=bubble.colour, zorder=4)


def cap_sizes(bubbles: list[Bubble]) -> list[float]:
    """Half the width of each error bar's caps, in points; wider for each more at the same cost.

    LM and RB-KD cost the same, so their bars lie on each other: their caps differ, nothing is moved.
    """
    seen: dict[float, int] = {}
    sizes = []
    for bubble in bubbles:
        seen[bubble.cost] = seen.get(bubble.cost, 0) + 1
        sizes.append(1.0 + 2.0 * seen[bubble.cost])
    return sizes


def _set_limits(axes: Axes, bubbles: list[Bubble]) -> None:
    """Room for the labels on the left and for the largest bubble everywhere."""
    logs = [log10(bubble.cost) for bubble in bubbles]
    width = max(max(logs) - min(logs), 0.6)
    middle = (max(logs) + min(logs)) / 2
    axes.set_xlim(10 ** (middle - 0.8 * width), 10 ** (middle + 0.8 * width))
    axes.xaxis.set_major_locator(LogLocator(subs=(1,) if width > 1.5 else (1, 2, 5)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: short_count(value)))
    axes.xaxis.set_minor_formatter(NullFormatter())
    low = min(bubble.f1 - (bubble.sd or 0) for bubble in bubbles)
    high = max(bubble.f1 + (bubble.sd or 0) for bubble in bubbles)
    height = max(high - low, 4.0)
    axes.set_ylim((low + high) / 2 - 0.66 * height, (low + high) / 2 + 0.66 * height)


def short_count(value: float) -> str:
    """`200 k`, `1 M`, `10 G`."""
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if value >= size:
            return f"{value / size:g} {unit}"
    return f"{value:g}"


def _label(axes: Axes, bubbles: list[Bubble], scale: float) -> None:
    """Names in columns beside clusters of bubbles, spread so that none overlaps, joined by thin lines.

    The students differ little in cost: a name at each bubble would lie on its neighbours.
    """
    points_per_pixel = 72 / axes.figure.dpi
    shown = {b.variant: axes.transData.transform((b.cost, b.f1)) * points_per_pixel for b in bubbles}  # x, y in points
    radius = {b.variant: sqrt(b.params * scale) / 2 for b in bubbles}
    for index, cluster in enumerate(clusters({name: float(point[0]) for name, point in shown.items()})):
        if index == 0:
            x, side, edge = min(shown[name][0] - radius[name] for name in cluster) - 24, "right", 1.0
        else:
            x, side, edge = max(shown[name][0] + radius[name] for name in cluster) + 12, "left", 0.0
        heights = spread([float(shown[name][1]) for name in cluster], LINE_HEIGHT)
        for name, y in zip(cluster, heights, strict=True):
            bubble = next(b for b in bubbles if b.variant == name)
            at = axes.transAxes.inverted().transform((x / points_per_pixel, y / points_per_pixel))
            line = {"arrowstyle": "-", "color": GREY, "linewidth": 0.6, "shrinkA": 1, "shrinkB": 0,
                    "relpos": (edge, 0.5)}  # fmt: skip
            axes.annotate(
                name, (bubble.cost, bubble.f1), tuple(at), textcoords="axes fraction", ha=side, va="center",
                color=bubble.colour, fontweight="bold", arrowprops=line,
            )  # fmt: skip


def clusters(positions: dict[str, float], gap: float = 45.0) -> list[list[str]]:
    """Names in groups whose neighbours are less than `gap` points apart, from left to right."""
    grouped: list[list[str]] = []
    last = -np.inf
    for name in sorted(positions, key=positions.__getitem__):
        if positions[name] - last >= gap:
            grouped.append([])
        grouped[-1].append(name)
        last = positions[name]
    return grouped


def spread(positions: Sequence[float], distance: float) -> list[float]:
    """Move positions as little as needed so that no two are nearer than `distance`; the order is kept."""
    blocks: list[tuple[float, list[int]]] = []  # centre, members from the lowest to the highest
    for index in sorted(range(len(positions)), key=positions.__getitem__):
        members, centre = [index], positions[index]
        while blocks and centre - blocks[-1][0] < distance * (len(members) + len(blocks[-1][1])) / 2:
            members = blocks.pop()[1] + members
            centre = sum(positions[member] for member in members) / len(members)
        blocks.append((centre, members))
    moved = [0.0] * len(positions)
    for centre, members in blocks:
        for rank, member in enumerate(members):
            moved[member] = centre + distance * (rank - (len(members) - 1) / 2)
    return moved


def _legends(figure: Figure, bubbles: list[Bubble], scale: float) -> None:
    families = {bubble.family: bubble.colour for bubble in bubbles}
    handles = [
        Line2D([], [], linestyle="none", marker="o", markersize=8, markerfacecolor="none", markeredgecolor=colour)
        for colour in families.values()
    ]
    names = [name.replace(" and ", " and\n") for name in families]
    figure.legend(handles, names, loc="upper left", bbox_to_anchor=(0.775, 0.92), title="colour", alignment="left")
    _size_legend(figure.add_axes((0.785, 0.17, 0.2, 0.38)), legend_sizes([b.params for b in bubbles]), scale)


def _size_legend(axes: Axes, sizes: list[int], scale: float) -> None:
    """Circles that stand in each other, each with its number of parameters; the unit of the axes is the point."""
    box = axes.get_window_extent()
    width, height = (72 * length / axes.figure.dpi for length in (box.width, box.height))
    axes.set(xlim=(0, width), ylim=(0, height))
    axes.axis("off")
    axes.text(0, height - 12, "area: parameters")
    diameters = [sqrt(size * scale) for size in sizes]
    middle, foot = max(diameters) / 2 + 2, height - 34 - max(max(diameters), LINE_HEIGHT * len(sizes))
    for size, diameter, y in zip(sizes, diameters, spread([foot + d for d in diameters], LINE_HEIGHT), strict=True):
        axes.scatter([middle], [foot + diameter / 2], s=diameter**2, facecolors="none", edgecolors=INK)
        axes.annotate(
            f"{size:,}", (middle, foot + diameter), (middle + max(diameters) / 2 + 16, y), va="center",
            arrowprops={"arrowstyle": "-", "color": GREY, "linewidth": 0.6, "shrinkA": 1, "shrinkB": 0},
        )  # fmt: skip


def legend_sizes(params: Sequence[float]) -> list[int]:
    """Powers of ten within the range of parameters; where there is none, the largest with one digit."""
    powers = [10**k for k in range(1, 10) if min(params) * 0.7 <= 10**k <= max(params) * 1.1]
    digits = int(log10(max(params)))
    return powers or [round(max(params) / 10**digits) * 10**digits]
