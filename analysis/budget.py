"""What fits a budget: the best model within it by validation score, what it scores, and what a larger one would buy.

Every variant counts by what it costs, also the large ones; where folds have chosen networks of different size, by the
largest of them. Latency counts where one device has measured all variants of a setting, by the median over cells, with
the two decimals of the tables.

The report's page, which computes no statistics, is asked for a budget too: `budget_form` has the sentences of every
outcome that one can have, and `budget.js` joins them as `budget_lines` does.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations_with_replacement
from typing import Any, NamedTuple

from analysis.formats import percent
from analysis.load import Results
from analysis.scores import COSTS, WATCH_COSTS, VariantResult, by_validation, shared_device, variant_results
from analysis.statistics import Comparison, adjusted, compare, interval
from analysis.student import subject_text
from har_ray.errors import HarRayError, unknown
from har_ray.groups import Setting

Amount = int | float
Budget = Mapping[str, Amount]
"""Cost → the most of it; the costs are the keys of `LIMITED`."""


class Limited(NamedTuple):
    """Something that a budget limits.

    Attributes:
        unit: what stands behind an amount.
        pattern: of what is typed as a limit, a regular expression that Python and JavaScript read alike.
        expected: the pattern in words.
    """

    unit: str
    pattern: str = "0*[1-9][0-9]*"
    expected: str = "a whole number above 0"


LATENCY = "latency_ms"
LIMITED = {cost: Limited(unit) for cost, unit in (COSTS | WATCH_COSTS).items()} | {
    LATENCY: Limited(
        "ms of latency", r"(?=.*[1-9])[0-9]{1,9}([.][0-9]{1,3})?", "a number above 0, with three decimals at most"
    )
}


def parse(text: str) -> dict[str, Amount]:
    """The budget of a command line, in the order of `LIMITED`.

    Raises:
        HarRayError: names the cost that is unknown, or the number that is none.

    Example:
        >>> parse("latency_ms=0.5,params=10000")
        {'params': 10000, 'latency_ms': 0.5}
    """
    budget: dict[str, Amount] = {}
    for part in text.split(","):
        cost, _, most = part.partition("=")
        if cost not in LIMITED:
            raise HarRayError(f"--budget {text}: {unknown('cost', cost, LIMITED)}")
        if not re.fullmatch(LIMITED[cost].pattern, most):
            raise HarRayError(f"--budget {text}: {cost}={most}: expected {LIMITED[cost].expected}")
        budget[cost] = float(most) if cost == LATENCY else int(most)
    return {cost: budget[cost] for cost in LIMITED if cost in budget}


class Model(NamedTuple):
    """A variant of a setting, and what is known of its costs."""

    result: VariantResult
    costs: dict[str, Amount]

    @property
    def variant(self) -> str:
        return self.result.variant

    @classmethod
    def of(cls, result: VariantResult, device: str | None) -> "Model":
        """With its latency on the device, where there is one."""
        every = {**COSTS, **WATCH_COSTS}
        costs: dict[str, Amount] = {cost: most[1] for cost in every if (most := result.cost(cost)) is not None}
        latency_ms = None if device is None else result.latencies_ms().get(device)
        return cls(result, costs if latency_ms is None else costs | {LATENCY: round(latency_ms, 2)})


def budget_lines(results: Results, budget: Budget) -> Iterator[str]:
    """For each setting the best model within the budget, the runner-up, and the next best that costs more."""
    for setting in results.settings():
        yield f"{setting.title}: within {', '.join(_amount(cost, most) for cost, most in budget.items())}"
        yield from (f"  {line}" for line in _setting_lines(_ranked(results, setting), budget))


def within_budget(results: Results, setting: Setting, budget: Budget) -> list[VariantResult]:
    """The models of a setting within the budget, the best first."""
    ranked = _ranked(results, setting)
    return [ranked[rank].result for rank in _within(ranked, budget)]


def nothing_within(results: Results, budget: Budget) -> str:
    """Why no model of any setting is within a budget: the least that models have of each cost."""
    models = [model for setting in results.settings() for model in _ranked(results, setting)]
    least = []
    for cost in budget:
        known = [(model.costs[cost], model.variant) for model in models if cost in model.costs]
        amount, variant = min(known, default=(None, ""))
        unknown = f"no {LIMITED[cost].unit} are known{', as nothing is exported' if cost in WATCH_COSTS else ''}"
        least.append(unknown if amount is None else f"{_amount(cost, amount)} ({variant})")
    within = ", ".join(_amount(cost, most) for cost, most in budget.items())
    return f"nothing is within {within}; the least of {'each' if len(budget) > 1 else 'it'}: {', '.join(least)}"


def budget_form(results: Results) -> dict[str, Any]:
    """What the page's form can say, as JSON: models in the order of their validation scores, and every outcome.

    Of costs, those that are known of some model.
    """
    ranked = {setting: _ranked(results, setting) for setting in results.settings()}
    known = {cost for models in ranked.values() for model in models for cost in model.costs}
    return {
        "costs": {cost: limited._asdict() for cost, limited in LIMITED.items() if cost in known},
        "settings": [
            {"title": setting.title, "models": list(map(_record, models)), "outcomes": _outcomes(models)}
            for setting, models in ranked.items()
        ],
    }


def _record(model: Model) -> dict[str, Any]:
    return {"variant": model.variant, "costs": model.costs, "scores": _scores(model.result)}


def _ranked(results: Results, setting: Setting) -> list[Model]:
    """The models of a setting, the best validation score first."""
    ranked = by_validation(variant_results(results, setting).values())
    device = shared_device(ranked)
    return [Model.of(result, device) for result in ranked]


class Sentence(NamedTuple):
    """What is said before and after the description of a model; of none, it is all in `before`."""

    before: str
    rank: int | None = None
    """The model's place by validation score, from 0."""
    after: str = ""


