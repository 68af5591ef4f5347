"""Learning curves: the monitored validation score per epoch, one panel per variant."""

import numpy as np
from matplotlib.axes import Axes
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
    drawn = [cell for cell in result.completed if cell.curve]
    if not drawn:
        panel.text(0.5, 0.5, "no completed cell", transform=panel.transAxes, ha="center", va="center", color=GREY)
        return
    colour = COLOURS[result.traits.family]
    for cell in drawn:
        epochs, scores = _curve(cell, result.monitor)
        panel.plot(epochs, scores, color=colour, linewidth=0.8, alpha=0.45)
        best = cell.row.get("best_epoch")
        if best is not None and best in epochs:
            panel.plot([best], [scores[epochs.index(best)]], "o", color=colour, markersize=4.5)
    # Beyond the shortest curve a mean would be one of the survivors.
    shortest = min(len(cell.curve) for cell in drawn)
    if len(drawn) > 1:
        curves = np.array([_curve(cell, result.monitor)[1][:shortest] for cell in drawn])  # (cells, epochs)
        panel.plot(_curve(drawn[0], result.monitor)[0][:shortest], curves.mean(axis=0), color=colour, linewidth=2)


def _curve(cell: Cell, monitor: str) -> tuple[list[int], list[float]]:
    missing = float("nan")
    values = [entry.get(monitor) for entry in cell.curve]
    return [int(entry["epoch"]) for entry in cell.curve], [missing if v is None else 100 * v for v in values]


def _share_limits(panels: list[Axes]) -> None:
    filled = [panel for panel in panels if panel.lines]
    if filled:
        bottom, top = min(p.get_ylim()[0] for p in filled), max(p.get_ylim()[1] for p in filled)
        left, right = min(p.get_xlim()[0] for p in filled), max(p.get_xlim()[1] for p in filled)
        for panel in panels:
            panel.set(xlim=(left, right), ylim=(bottom, top))
