"""What fits a budget: the best model within it by validation score, what it scores, and what a larger one would buy.

Every variant counts by what it costs, also the large ones; where folds have chosen networks of different size, by the
largest of them.
"""

from collections.abc import Iterator, Mapping

from analysis.formats import percent_alone
from analysis.load import Results
from analysis.scores import COSTS, VariantResult, by_validation, variant_results
from analysis.statistics import Comparison, adjusted, compare, interval
from analysis.student import subject_text
from har_ray.errors import HarRayError, unknown
from har_ray.groups import Setting

Budget = Mapping[str, int]
"""Cost → the most of it; the costs are the keys of `COSTS`."""


def parse(text: str) -> dict[str, int]:
    """The budget of a command line.

    Raises:
        HarRayError: names the cost that is unknown, or the number that is none.

    Example:
        >>> parse("params=10000,macs=300000")
        {'params': 10000, 'macs': 300000}
    """
    budget: dict[str, int] = {}
    for part in text.split(","):
        cost, _, most = part.partition("=")
        if cost not in COSTS:
            raise HarRayError(f"--budget {text}: {unknown('cost', cost, COSTS)}")
        if not most.isdecimal() or not int(most):
            raise HarRayError(f"--budget {text}: {cost}={most}: expected a whole number above 0")
        budget[cost] = int(most)
    return budget


def budget_lines(results: Results, budget: Budget) -> Iterator[str]:
    """For each setting the best model within the budget, the runner-up, and the next best that costs more."""
    for setting in results.settings():
        yield f"{setting.title}: within {', '.join(f'{most:,} {COSTS[cost]}' for cost, most in budget.items())}"
        yield from (f"  {line}" for line in _setting_lines(results, setting, budget))


def _setting_lines(results: Results, setting: Setting, budget: Budget) -> Iterator[str]:
    ranked = by_validation(result for result in variant_results(results, setting).values() if result.seeds)
    if not ranked:
        yield "no variant has a completed seed yet"
        return
    within = [result for result in ranked if not _above(result, budget)]
    if not within:
        yield from (f"nothing: {result.variant} has {', '.join(_above(result, budget))}" for result in ranked)
        return
    best, *others = within
    yield f"best: {_described(best, budget)}"
    more = ranked[0] if ranked[0] is not best else None
    rivals = [*others[:1], *([more] if more else [])]
    compared = {c.baseline: c for c in adjusted(compare(best, one, best.variant, one.variant) for one in rivals)}
    if others:
        yield f"runner-up: {_described(others[0], budget)}; {_against(compared[others[0].variant])}"
    if more is None:
        yield "a larger budget: buys nothing, no other variant of the grid has a better validation score"
    else:
        yield f"a larger budget: {_described(more, budget)}; {_against(compared[more.variant])}"


def _above(result: VariantResult, budget: Budget) -> list[str]:
    """The costs of a variant that are over the budget, or not known."""
    found = ((COSTS[cost], result.cost(cost), most) for cost, most in budget.items())
    return [
        f"an unknown number of {name}" if values is None else f"{values[1]:,} {name}"
        for name, values, most in found
        if values is None or values[1] > most
    ]


def _described(result: VariantResult, budget: Budget) -> str:
    known = {COSTS[cost]: values[1] for cost in budget if (values := result.cost(cost)) is not None}
    costs = ", ".join(f"{value:,} {name}" for name, value in known.items())
    return (
        f"{result.variant}, {costs}; validation {100 * (result.validation() or 0):.1f} %, test "
        f"{percent_alone(result.mean(), result.sd())} % macro F1, {subject_text(result)}"
    )


def _against(c: Comparison) -> str:
    """What the best within the budget is ahead or behind."""
    if c.estimate is None:
        return f"{c.variant} not comparable with it ({c.note})"
    chance = ", could be chance" if c.could_be_chance else ""
    return f"{c.variant} minus it {interval(c.estimate)} points per subject (95 % interval{chance})"
