"""Confusion matrices: one panel per variant, test predictions of all its completed cells together."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.confusions import of_interest, pooled, row_shares
from analysis.figures.looks import names, signs_explained
from analysis.load import Results
from analysis.scores import VariantResult, variant_results
from har_ray.figures import INK, SMALL, grid_of_panels, new_figure
from har_ray.groups import Setting
from har_ray.metrics import Floats

MOST_PANELS = 4
"""With more variants those of interest are shown, the others are in the CSV."""
MANY = 8
"""With more classes panels stand below each other, and small shares are not written out."""
LEAST = (0.5, 4.5)
"""From what share on a number is written, in percent: with few classes and with many."""
CLASS_IN = (0.19, 0.15)
"""Height of a row, enough for a number: with few classes and with many."""


def confusion_matrices(results: Results, setting: Setting) -> Figure | None:
    """Row-normalised: the share (%) of each class's windows that is given each label; None without a completed cell."""
    variants = [result for result in variant_results(results, setting).values() if result.completed]
    if not variants:
        return None
    shown = variants if len(variants) <= MOST_PANELS else of_interest(results, setting)
    shares = [row_shares(pooled(result)) for result in shown]
    classes = len(shares[0])
    class_names, are_many = results.class_names(setting, classes), classes > MANY
    columns = 1 if are_many else 2
    title = f"Confusion matrices: {setting.title}"
    left = [result.variant for result in variants if result not in shown]
    notes = [*_notes(LEAST[are_many], left), signs_explained(results, setting, [result.variant for result in shown])]
    height = -(-len(shown) // columns) * (CLASS_IN[are_many] * classes + 0.62)
    figure = new_figure(title, [*notes, results.made_by_short], height)
    for panel, result, share in zip(grid_of_panels(figure, len(shown), columns), shown, shares, strict=True):
        panel.set_title(f"{names(results, setting)[result.variant]}", fontsize=SMALL + 1)
        _panel(panel, share, class_names, LEAST[are_many])
    said = "; ".join(_said(result, share, class_names) for result, share in zip(shown, shares, strict=True))
    figure.set_label(f"{title}. {said}.")
    return figure


def _notes(least: float, left: Sequence[str]) -> list[str]:
    notes = [
        f"Rows: true class; columns: what it is taken for, by number; % of the row's windows, of all completed cells. "
        f"Shares under {least:g} % are shaded, not written."
    ]
    return [*notes, f"Left to confusions.csv: {', '.join(left)}."] if left else notes


def _panel(panel: Axes, shares: Floats, class_names: Sequence[str], least: float) -> None:
    size = len(shares)
    panel.spines[:].set_visible(False)
    panel.tick_params(length=0)
    panel.imshow(shares, cmap="Blues", vmin=0, vmax=100, aspect="auto", interpolation="nearest")
    panel.set_xticks(range(size), [str(number) for number in range(1, size + 1)], fontsize=SMALL)
    panel.set_yticks(range(size), [f"{name} {number}" for number, name in enumerate(class_names, 1)], fontsize=SMALL)
    between = np.arange(size + 1) - 0.5
    panel.hlines(between, between[0], between[-1], color="#FFFFFF", linewidth=0.6)
    panel.vlines(between, between[0], between[-1], color="#FFFFFF", linewidth=0.6)
    for row, column in np.argwhere(shares >= least):
        share = shares[row, column]
        colour = "white" if share > 55 else INK
        # Inside the panel, so that the layout need not measure hundreds of them.
        panel.text(column, row, f"{share:.0f}", ha="center", va="center", color=colour, fontsize=SMALL - 0.5,
                   in_layout=False)  # fmt: skip


def _said(result: VariantResult, shares: Floats, class_names: Sequence[str]) -> str:
    """How often classes are found, and what is taken for what most often."""
    found = np.diag(shares)
    mistakes = np.where(np.eye(len(shares), dtype=bool), -1.0, np.nan_to_num(shares))
    label, predicted = map(int, np.unravel_index(mistakes.argmax(), mistakes.shape))
    worst = (
        f"{class_names[label]} is taken for {class_names[predicted]} most often ({mistakes[label, predicted]:.0f} %)"
    )
    return f"{result.variant}: {np.nanmin(found):.0f} to {np.nanmax(found):.0f} % of a class found, {worst}"
