"""Which cell is exported: one that is named, or of a variant the one that validation data choose."""

from typing import NamedTuple

from analysis.budget import Budget, nothing_within, within_budget
from analysis.load import Cell, Key, Results
from analysis.scores import VariantResult, variant_results
from analysis.student import Choice
from har_ray.errors import ExportError, nearest, unknown
from har_ray.models.architectures import fitted_at_once
from har_ray.text import counted


class Chosen(NamedTuple):
    """A completed confirm cell to export, and why this one."""

    cell: Cell
    why: str

    @property
    def id(self) -> str:
        return str(self.cell.row["cell_id"])

    @property
    def title(self) -> str:
        """`spar, wrist, loso split: DS-CNN, fold 3, seed 0 (cell …)`."""
        key = self.cell.key
        return f"{key.setting.title}: {key.variant}, fold {key.fold}, seed {key.seed} (cell {self.id})"


def named(results: Results, cell_id: str) -> Chosen:
    """A confirm cell by its id.

    Raises:
        ExportError: there is no such cell, it is not of stage confirm, or it is not completed.
    """
    planned = {str(row["cell_id"]): row for row in results.planned}
    if cell_id not in planned:
        meant = nearest(cell_id, planned)
        hint = f"; did you mean {meant!r}?" if meant else ""
        raise ExportError(f"cell {cell_id!r} is unknown{hint} ({counted(len(planned), 'cell')} in plan.json)")
    row = planned[cell_id]
    if row["stage"] != "confirm":
        raise ExportError(f"cell {cell_id} is of stage {row['stage']}; expected one of stage confirm, which was tested")
    cell = next(cell for cell in results.cells if cell.key == Key.of(row))
    if cell.state != "completed":
        reason = cell.error.strip().splitlines()[-1] if cell.error else "it has not ended"
        raise ExportError(f"cell {cell_id} ({row['variant']}, seed {row['seed']}) is not completed: {reason}")
    return Chosen(cell, "named")


def of_variant(results: Results, variant: str) -> list[Chosen]:
    """In each setting that has the variant, its cell with the best validation score.

    Raises:
        ExportError: there is no variant of this name, or none of its cells is completed.
    """
    known = list(dict.fromkeys(cell.key.variant for cell in results.cells))
    if variant not in known:
        raise ExportError(unknown("variant", variant, known))
    found = [variant_results(results, setting).get(variant) for setting in results.settings()]
    picked = [_best(result, "") for result in found if result is not None and result.completed]
    if not picked:
        raise ExportError(f"variant {variant}: no cell of stage confirm is completed")
    return picked


def recommended(results: Results) -> list[Chosen]:
    """In each setting the student that validation chose, as in the report.

    Raises:
        ExportError: in no setting a small model has a completed seed.
    """
    found = [choice.chosen for setting in results.settings() if (choice := Choice.of(results, setting)) is not None]
    if not found:
        others = list(dict.fromkeys(cell.key.variant for cell in results.cells if cell.state == "completed"))
        hint = f"; of {', '.join(others)} cells are: --variant {others[0]}" if others else ""
        raise ExportError(f"{results.path}: no small model has a completed seed yet{hint}")
    return [_best(result, "the small model with the best validation score") for result in found]


def within(results: Results, budget: Budget) -> list[Chosen]:
    """In each setting where there is one, the best model within a budget by validation score.

    Raises:
        ExportError: nothing is within it.
    """
    found = [ranked for one in results.settings() if (ranked := within_budget(results, one, budget))]
    if not found:
        raise ExportError(nothing_within(results, budget))
    return [_best(ranked[0], "the model within the budget with the best validation score") for ranked in found]


def require_network(results: Results, chosen: Chosen, budget: Budget | None) -> None:
    """Raise an error where a cell is of trees, with the best network that there is in its setting.

    Raises:
        ExportError: it is.
    """
    if not fitted_at_once(chosen.cell.row["architecture"]):
        return
    ranked = within_budget(results, chosen.cell.key.setting, budget or {})
    networks = [result.variant for result in ranked if not fitted_at_once(result.completed[0].row["architecture"])]
    which = f"network{' within it' if budget else ''}"
    hint = f"the best {which} is {networks[0]}: --variant {networks[0]}" if networks else f"there is no {which}"
    raise ExportError(f"{chosen.why}, but trees have no int8 file; {hint}")


def _best(result: VariantResult, why: str) -> Chosen:
    """Of a variant's completed cells the one with the best validation score; the first of equals."""
    cell = max(result.completed, key=lambda one: float(one.row.get(result.monitor) or 0.0))
    if len(result.completed) == 1:
        return Chosen(cell, why or "its only completed cell")
    of = f"of its {len(result.completed)} completed cells the one with the best validation score"
    others = (
        ", on other people than those of other folds" if result.folds > 1 and not result.setting.known_people else ""
    )
    return Chosen(cell, "; ".join(filter(None, [why, of])) + others)
