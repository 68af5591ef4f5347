"""Learning curves: the monitored validation score per epoch, one panel per variant."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from analysis.figures import COLOURS
from analysis.load import Cell, Results
from analysis.scores import VariantResult, variant_results
from har_ray.figures import GREY, grid_of_panels
from har_ray.groups import Setting


def learning_curves(results: Results, setting: Setting) -> Figure:
    """Each completed cell thin, their mean thick, a dot where each cell's weights are from (its best epoch)."""
    variants = variant_results(results, setting)
    figure, panels = grid_of_panels(len(variants), 4, (2.85, 2.3))
    figure.suptitle(
        f"Learning curves: {setting.title}\n"
        "thin: each seed (and fold); thick: mean, as long as all train; dot: best epoch, whose weights are tested",
        fontsize=9.5, ha="left", x=0.01,
    )  # fmt: skip
    for panel, result in zip(panels, variants.values(), strict=True):
        _panel(panel, result)
    _share_limits(panels)
    for index, panel in enumerate(panels):
        if index % 4 == 0:
            panel.set_ylabel(results.title_of(results.monitor))
        if index + 4 >= len(panels):
            panel.set_xlabel("epoch")
    return figure


def _panel(panel: Axes, result: VariantResult) -> None:
    panel.set_title(f"{result.variant} ({result.standing()})")
    panel.grid(visible=True)
    drawn = [cell for cell in result.completed if len(cell.curve)]
    if not drawn:
        panel.text(0.5, 0.5, "no completed cell", transform=panel.transAxes, ha="center", va="center", color=GREY)
        return
    colour = COLOURS[result.traits.family]
    percent = [100 * cell.curve for cell in drawn]
    # One artist for all cells: thousands of lines of their own would take minutes and gigabytes.
    lines = [np.column_stack([np.arange(1, len(curve) + 1), curve]) for curve in percent]
    panel.add_collection(LineCollection(lines, colors=colour, linewidths=0.8, alpha=0.45, zorder=2))
    panel.autoscale_view()
    best = [line[number - 1] for cell, line in zip(drawn, lines, strict=True) if (number := _best(cell))]
    if best:
        panel.plot(*np.transpose(best), "o", color=colour, markersize=4.5)
    # Beyond the shortest curve a mean would be one of the survivors.
    shortest = min(map(len, percent))
    if len(drawn) > 1:
        mean = np.mean([curve[:shortest] for curve in percent], axis=0)  # (cells, epochs) -> (epochs,)
        panel.plot(np.arange(1, shortest + 1), mean, color=colour, linewidth=2)


def _best(cell: Cell) -> int:
    """The best epoch, 0 where the curve has none such."""
    best = cell.row.get("best_epoch")
    return int(best) if best is not None and 1 <= best <= len(cell.curve) else 0


def _share_limits(panels: list[Axes]) -> None:
    filled = [panel for panel in panels if panel.collections]
    if filled:
        bottom, top = min(p.get_ylim()[0] for p in filled), max(p.get_ylim()[1] for p in filled)
        left, right = min(p.get_xlim()[0] for p in filled), max(p.get_xlim()[1] for p in filled)
        for panel in panels:
            panel.set(xlim=(left, right), ylim=(bottom, top))
