"""Strip plot: the macro F1 of every test subject, a row for each variant."""

from collections.abc import Mapping

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.figures.looks import Look, looks, names, signs_explained
from analysis.figures.parts import MARK_SIZE, percent_limits, rows, small_ticks
from analysis.load import Results
from analysis.scores import variant_results
from har_ray.figures import GREY, ONE_COLUMN_IN, SMALL, new_figure
from har_ray.groups import Setting

ROW_IN = 0.22


def subject_strips(results: Results, setting: Setting) -> Figure | None:
    """A tick for each subject, mean over seeds, and a mark at their mean; None below two subjects."""
    found = {
        name: result.mean_by_subject() for name, result in variant_results(results, setting).items() if result.complete
    }
    if max(map(len, found.values()), default=0) < 2:
        return None
    title = f"Test subjects: {setting.title}"
    seeds = (
        "mean over seeds" if any(len(r.seeds) > 1 for r in variant_results(results, setting).values()) else "one seed"
    )
    notes = [
        f"Tick: a test subject ({seeds}); ticks that coincide are darker. Mark: mean of the subjects. Right: who "
        "is lowest. " + signs_explained(results, setting, found),
        results.made_by_short,
    ]
    figure = new_figure(title, notes, ROW_IN * len(found) + 0.65, ONE_COLUMN_IN)
    panel = figure.subplots()
    rows([panel], names(results, setting), list(found))
    panel.set_xlim(percent_limits([100 * score for scores in found.values() for score in scores.values()]))
    panel.set_xlabel("macro F1 of a test subject (%)")
    for row, (name, scores) in enumerate(found.items()):
        _strip(panel, row, scores, looks(results)[name])
    panel.annotate("lowest", (1, 1), (8, 2), xycoords="axes fraction", textcoords="offset points", fontsize=SMALL,
                   color=GREY)  # fmt: skip
    small_ticks(figure)
    figure.set_label(f"{title}. {'; '.join(_said(name, scores) for name, scores in found.items())}.")
    return figure


def _strip(panel: Axes, row: int, scores: Mapping[str, float], look: Look) -> None:
    percent = [100 * score for score in scores.values()]
    panel.plot(percent, [row] * len(percent), linestyle="none", marker="|", markersize=9, markeredgewidth=1.0,
               color=look.colour, alpha=0.55, clip_on=False)  # fmt: skip
    panel.plot([sum(percent) / len(percent)], [row], marker=look.mark, markersize=MARK_SIZE + 1, color=look.colour,
               markeredgecolor="white", markeredgewidth=1.0, zorder=4)  # fmt: skip
    # In a column right of the panel: beside its tick a name would lie on other ticks, or on the names of the rows.
    panel.annotate(min(scores, key=scores.__getitem__), (1, row), (8, 0), xycoords=panel.get_yaxis_transform(),
                   textcoords="offset points", va="center", fontsize=SMALL)  # fmt: skip


def _said(name: str, scores: Mapping[str, float]) -> str:
    lowest, highest = (of(scores, key=scores.__getitem__) for of in (min, max))
    return (
        f"{name} {100 * scores[lowest]:.1f} % (subject {lowest}) to {100 * scores[highest]:.1f} % (subject {highest})"
    )
