"""Whether the attention of a cell attends to anything, and how much of its teacher's it has taken over."""

from collections.abc import Iterator
from statistics import fmean

from analysis.load import Cell, Results
from har_ray.groups import Setting
from har_ray.models.config import CONSTANT_SD
from har_ray.text import counted

SD, R2 = "attention_sd_", "attention_r2_"
"""Columns of the rows, each followed by the name of a map; see `har_ray.store.results.load`."""


def constant_attention(results: Results, setting: Setting) -> list[str]:
    """A line for each map of a variant that is the same for every window in some of its completed cells."""
    lines = []
    for variant, name, cells in _by_map(results, setting, SD):
        constant = [cell for cell in cells if cell.row[SD + name] < CONSTANT_SD]
        if constant:
            named = ", ".join(_place(cell, folds=any(one.key.fold for one in cells)) for cell in constant)
            lines.append(
                f"{variant}: the {name} attention of {len(constant)} of {len(cells)} cells is constant over windows "
                f"({named}), so it adds nothing there."
            )
    return lines


def explained(results: Results, setting: Setting) -> list[str]:
    """A line for each map of a variant that learns its teacher's: mean R² over its completed cells."""
    return [_explained(variant, name, cells) for variant, name, cells in _by_map(results, setting, R2)]


def _explained(variant: str, name: str, cells: list[Cell]) -> str:
    r2, over = fmean(cell.row[R2 + name] for cell in cells), f"mean over {counted(len(cells), 'cell')}"
    if r2 < 0:
        return (
            f"{variant}: its {name} attention varies otherwise than its teacher's on validation windows (R² "
            f"−{-r2:.2f}, {over}); one that is constant has 0."
        )
    return (
        f"{variant}: its {name} attention explains {100 * r2:.0f} % of the variance of its teacher's on validation "
        f"windows (R², {over})."
    )


def _by_map(results: Results, setting: Setting, column: str) -> Iterator[tuple[str, str, list[Cell]]]:
    """Each variant and map that rows have such a column of, with the cells that have it."""
    for variant in results.variants(setting):
        cells = results.of(setting, variant)
        names = dict.fromkeys(key.removeprefix(column) for cell in cells for key in cell.row if key.startswith(column))
        for name in names:
            having = [cell for cell in cells if cell.row.get(column + name) is not None]
            if having:
                yield variant, name, having


def _place(cell: Cell, folds: bool) -> str:
    return f"seed {cell.key.seed}" + (f" fold {cell.key.fold}" if folds else "")
