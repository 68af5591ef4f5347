"""How a variant of a grid is made, by dotted names: the grid's training, its declaration, and what was chosen."""

from collections.abc import Iterator, Mapping
from typing import Any

from analysis.load import Results
from analysis.scores import VariantResult
from har_ray.store.results import ResultStore, Row, hyper_columns

NOTHING: tuple[Any, ...] = ({}, [], "", None, 0, False)
"""What is said of a key by which nothing is done."""
TRAIN = "train."
"""How the names of the grid's training begin, of which every grid says all that its version knows."""

Recipe = dict[str, list[str]]
"""Dotted name → its values, of which the cells of different folds may have several."""


def hyper_parameters(results: Results) -> dict[str, Row]:
    """Those of each planned cell, by its id."""
    cells = ResultStore(results.path).plan()["cells"]
    return {cell["cell_id"]: {key: cell[key] for key in hyper_columns(cell)} for cell in cells}


def recipe(results: Results, result: VariantResult, chosen: Mapping[str, Row]) -> Recipe:
    """How a variant is made.

    Args:
        chosen: the `hyper_parameters` of the grid.

    Example:
        >>> recipe(results, variant_results(results, setting)["RB-KD"], hyper_parameters(results))
        {'train.epochs': ['150'], 'teacher': ['MM'], 'temperature': ['2.0', '8.0'], …}
    """
    grid = results.info.get("grid") or {}
    entries = [entry for entry in grid.get("variants") or [] if isinstance(entry, dict)]
    declared: Row = next((entry for entry in entries if entry.get("name") == result.variant), {})
    # What a variant says of its training goes before what its grid says.
    training = {
        TRAIN + key: value for key, value in ((grid.get("train") or {}) | (declared.get("train") or {})).items()
    }
    said = {"sequence_axis": grid.get("sequence_axis")} | {k: v for k, v in declared.items() if k != "train"}
    if any(cell.row.get("teacher_id") for cell in result.completed):
        said["teacher"] = declared.get("teacher") or grid.get("teacher")
        said["teacher_epochs"] = grid.get("teacher_epochs")
    cells = [chosen.get(cell.row["cell_id"], {}) for cell in result.completed]
    found = {name: [_text(value)] for name, value in [*training.items(), *_flat(said)]}
    for name in dict.fromkeys(name for cell in cells for name in cell):
        values = {_text(cell[name]) for cell in cells if cell.get(name) is not None}
        found |= {name: sorted(values)} if values else {}
    return found


def differences(before: Recipe, after: Recipe) -> dict[str, tuple[str, str]]:
    """What differs between two recipes, as texts; `–` for what one does not say.

    What the version of one grid does not know of training is left out.
    """
    names = [name for name in {**before, **after} if not name.startswith(TRAIN) or (name in before and name in after)]
    pairs = {name: (", ".join(before.get(name, ["–"])), ", ".join(after.get(name, ["–"]))) for name in names}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def _flat(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Nested mappings as dotted names, without what does nothing."""
    if isinstance(value, Mapping) and value:
        for key, part in value.items():
            yield from _flat(part, f"{name}.{key}" if name else str(key))
    elif value not in NOTHING:
        yield name, value


def _text(value: Any) -> str:
    return "–" if value is None else ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
