"""What fits a budget: the best model within it by validation score, what it scores, and what a larger one would buy.

Every variant counts by what it costs, also the large ones; where folds have chosen networks of different size, by the
largest of them.

The report's page, which computes no statistics, is asked for a budget too: `budget_form` has the sentences of every
outcome that one can have, and `budget.js` joins them as `budget_lines` does.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations_with_replacement
from typing import Any, NamedTuple

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
    """The budget of a command line, in the order of `COSTS`.

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
    return {cost: budget[cost] for cost in COSTS if cost in budget}


def budget_lines(results: Results, budget: Budget) -> Iterator[str]:
    """For each setting the best model within the budget, the runner-up, and the next best that costs more."""
    for setting in results.settings():
        yield f"{setting.title}: within {', '.join(_amount(cost, most) for cost, most in budget.items())}"
        yield from (f"  {line}" for line in _setting_lines(_ranked(results, setting), budget))


def budget_form(results: Results) -> dict[str, Any]:
    """What the page's form can say, as JSON: models in the order of their validation scores, and every outcome.

    Of costs, those that are known of some model.
    """
    ranked = {setting: _ranked(results, setting) for setting in results.settings()}
    known = {cost for models in ranked.values() for model in models for cost in _costs(model)}
    return {
        "costs": {cost: name for cost, name in COSTS.items() if cost in known},
        "settings": [
            {"title": setting.title, "models": list(map(_record, models)), "outcomes": _outcomes(models)}
            for setting, models in ranked.items()
        ],
    }


def _record(model: VariantResult) -> dict[str, Any]:
    return {"variant": model.variant, "costs": _costs(model), "scores": _scores(model)}


def _ranked(results: Results, setting: Setting) -> list[VariantResult]:
    """The models of a setting, the best validation score first."""
    return by_validation(variant_results(results, setting).values())


class Sentence(NamedTuple):
    """What is said before and after the description of a model; of none, it is all in `before`."""

    before: str
    rank: int | None = None
    """The model's place by validation score, from 0."""
    after: str = ""


def _setting_lines(ranked: Sequence[VariantResult], budget: Budget) -> Iterator[str]:
    within = _within(ranked, budget)
    if ranked and not within:
        yield from (f"nothing: {model.variant} has {', '.join(_above(model, budget))}" for model in ranked)
        return
    for before, rank, after in _sentences(ranked, within[:2]):
        yield before + ("" if rank is None else _described(ranked[rank], budget)) + after


def _sentences(ranked: Sequence[VariantResult], within: Sequence[int]) -> Iterator[Sentence]:
    """What is to say where these ranks are the two best within a budget, or the only one."""
    if not ranked:
        yield Sentence("no variant has a completed seed yet")
        return
    best, *others = within
    more = [0] if best else []
    against = _against(ranked, best, [*others, *more])
    yield Sentence("best: ", best)
    yield from (Sentence("runner-up: ", rank, against[rank]) for rank in others)
    yield from (Sentence("a larger budget: ", rank, against[rank]) for rank in more)
    if not more:
        yield Sentence("a larger budget: buys nothing, no other variant of the grid has a better validation score")


def _against(ranked: Sequence[VariantResult], best: int, rivals: Sequence[int]) -> dict[int, str]:
    """What the best is ahead of each rival, or behind; their p-values are adjusted together."""
    chosen = ranked[best]
    compared = [compare(chosen, ranked[rival], chosen.variant, ranked[rival].variant) for rival in rivals]
    return {rival: f"; {_difference(c)}" for rival, c in zip(rivals, adjusted(compared), strict=True)}


def _difference(c: Comparison) -> str:
    if c.estimate is None:
        return f"{c.variant} not comparable with it ({c.note})"
    chance = ", could be chance" if c.could_be_chance else ""
    return f"{c.variant} minus it {interval(c.estimate)} points per subject (95 % interval{chance})"


def _outcomes(ranked: Sequence[VariantResult]) -> dict[str, list[Sentence]]:
    """The sentences by the ranks of the two best within a budget, `2,5`, or of the only one, for all that can occur.

    Where any budget makes two models the best, so does the smallest that both are within: it admits the fewest others.
    """
    pairs = combinations_with_replacement(ranked, 2)
    found = {tuple(_within(ranked, _smallest(pair))[:2]) for pair in pairs} or {()}
    return {",".join(map(str, within)): list(_sentences(ranked, within)) for within in found}


def _smallest(models: Sequence[VariantResult]) -> Budget:
    """The smallest budget that all of them are within; what is unknown of one is not limited."""
    costs = [_costs(model) for model in models]
    return {name: max(known[name] for known in costs) for name in COSTS if all(name in known for known in costs)}


def _within(ranked: Sequence[VariantResult], budget: Budget) -> list[int]:
    """The ranks of the models within the budget."""
    return [rank for rank, model in enumerate(ranked) if not _above(model, budget)]


def _above(model: VariantResult, budget: Budget) -> list[str]:
    """The costs of a model that are over the budget, or not known."""
    costs = _costs(model)
    return [
        _amount(cost, costs[cost]) if cost in costs else f"an unknown number of {COSTS[cost]}"
        for cost, most in budget.items()
        if cost not in costs or costs[cost] > most
    ]


def _costs(model: VariantResult) -> dict[str, int]:
    """Those that are known, of the largest of its networks."""
    return {cost: values[1] for cost in COSTS if (values := model.cost(cost)) is not None}


def _amount(cost: str, count: int) -> str:
    return f"{count:,} {COSTS[cost]}"


def _described(model: VariantResult, budget: Budget) -> str:
    """`LM, 2,000 params; validation …`: of its costs those that the budget limits."""
    costs = _costs(model)
    known = [_amount(cost, costs[cost]) for cost in budget if cost in costs]
    return f"{', '.join([model.variant, *known])}; {_scores(model)}"


def _scores(model: VariantResult) -> str:
    return (
        f"validation {100 * (model.validation() or 0):.1f} %, test "
        f"{percent_alone(model.mean(), model.sd())} % macro F1, {subject_text(model)}"
    )