def _setting_lines(ranked: Sequence[Model], budget: Budget) -> Iterator[str]:
    within = _within(ranked, budget)
    if ranked and not within:
        yield from (f"nothing: {model.variant} has {', '.join(_above(model, budget))}" for model in ranked)
        return
    for before, rank, after in _sentences(ranked, within[:2]):
        yield before + ("" if rank is None else _described(ranked[rank], budget)) + after
    if unknown_of := [model.variant for model in ranked if not model.costs.keys() >= budget.keys()]:
        yield f"left out, because not every cost of the budget is known of them: {', '.join(unknown_of)}"


def _sentences(ranked: Sequence[Model], within: Sequence[int]) -> Iterator[Sentence]:
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


def _against(ranked: Sequence[Model], best: int, rivals: Sequence[int]) -> dict[int, str]:
    """What the best is ahead of each rival, or behind; their p-values are adjusted together."""
    chosen = ranked[best]
    compared = [compare(chosen.result, ranked[rival].result, chosen.variant, ranked[rival].variant) for rival in rivals]
    return {rival: f"; {_difference(c)}" for rival, c in zip(rivals, adjusted(compared), strict=True)}


def _difference(c: Comparison) -> str:
    if c.estimate is None:
        return f"{c.variant} not comparable with it ({c.note})"
    chance = ", could be chance" if c.could_be_chance else ""
    return f"{c.variant} minus it {interval(c.estimate)} points per subject (95 % interval{chance})"


def _outcomes(ranked: Sequence[Model]) -> dict[str, list[Sentence]]:
    """The sentences by the ranks of the two best within a budget, `2,5`, or of the only one, for all that can occur.

    Where any budget makes two models the best, so does the smallest that both are within: it admits the fewest others.
    """
    pairs = combinations_with_replacement(ranked, 2)
    found = {tuple(_within(ranked, _smallest(pair))[:2]) for pair in pairs} or {()}
    return {",".join(map(str, within)): list(_sentences(ranked, within)) for within in found}


def _smallest(models: Iterable[Model]) -> Budget:
    """The smallest budget that all of them are within; what is unknown of one is not limited."""
    costs = [model.costs for model in models]
    return {name: max(known[name] for known in costs) for name in LIMITED if all(name in known for known in costs)}


def _within(ranked: Sequence[Model], budget: Budget) -> list[int]:
    """The ranks of the models within the budget."""
    return [rank for rank, model in enumerate(ranked) if not _above(model, budget)]


def _above(model: Model, budget: Budget) -> list[str]:
    """The costs of a model that are over the budget, or not known."""
    return [
        _amount(cost, model.costs[cost]) if cost in model.costs else f"an unknown number of {LIMITED[cost].unit}"
        for cost, most in budget.items()
        if cost not in model.costs or model.costs[cost] > most
    ]


def _amount(cost: str, amount: Amount) -> str:
    """`10,000 params`; of milliseconds two decimals, or three: `0.50 ms of latency`, `0.125 ms of latency`."""
    text = f"{amount:,.3f}".removesuffix("0") if cost == LATENCY else f"{amount:,}"
    return f"{text} {LIMITED[cost].unit}"


def _described(model: Model, budget: Budget) -> str:
    """`LM, 2,000 params; validation …`: of its costs those that the budget limits."""
    known = [_amount(cost, model.costs[cost]) for cost in budget if cost in model.costs]
    return f"{', '.join([model.variant, *known])}; {_scores(model.result)}"


def _scores(model: VariantResult) -> str:
    return (
        f"validation {100 * (model.validation or 0):.1f} %, test "
        f"{percent(model.mean(), model.sd())} % macro F1, {subject_text(model)}"
    )
