"""Confusion matrices: one panel per variant, test predictions of all its completed cells together."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.load import Results
from analysis.scores import VariantResult, variant_results
from har_ray.figures import GREY, INK, grid_of_panels
from har_ray.groups import Setting
from har_ray.metrics import Floats

MANY = 9
"""With more classes the panels are larger and small shares are not written out."""


def confusion_matrices(results: Results, setting: Setting) -> Figure:
    """Row-normalised: the share (%) of each class's windows that is given each label."""
    variants = variant_results(results, setting)
    classes = max((len(cell.confusion) for result in variants.values() for cell in result.completed), default=0)
    names = results.class_names(setting, classes)
    columns, panel_size = (2, (5.6, 5.2)) if classes > MANY else (3, (3.75, 3.5))
    figure, panels = grid_of_panels(len(variants), columns, panel_size)
    figure.suptitle(
        f"Confusion matrices: {setting.title}\nrows: true class; columns: predicted; % of the row, all completed cells",
        fontsize=9.5, ha="left", x=0.01,
    )  # fmt: skip
    filled = [bool(result.completed) for result in variants.values()]
    for index, (panel, result) in enumerate(zip(panels, variants.values(), strict=True)):
        panel.set_title(f"{result.variant} ({result.standing()})")
        _panel(panel, result, classes)
        if filled[index]:
            # A name is written once per row and column of panels, where the panel beside or below has none.
            is_last = index + columns >= len(panels) or not filled[index + columns]
            is_first = index % columns == 0 or not filled[index - 1]
            panel.set_xticks(np.arange(classes) + 0.5, names if is_last else [], rotation=90, fontsize=8)
            panel.set_yticks(np.arange(classes) + 0.5, names if is_first else [], fontsize=8)
    return figure


def _panel(panel: Axes, result: VariantResult, classes: int) -> None:
    panel.spines[:].set_visible(False)
    panel.tick_params(length=0)
    if not result.completed:
        panel.text(0.5, 0.5, "no completed cell", transform=panel.transAxes, ha="center", va="center", color=GREY)
        panel.set(xticks=[], yticks=[])
        return
    shares = row_shares(np.sum([cell.confusion for cell in result.completed], axis=0))
    panel.pcolormesh(shares, cmap="Blues", vmin=0, vmax=100, edgecolors="white", linewidth=0.5)
    panel.set_aspect("equal")
    panel.invert_yaxis()
    least, size = (4.5, 7) if classes > MANY else (0.5, 8)
    for row, column in np.argwhere(shares >= least):
        share = shares[row, column]
        colour = "white" if share > 55 else INK
        text = panel.text(column + 0.5, row + 0.5, f"{share:.0f}", ha="center", va="center", color=colour)
        # Inside the panel, so that the layout need not measure hundreds of them.
        text.set(fontsize=size, in_layout=False)


def row_shares(matrix: np.ndarray) -> Floats:
    """A confusion matrix (K, K) with rows in percent; a class without windows is NaN, hence blank."""
    support = matrix.sum(axis=1, keepdims=True)
    return np.where(support > 0, 100 * matrix / np.maximum(support, 1), np.nan)
