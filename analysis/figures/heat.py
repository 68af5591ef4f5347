"""Heat maps of what distillation is tuned by: the validation score of each temperature and α that the search tried."""

from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from analysis.candidates import candidates
from analysis.load import Results
from har_ray.figures import INK, ONE_COLUMN_IN, SMALL, TWO_COLUMNS_IN, grid_of_panels, new_figure
from har_ray.groups import Group, Setting
from har_ray.metrics import Floats
from har_ray.variants import in_order

ACROSS, DOWN = "temperature", "alpha"
WIDE = 5
"""With more temperatures two panels stand side by side, else three."""


class HeatMap(NamedTuple):
    """What the search found of one variant.

    Attributes:
        temperatures, alphas: those tried (T,) and (A,), in order.
        scores: in percent (A, T), NaN where a pair was not tried.
        chosen: in how many folds each pair was (A, T).
    """

    variant: str
    temperatures: list[float]
    alphas: list[float]
    scores: Floats
    chosen: Floats


def heat_maps(results: Results, setting: Setting) -> Figure | None:
    """A panel for each variant whose search varied both; None where none did."""
    variants = in_order(one.variant for one in candidates(results, setting))
    maps = [found for variant in variants if (found := heat_map(results, setting, variant)) is not None]
    if not maps:
        return None
    title = f"Temperature and α: {setting.title}"
    columns = min(len(maps), 2 if max(len(one.temperatures) for one in maps) > WIDE else 3)
    deepest = max(len(one.alphas) for one in maps)
    notes = [
        f"Shade and number: {results.title_of(results.monitor)}, mean over folds and search seeds, of the best where "
        "other hyper-parameters varied too. Blank: not tried. What was cut counts with what it had by then. Framed: "
        "chosen in a fold at least; n×: in n folds.",
        results.made_by_short,
    ]
    figure = new_figure(title, notes, -(-len(maps) // columns) * (0.75 + 0.3 * deepest),
                        TWO_COLUMNS_IN if columns > 1 else ONE_COLUMN_IN)  # fmt: skip
    low, high = (of(float(score) for one in maps for score in one.scores[np.isfinite(one.scores)]) for of in (min, max))
    for panel, one in zip(grid_of_panels(figure, len(maps), columns), maps, strict=True):
        _panel(panel, one, low, high)
    figure.set_label(f"{title}. {'; '.join(map(_said, maps))}.")
    return figure


def heat_map(results: Results, setting: Setting, variant: str) -> HeatMap | None:
    """None where the variant lacks one of the two, or the search had only one value of it."""
    tried = [
        one for one in candidates(results, setting) if one.variant == variant and {ACROSS, DOWN} <= one.hyper.keys()
    ]
    temperatures, alphas = (sorted({float(one.hyper[name]) for one in tried}) for name in (ACROSS, DOWN))
    if len(temperatures) < 2 or len(alphas) < 2:
        return None
    scores, chosen = np.full((len(alphas), len(temperatures)), np.nan), np.zeros((len(alphas), len(temperatures)))
    for one in tried:
        at = alphas.index(one.hyper[DOWN]), temperatures.index(one.hyper[ACROSS])
        scores[at] = np.fmax(scores[at], 100 * one.score)
    for winner in results.winners:
        group, hyper = Group.of(winner), winner["hyper"]
        if (group.setting, group.variant) == (setting, variant) and hyper.get(DOWN) in alphas:
            chosen[alphas.index(hyper[DOWN]), temperatures.index(hyper[ACROSS])] += 1
    return HeatMap(variant, temperatures, alphas, scores, chosen)


def _panel(panel: Axes, one: HeatMap, low: float, high: float) -> None:
    panel.set_title(one.variant, fontsize=SMALL + 1)
    panel.imshow(
        one.scores, cmap="Blues", vmin=low - 0.15 * (high - low), vmax=high, aspect="auto", interpolation="nearest"
    )
    panel.set_xticks(range(len(one.temperatures)), [f"{value:g}" for value in one.temperatures], fontsize=SMALL)
    panel.set_yticks(range(len(one.alphas)), [f"{value:g}" for value in one.alphas], fontsize=SMALL)
    panel.set(xlabel="temperature", ylabel="α")
    panel.tick_params(length=0)
    for (row, column), score in np.ndenumerate(one.scores):
        if np.isnan(score):
            continue
        times = f"\n{one.chosen[row, column]:.0f}×" if one.chosen[row, column] else ""
        colour = "white" if score > low + 0.55 * (high - low) else INK
        panel.text(column, row, f"{score:.1f}{times}", ha="center", va="center", color=colour, fontsize=SMALL - 0.5,
                   linespacing=0.95, in_layout=False)  # fmt: skip
        if times:
            panel.add_patch(
                Rectangle((column - 0.46, row - 0.46), 0.92, 0.92, fill=False, edgecolor=INK, linewidth=1.4)
            )


def _said(one: HeatMap) -> str:
    row, column = np.unravel_index(np.nanargmax(one.scores), one.scores.shape)
    best = (
        f"best at temperature {one.temperatures[column]:g} and α {one.alphas[row]:g} ({one.scores[row, column]:.1f} %)"
    )
    return f"{one.variant}: {np.isfinite(one.scores).sum()} pairs tried, {best}"
