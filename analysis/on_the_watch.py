"""What the exported files score, weigh and need: float and int8 side by side, a row for each variant."""

from statistics import mean

from analysis.formats import Entry, TextTable, percent_alone, points, span
from analysis.load import Cell, Results
from analysis.scores import VariantResult, variant_results
from analysis.seeds import F1, Predictions, joined
from har_ray.errors import DamagedError
from har_ray.groups import Setting
from har_ray.metrics.f1_macro import MacroF1
from har_ray.store.exports import Exports
from har_ray.store.results import ResultStore


def on_the_watch(results: Results, setting: Setting) -> TextTable | None:
    """Scores of the int8 files beside those of the float networks; None where nothing has been exported."""
    variants = variant_results(results, setting).values()
    exported = {result.variant: result for result in variants if any(map(_is_exported, result.completed))}
    if not exported:
        return None
    exports = ResultStore(results.path).exports
    rows = [[Entry(name), *map(Entry, _texts(result, exports))] for name, result in exported.items()]
    columns = ["variant", "float F1 macro (%)", "int8 F1 macro (%)", "int8 − float", "agreement (%)", "logit error",
               "flash (bytes)", "working memory (bytes)", "exported"]  # fmt: skip
    return TextTable(f"On the watch: {setting.title}", columns, "l" + "r" * 8, rows, _notes(exported), results.made_by)


def _is_exported(cell: Cell) -> bool:
    return cell.row.get("flash_bytes") is not None


def _texts(result: VariantResult, exports: Exports) -> list[str]:
    cells = [cell for cell in result.completed if _is_exported(cell)]
    by_seed = _int8_scores(result, exports)
    float_mean, int8_mean = (mean(values) if values else None for values in (_float(result, by_seed), by_seed.values()))
    difference = "–" if int8_mean is None or float_mean is None else points(int8_mean - float_mean)
    return [
        percent_alone(float_mean),
        percent_alone(int8_mean),
        difference,
        f"{100 * mean(float(cell.row['int8_agreement']) for cell in cells):.1f}",
        f"{max(float(cell.row['int8_logit_error']) for cell in cells):.3g}",
        span(result.cost("flash_bytes")),
        span(result.cost("arena_bytes")),
        f"{len(cells)}/{len(result.cells)}",
    ]


def _float(result: VariantResult, seeds: dict[int, float]) -> list[float]:
    return [result.complete[seed].scores[F1.name] for seed in seeds]


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


def _notes(exported: dict[str, VariantResult]) -> list[str]:
    where = {str(cell.row["measured_on"]) for one in exported.values() for cell in one.completed if _is_exported(cell)}
    return [
        "The int8 file run over all test windows by TensorFlow Lite Micro's interpreter; both F1: the mean over the "
        "seeds of which every fold is exported, folds pooled. Agreement: test windows taken for the same class as in "
        "float, mean over cells; logit error: the largest.",
        f"Measured on {', '.join(sorted(where))}. Flash: the file, without the interpreter's code. Working memory: "
        "with pointers of 64 bits, so an upper bound for the same kernels on a microcontroller. Time and energy on a "
        "watch were not measured.",
    ]
