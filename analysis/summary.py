"""What the grid found and how far it is, in sentences."""

from analysis.formats import percent, points
from analysis.load import Results
from analysis.scores import variant_results
from analysis.statistics import Comparison, compare
from analysis.tables import best_student
from har_ray.groups import Setting
from har_ray.variants import BASELINE


def summary(results: Results) -> list[str]:
    """One sentence per setting: the best student, and how it stands to LM, MM and OM."""
    return [_sentence(results, setting) for setting in results.settings()] or ["The grid expects no cell yet."]


def _sentence(results: Results, setting: Setting) -> str:
    variants = variant_results(results, setting)
    best = best_student(variants)
    if best is None:
        return f"{setting.title}: no lightweight model has a completed seed yet."
    score = best.mean() or 0.0
    found = f"{setting.title}: the best lightweight model is {best.variant} with {percent(score, best.sd())} % macro F1"
    found += f" (seeds: {best.standing()})"
    relations = []
    for name in ("LM", "MM", "OM"):
        other = variants[name].mean() if name in variants else None
        if other is not None and name != best.variant:
            chance = " (could be chance)" if _may_be_chance(compare(best, variants[name], best.variant, name)) else ""
            relations.append(f"{_relation(score - other)} {name}{chance}")
    if best.variant == BASELINE and any(result.traits.boosted and result.seeds for result in variants.values()):
        relations.insert(0, "nothing added to it helped")
    return found + (f": {', '.join(relations)}." if relations else ".")


def _may_be_chance(comparison: Comparison) -> bool:
    """The 95 % interval over test subjects includes 0, or there is none."""
    return comparison.low is None or comparison.high is None or comparison.low <= 0 <= comparison.high


def _relation(difference: float) -> str:
    size = points(abs(difference)).removeprefix("+")
    if size == "0.0":
        return "level with"
    return f"{size} points {'above' if difference > 0 else 'below'}"


def standing(results: Results) -> str:
    """How far the grid is; empty when every expected cell is completed."""
    total, completed = len(results.cells), results.count("completed")
    if completed == total:
        return ""
    others = [f"{count} {state}" for state in ("failed", "stopped", "missing") if (count := results.count(state))]
    lead = "This grid has ended" if results.info.get("finished_at") else "This grid has not ended yet"
    return f"{lead}: {completed} of {total} cells of the tables are completed, {', '.join(others)}."
