"""All candidates of the search: validation score against cost, and the Pareto front of those trained to the end."""

from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.candidates import Candidate, candidates
from analysis.figures.looks import Look, looks
from analysis.figures.parts import (
    COST_TITLES,
    MARK_SIZE,
    chart_and_keys,
    legend_in,
    log_axis,
    percent_limits,
    width_for,
)
from analysis.load import Results
from analysis.pareto import front
from har_ray.figures import GREY, ONE_COLUMN_IN
from har_ray.groups import Setting
from har_ray.text import counted
from har_ray.variants import in_order

COSTS = ("macs", "params", "bytes")
COLUMNS = {True: 2, False: 4}
"""Of the legend, in a figure of one column and of two."""
CHART_IN = 2.7


def search_front(results: Results, setting: Setting) -> Figure | None:
    """A point for each candidate; None where the search had no choice."""
    found = candidates(results, setting)
    cost = next((name for name in COSTS if any(one.cost(name) is not None for one in found)), None)
    if len(found) < 2 or cost is None:
        return None
    shown = [(one, price) for one in found if (price := one.cost(cost)) is not None]
    whole = [(one, price) for one, price in shown if not one.was_cut]
    best = [whole[index] for index in front([price for _, price in whole], [one.score for one, _ in whole])]
    variants = in_order(one.variant for one, _ in shown)
    title = f"Candidates of the search: {setting.title}"
    notes = [*_notes(results, [one for one, _ in shown], len(found) - len(shown)), results.made_by_short]
    width_in = width_for(variants)
    columns = COLUMNS[width_in == ONE_COLUMN_IN]
    figure, chart, keys = chart_and_keys(title, notes, CHART_IN, -(-len(variants) // columns), width_in)
    log_axis(chart, [price for _, price in shown])
    chart.set_ylim(percent_limits([100 * one.score for one, _ in shown]))
    chart.set(xlabel=COST_TITLES[cost], ylabel=results.title_of(results.monitor))
    chart.grid(axis="y")
    for one, price in shown:
        look = looks(results)[one.variant]
        chart.plot(
            [price], [100 * one.score], linestyle="none", marker=look.mark, color=look.colour, markersize=MARK_SIZE - 1,
            markerfacecolor="none" if one.was_cut else look.colour, markeredgewidth=0.7, alpha=0.75, clip_on=False,
            zorder=2 if one.was_cut else 3,
        )  # fmt: skip
    if best:
        prices = [*(price for _, price in best), chart.get_xlim()[1]]
        scores = [100 * score for score in (*(one.score for one, _ in best), best[-1][0].score)]
        chart.step(prices, scores, where="post", color=GREY, linewidth=1.0, linestyle=(0, (4, 3)), zorder=1)
    legend_in(keys, [_mark(looks(results)[name]) for name in variants], variants, columns)
    said = "; ".join(f"{one.variant} {100 * one.score:.1f} % at {price:,.0f}" for one, price in best)
    figure.set_label(f"{title}. {counted(len(shown), 'candidate')} of {', '.join(variants)}. Pareto front: {said}.")
    return figure


def _notes(results: Results, shown: Sequence[Candidate], lost: int) -> list[str]:
    cut = sum(one.was_cut for one in shown)
    notes = [
        f"Score: best epoch's {results.title_of(results.monitor)}, mean over folds and search seeds. Dashed: Pareto "
        "front, the highest score that a cost buys" + (", of the candidates that were never cut." if cut else ".")
    ]
    if cut:
        notes.append(
            f"Hollow: cut by the search in one fold or more ({cut} of {len(shown)}), with what it had by then."
        )
    return [*notes, f"Not shown: {counted(lost, 'candidate')} without that cost."] if lost else notes


def _mark(look: Look) -> Line2D:
    return Line2D([], [], linestyle="none", marker=look.mark, color=look.colour, markersize=MARK_SIZE)
