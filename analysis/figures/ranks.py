"""Critical-difference diagram: mean ranks over test subjects, with bars over variants that are not shown to differ."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.figures.looks import Look, looks, names, signs_explained
from analysis.figures.parts import MARK_SIZE, width_for
from analysis.load import Results
from analysis.ranks import Ranking, ranking
from har_ray.figures import GREY, INK, SMALL, new_figure
from har_ray.groups import Setting

BAR_IN, NAME_IN = 0.11, 0.19
"""Heights of a bar and of a name."""
MANY = 12
"""With more variants every fifth rank has its number."""


def critical_differences(results: Results, setting: Setting) -> Figure | None:
    """None where the test's assumptions do not hold, see `analysis.ranks`."""
    found = ranking(results, setting)
    if found is None:
        return None
    called = names(results, setting)
    title = f"Mean ranks over test subjects: {setting.title}"
    notes = [
        f"1 is best; {found.subjects} test subjects (Demšar 2006). Friedman test: p {_p_text(found.p_value)}. Bars: no "
        "pair of these variants is shown to differ (Wilcoxon's signed-rank test, Holm, 5 %). "
        + signs_explained(results, setting, found.variants),
        results.made_by_short,
    ]
    figure = new_figure(title, notes, _depth(found) + 0.5, width_for(called[name] for name in found.variants))
    panel = figure.subplots()
    _axis(panel, found)
    for row, (first, last) in enumerate(found.cliques, 1):
        ends = found.ranks[first] - 0.05, found.ranks[last] + 0.05
        panel.plot(ends, [-BAR_IN * row] * 2, color=INK, linewidth=3.2, solid_capstyle="butt")
    for index, (variant, rank) in enumerate(zip(found.variants, found.ranks, strict=True)):
        _name(panel, found, index, rank, called[variant], looks(results)[variant])
    said = ", ".join(f"{name} {rank:.2f}" for name, rank in zip(found.variants, found.ranks, strict=True))
    together = "; ".join(", ".join(found.variants[first : last + 1]) for first, last in found.cliques)
    figure.set_label(f"{title}. {said}. Not shown to differ: {together or 'no two neighbours'}.")
    return figure


def _depth(found: Ranking) -> float:
    """Height in inches, which is the unit of the y axis, from the axis of ranks down to the lowest name."""
    return BAR_IN * (len(found.cliques) + 1) + NAME_IN * -(-len(found.variants) // 2)


def _axis(panel: Axes, found: Ranking) -> None:
    count = len(found.variants)
    panel.set(
        xlim=(0.9, count + 0.1),
        ylim=(-_depth(found), 0),
        yticks=[],
        xticks=[1, *range(5, count + 1, 5)] if count > MANY else range(1, count + 1),
    )
    panel.xaxis.tick_top()
    panel.tick_params(axis="x", labelsize=SMALL)
    panel.spines[["left", "bottom"]].set_visible(False)
    panel.spines["top"].set_visible(True)


def _name(panel: Axes, found: Ranking, index: int, rank: float, called: str, look: Look) -> None:
    """A mark on the axis, and a line from it to the name beside: the better half on the left, the best at the top."""
    half = -(-len(found.variants) // 2)
    is_left = index < half
    row = index if is_left else len(found.variants) - 1 - index
    y = -BAR_IN * (len(found.cliques) + 1) - NAME_IN * (row + 0.3)
    edge = panel.get_xlim()[0 if is_left else 1]
    panel.plot([rank, rank, edge], [0, y, y], color=GREY, linewidth=0.7, zorder=1)
    panel.plot([rank], [0], marker=look.mark, markersize=MARK_SIZE, color=look.colour, clip_on=False, zorder=4)
    text = f"{called}  {rank:.1f}" if is_left else f"{rank:.1f}  {called}"
    panel.annotate(text, (edge, y), (-3 if is_left else 3, 0), textcoords="offset points", va="center",
                   ha="right" if is_left else "left", annotation_clip=False, fontsize=SMALL)  # fmt: skip


def _p_text(p_value: float) -> str:
    return f"= {p_value:.3f}" if p_value >= 0.001 else "< 0.001"
