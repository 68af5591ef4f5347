"""Change in recognition: each variant minus the grid's baseline, in points of macro F1 per test subject."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from analysis.figures.looks import looks, names, signs_explained
from analysis.figures.parts import MARK_SIZE, ROW_IN, interval_said, rows, small_ticks
from analysis.formats import points
from analysis.load import Results
from analysis.published import change
from analysis.statistics import Comparison, against_baseline, interval
from har_ray.figures import INK, ONE_COLUMN_IN, new_figure
from har_ray.groups import Setting
from har_ray.variants import BASELINE


def change_in_recognition(results: Results, setting: Setting) -> Figure | None:
    """A row for each variant, with its 95 % interval; None where nothing can be compared with the baseline."""
    compared = against_baseline(results, setting)
    shown = [c for c in compared if c.subject_difference is not None]
    if not shown:
        return None
    title = f"Change in recognition against {results.baseline}: {setting.title}"
    known = {c.variant: change(setting, c.variant) for c in shown if results.baseline == BASELINE}
    published = {name: found.f1_macro for name, found in known.items() if found is not None}
    figure = new_figure(title, [*_notes(results, setting, shown, compared, published), results.made_by_short],
                        ROW_IN * len(shown) + 0.75, ONE_COLUMN_IN)  # fmt: skip
    panel = figure.subplots()
    rows([panel], names(results, setting), [c.variant for c in shown])
    panel.axvline(0, color=INK, linewidth=0.8)
    panel.set_xlabel(f"macro F1 per test subject,\nminus {results.baseline} (points)")
    for row, c in enumerate(shown):
        look, middle = looks(results)[c.variant], 100 * (c.subject_difference or 0.0)
        if c.estimate is not None:
            panel.hlines(row, 100 * c.estimate.low, 100 * c.estimate.high, color=look.colour, linewidth=1.6)
        panel.plot(
            [middle], [row], marker=look.mark, markersize=MARK_SIZE + 0.5, color=look.colour, markeredgewidth=1.1,
            markerfacecolor="white" if c.could_be_chance else look.colour,
        )  # fmt: skip
        if c.variant in published:
            panel.plot([published[c.variant]], [row], marker="|", markersize=10, color=INK, markeredgewidth=1.6)
    small_ticks(figure)
    figure.set_label(f"{title}. {'; '.join(map(_said, shown))}.")
    return figure


def _notes(results: Results, setting: Setting, shown: Sequence[Comparison], compared: Sequence[Comparison],
           published: dict[str, float]) -> list[str]:  # fmt: skip
    line = interval_said(setting, shown[0].seeds, shown[0].subjects)
    notes = [
        f"{line} Hollow: the difference could be chance (p adjusted by Holm 0.05 or more, or no test). "
        + signs_explained(results, setting, [c.variant for c in shown])
    ]
    if published:
        notes.append("Upright tick: the published change.")
    lost = [f"{c.variant} ({c.note})" for c in compared if c.subject_difference is None]
    return [*notes, f"Not shown: {', '.join(lost)}."] if lost else notes


def _said(c: Comparison) -> str:
    text = f"{c.variant} {points(c.subject_difference or 0.0)}"
    return text if c.estimate is None else f"{text} ({interval(c.estimate)})"
