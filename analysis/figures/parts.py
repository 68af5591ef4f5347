"""What figures share: axes of costs and of percent, and rows with a variant each."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from analysis.figures.ticks import RoundTicks
from analysis.scores import COSTS, VariantResult
from har_ray.figures import INK, ONE_COLUMN_IN, SMALL, TWO_COLUMNS_IN, grid_of_panels, new_figure
from har_ray.groups import Setting

ROW_IN = 0.19
"""Height of a row, enough for a name."""
MARK_SIZE = 6.5
"""Across a variant's mark, in points."""

FEW, SHORT = 10, 16
"""So many names of so many letters have room beside points in one column."""

SHORT_TITLES = COSTS | {"params": "parameters"}
"""Of panels; MACs and FLOPs are those of one window."""
COST_TITLES = {
    "macs": "MACs per window",
    "params": "parameters",
    "flops_published": "FLOPs per window (published count)",
    "bytes": "bytes",
    "latency_ms": "latency of one window (ms)",
    "flash_bytes": "flash of the int8 file (bytes)",
    "arena_bytes": "working memory of the int8 file (bytes, on a PC)",
}
"""Of axes, the one first that a chart shows first; the published count leaves out recurrent layers and the head."""


def width_for(names: Iterable[str]) -> float:
    """Of a figure that has these names beside its points: one column or two, in inches."""
    lengths = [len(name) for name in names]
    return ONE_COLUMN_IN if len(lengths) <= FEW and max(lengths) <= SHORT else TWO_COLUMNS_IN


def cost_of(result: VariantResult, cost: str) -> float | None:
    """A variant's typical cost; a latency only where one device has measured it."""
    if cost != "latency_ms":
        return result.typical_cost(cost)
    latencies = list(result.latencies_ms().values())
    return latencies[0] if len(latencies) == 1 else None


def log_axis(axes: Axes, values: Sequence[float], share: float = 0.1) -> None:
    """A logarithmic x axis with room around `values`, a share of their span, and numbers as `200 k`."""
    low, high = min(values), max(values)
    room = max((high / low) ** share, 1.5)
    axes.set_xscale("log")
    axes.set_xlim(low / room, high * room)
    axes.xaxis.set_major_locator(RoundTicks(short_count))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: short_count(value)))
    axes.xaxis.set_minor_formatter(NullFormatter())


def short_count(value: float) -> str:
    """`200 k`, `1 M`, `10 G`."""
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if value >= size:
            return f"{value / size:g} {unit}"
    return f"{value:g}"


def percent_limits(values: Iterable[float], room: float = 0.06) -> tuple[float, float]:
    """Limits of an axis around values in percent: with room, and never below 0 or above 100."""
    found = list(values)
    low, high = min(found), max(found)
    margin = max(room * (high - low), 1.0)
    return max(low - margin, 0.0), min(high + margin, 100.0)


def ends_percent(result: VariantResult) -> tuple[float, float]:
    """The ends of the interval of the mean per subject in percent; the mean twice where there is none."""
    low, high = result.subject_interval() or (result.subject_mean(),) * 2
    return 100 * low, 100 * high


def rows(panels: Sequence[Axes], called: Mapping[str, str], shown: Sequence[str]) -> None:
    """A row for each shown variant in all panels, the first at the top; the first panel has their names."""
    for panel in panels:
        panel.set_ylim(len(shown) - 0.4, -0.6)
        panel.set_yticks(range(len(shown)), [])
        panel.tick_params(axis="y", length=0)
        panel.grid(axis="x")
    panels[0].set_yticks(range(len(shown)), [called[name] for name in shown], color=INK)


def without(shown: Mapping[str, VariantResult], costs: Iterable[str]) -> Iterator[str]:
    """Which of the shown variants have no count of which costs: `Forest, Boosted: no parameters, no MACs.`"""
    lacking: dict[str, list[str]] = {}
    for name, result in shown.items():
        if lost := ", ".join(f"no {SHORT_TITLES[cost]}" for cost in costs if result.cost(cost) is None):
            lacking.setdefault(lost, []).append(name)
    yield from (f"{', '.join(those)}: {lost}." for lost, those in lacking.items())


def small_ticks(figure: Figure) -> None:
    """Numbers of axes in small type; names of rows stay as they are."""
    for panel in figure.axes:
        panel.tick_params(axis="x", labelsize=SMALL)


def interval_said(setting: Setting, seeds: int, subjects: int) -> str:
    """What a 95 % interval is for; nothing where there is none, of one seed and subject."""
    if seeds == subjects == 1:
        return "One test subject and seed: no interval."
    if setting.leaks or setting.known_people:
        return "Line: 95 % interval over test subjects, who also trained, so that it says nothing about new people."
    whom = "new people" if seeds == 1 else "new seeds" if subjects == 1 else "new people and seeds"
    alone = "; one seed, so nothing is said about others" if seeds == 1 else ""
    return f"Line: 95 % interval for {whom}{alone}."


def cost_panels(
    title: str, notes: Sequence[str], called: Mapping[str, str], shown: Sequence[str], costs: Sequence[str]
) -> tuple[Figure, dict[str, Axes]]:
    """A panel for each cost, side by side, with a row for each shown variant."""
    figure = new_figure(title, notes, ROW_IN * len(shown) + 0.65)
    panels = grid_of_panels(figure, len(costs), len(costs))
    rows(panels, called, shown)
    for cost, panel in zip(costs, panels, strict=True):
        panel.set_title(SHORT_TITLES[cost], fontsize=SMALL + 1)
    return figure, dict(zip(costs, panels, strict=True))


def chart_and_keys(
    title: str, notes: Iterable[str], chart_in: float, lines: int, width_in: float
) -> tuple[Figure, Axes, Axes]:
    """A chart of that height, and below it room for a legend of so many lines."""
    keys_in = 0.14 + 0.14 * lines
    figure = new_figure(title, notes, chart_in + keys_in, width_in)
    chart, keys = figure.subplots(2, 1, height_ratios=[chart_in, keys_in])
    keys.axis("off")
    return figure, chart, keys


def legend_in(keys: Axes, handles: Sequence[Artist], labels: Sequence[str], columns: int) -> None:
    legend = keys.legend(handles, labels, ncols=columns, fontsize=SMALL, loc="center left", borderaxespad=0)
    legend.set_in_layout(False)  # its axes have the room
