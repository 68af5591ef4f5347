"""What the exported files score, weigh and need: float and int8 side by side, a row for each variant."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import mean
from typing import Any

from analysis.formats import Entry, TextTable, percent, points, span
from analysis.load import Cell, Results
from analysis.scores import WATCH_COSTS, VariantResult, variant_results
from analysis.seeds import F1, Predictions, joined
from har_ray.errors import DamagedError
from har_ray.groups import Setting
from har_ray.metrics.f1_macro import MacroF1
from har_ray.store.exports import Exports
from har_ray.store.results import ResultStore


@dataclass(frozen=True)
class OnTheWatch:
    """What was measured of a variant's exported cells.

    Attributes:
        float_f1_macro, int8_f1_macro: means over the seeds of which every fold is exported, folds pooled; None where
            there is no such seed.
        int8_agreement: the share of test windows taken for the same class as in float, mean over cells.
        int8_logit_error: the largest difference of a logit from the float network's.
        exported: how many cells are.
        activations: what values are held in, int8 or int16, in the order of the alphabet.
        measured_on: where, likewise.
    """

    result: VariantResult
    float_f1_macro: float | None
    int8_f1_macro: float | None
    int8_agreement: float
    int8_logit_error: float
    exported: int
    activations: tuple[str, ...]
    measured_on: tuple[str, ...]

    @classmethod
    def of(cls, result: VariantResult, exports: Exports) -> "OnTheWatch | None":
        """None where no cell has been exported."""
        cells = [cell for cell in result.completed if _is_exported(cell)]
        if not cells:
            return None
        by_seed = _int8_scores(result, exports)
        floats = [result.complete[seed].scores[F1.name] for seed in by_seed]
        return cls(
            result,
            mean(floats) if floats else None,
            mean(by_seed.values()) if by_seed else None,
            mean(float(cell.row["int8_agreement"]) for cell in cells),
            max(float(cell.row["int8_logit_error"]) for cell in cells),
            len(cells),
            _distinct(cells, "activations", "int8"),  # which older exports don't say
            _distinct(cells, "measured_on"),
        )


def _distinct(cells: Sequence[Cell], column: str, absent: str = "") -> tuple[str, ...]:
    return tuple(sorted({str(cell.row.get(column) or absent) for cell in cells}))


@lru_cache(maxsize=64)
def exported(results: Results, setting: Setting) -> dict[str, OnTheWatch]:
    """The variants of which a cell has been exported."""
    exports = ResultStore(results.path).exports
    found = {name: OnTheWatch.of(result, exports) for name, result in variant_results(results, setting).items()}
    return {name: one for name, one in found.items() if one is not None}


def on_the_watch(results: Results, setting: Setting) -> TextTable | None:
    """Scores of the int8 files beside those of the float networks; None where nothing has been exported."""
    known = exported(results, setting)
    if not known:
        return None
    rows = [[Entry(name), *map(Entry, _texts(one))] for name, one in known.items()]
    columns = ["variant", "float F1 macro (%)", "int8 F1 macro (%)", "int8 − float", "agreement (%)", "logit error",
               "flash (bytes)", "working memory (bytes)", "exported"]  # fmt: skip
    return TextTable(f"On the watch: {setting.title}", columns, "l" + "r" * 8, rows, _notes(known), results.made_by)


def watch_record(results: Results, result: VariantResult) -> dict[str, Any]:
    """The same as columns of a file, empty where nothing has been exported."""
    one = exported(results, result.setting).get(result.variant)
    names = ("float_f1_macro", "int8_f1_macro", "int8_agreement", "int8_logit_error")
    record = {name: getattr(one, name, None) for name in names}
    for name in WATCH_COSTS:
        low, high = result.cost(name) or (None, None)
        record |= {f"{name}_min": low, f"{name}_max": high}
    record["cells_exported"] = 0 if one is None else one.exported
    said = {name: getattr(one, name, ()) for name in ("activations", "measured_on")}
    return record | {name: "; ".join(values) or None for name, values in said.items()}


def _is_exported(cell: Cell) -> bool:
    return cell.row.get("flash_bytes") is not None


def _texts(one: OnTheWatch) -> list[str]:
    before, after = one.float_f1_macro, one.int8_f1_macro
    return [
        percent(before),
        percent(after),
        "–" if before is None or after is None else points(after - before),
        f"{100 * one.int8_agreement:.1f}",
        f"{one.int8_logit_error:.3g}",
        span(one.result.cost("flash_bytes")),
        span(one.result.cost("arena_bytes")),
        f"{one.exported}/{len(one.result.cells)}",
    ]


def _int8_scores(result: VariantResult, exports: Exports) -> dict[int, float]:
    """Macro F1 of the seeds of which every fold is exported, its test predictions pooled as those in float are."""
    found = {}
    for seed in result.seeds:
        cells = [cell for cell in result.completed if cell.key.seed == seed]
        parts = [_int8(cell, exports) for cell in cells if _is_exported(cell)]
        whole = [part for part in parts if part is not None]
        if len(whole) == len(cells):
            pooled = joined(whole)
            found[seed] = MacroF1()(pooled.labels, pooled.logits)
    return found


def _int8(cell: Cell, exports: Exports) -> Predictions | None:
    """The int8 file's predictions; None where they can't be read."""
    row = exports.row(str(cell.row["cell_id"]))
    try:
        return None if row is None else Predictions.of(exports.int8(row))
    except DamagedError:
        return None


def _notes(known: dict[str, OnTheWatch]) -> list[str]:
    where = {name for one in known.values() for name in one.measured_on}
    wide = [name for name, one in known.items() if "int16" in one.activations]
    return [
        "The int8 file run over all test windows by TensorFlow Lite Micro's interpreter; both F1: the mean over the "
        "seeds of which every fold is exported, folds pooled. Agreement: test windows taken for the same class as in "
        "float, mean over cells; logit error: the largest.",
        f"Measured on {', '.join(sorted(where))}. Flash: the file, without the interpreter's code. Working memory: "
        "with pointers of 64 bits, so an upper bound for the same kernels on a microcontroller. Time and energy on a "
        "watch were not measured.",
        *([f"Weights in int8, values between layers in int16: {', '.join(wide)}."] if wide else []),
    ]
