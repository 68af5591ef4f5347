"""Learning curves: the monitored validation score per epoch, one panel per variant."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.figures.looks import Look, looks, names, signs_explained
from analysis.load import Cell, Results
from analysis.scores import VariantResult, variant_results
from har_ray.figures import SMALL, grid_of_panels, new_figure
from har_ray.groups import Setting
from har_ray.metrics import Floats
from har_ray.text import counted

COLUMNS = 5


def learning_curves(results: Results, setting: Setting) -> Figure | None:
    """The mean of all cells in a band from the lowest to the highest, and a dot for each cell's best epoch.

    None where no completed cell has a curve; trees have none.
    """
    variants = variant_results(results, setting)
    drawn = {name: curved for name, result in variants.items() if (curved := _curved(result))}
    if not drawn:
        return None
    title, score = f"Learning curves: {setting.title}", results.title_of(results.monitor)
    notes = [*_notes(score, variants, drawn), signs_explained(results, setting, drawn), results.made_by_short]
    figure = new_figure(title, notes, 1.2 * -(-len(drawn) // COLUMNS) + 0.3)
    panels = grid_of_panels(figure, len(drawn), COLUMNS)
    for panel, (name, cells) in zip(panels, drawn.items(), strict=True):
        panel.set_title(names(results, setting)[name], fontsize=SMALL + 1)
        _panel(panel, cells, looks(results)[name])
    _share_limits(panels)
    for index, panel in enumerate(panels):
        is_first, is_last = index % COLUMNS == 0, index + COLUMNS >= len(panels)
        panel.tick_params(labelsize=SMALL, labelleft=is_first, labelbottom=is_last)
        panel.grid(visible=True)
        if is_first:
            panel.set_ylabel(score, fontsize=SMALL)
        if is_last:
            panel.set_xlabel("epoch", fontsize=SMALL)
    figure.set_label(f"{title}. {'; '.join(_said(name, cells, score) for name, cells in drawn.items())}.")
    return figure


def _curved(result: VariantResult) -> list[Cell]:
    return [cell for cell in result.completed if len(cell.curve)]


def _notes(score: str, variants: Mapping[str, VariantResult], drawn: Mapping[str, Sequence[Cell]]) -> list[str]:
    notes = [
        f"Thick: mean of all cells (seeds and folds); band: lowest to highest; dashed and lighter: some have ended, so "
        f"of those left. Dot: each cell's epoch with the best {score}, whose weights are tested."
    ]
    without = [f"{name} ({result.standing()})" for name, result in variants.items() if name not in drawn]
    return [*notes, f"No curve: {', '.join(without)}."] if without else notes


def _panel(panel: Axes, cells: Sequence[Cell], look: Look) -> None:
    curves = matrix(cells)
    epochs, shortest = np.arange(1, curves.shape[1] + 1), min(len(cell.curve) for cell in cells)
    lowest, mean, highest = (of(curves, axis=0) for of in (np.nanmin, np.nanmean, np.nanmax))
    if len(cells) > 1:
        whole, rest = slice(0, shortest), slice(shortest - 1, None)
        panel.fill_between(epochs[whole], lowest[whole], highest[whole], color=look.colour, alpha=0.28, linewidth=0)
        panel.fill_between(epochs[rest], lowest[rest], highest[rest], color=look.colour, alpha=0.12, linewidth=0)
        panel.plot(epochs[rest], mean[rest], color=look.colour, linewidth=0.9, linestyle=(0, (3, 2)))
    panel.plot(epochs[:shortest], mean[:shortest], color=look.colour, linewidth=1.8)
    best = [(number, 100 * cell.curve[number - 1]) for cell in cells if (number := _best(cell))]
    if best:
        panel.plot(*np.transpose(best), linestyle="none", marker=look.mark, color=look.colour, markersize=4.5,
                   markeredgecolor="white", markeredgewidth=0.4, clip_on=False, zorder=4)  # fmt: skip


def matrix(cells: Sequence[Cell]) -> Floats:
    """The curves in percent (cells, epochs), NaN where a cell has ended."""
    longest = max(len(cell.curve) for cell in cells)
    return np.array(
        [np.pad(100 * cell.curve, (0, longest - len(cell.curve)), constant_values=np.nan) for cell in cells]
    )


def _best(cell: Cell) -> int:
    """The best epoch, 0 where the curve has none such."""
    best = cell.row.get("best_epoch")
    return int(best) if best is not None and 1 <= best <= len(cell.curve) else 0


def _share_limits(panels: Sequence[Axes]) -> None:
    """The same limits for all; a percentage is never below 0 or above 100."""
    ends = np.array([[*panel.get_xlim(), *panel.get_ylim()] for panel in panels])
    for panel in panels:
        panel.set(
            xlim=(0, ends[:, 1].max()),
            ylim=(max(ends[:, 2].min(), 0.0), min(ends[:, 3].max(), 100.0)),
        )


def _said(name: str, cells: Sequence[Cell], score: str) -> str:
    best = [100 * cell.curve[number - 1] for cell in cells if (number := _best(cell))]
    text = f"{name}: {counted(len(cells), 'cell')} of up to {max(len(cell.curve) for cell in cells)} epochs"
    return f"{text}, best {score} {min(best):.1f} to {max(best):.1f}" if best else text
