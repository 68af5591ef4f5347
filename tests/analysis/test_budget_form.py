"""The page's form says what the command says, for every budget: what it joins, and in a browser, where there is one."""

import json
import re
from itertools import product

import numpy as np
import pytest

from analysis.budget import LIMITED, budget_form, budget_lines, parse
from analysis.page import grid_page
from har_ray.errors import HarRayError
from tests.analysis.test_student import predictions
from tests.browser import needs_browser

NETWORKS = {
    "OM": (0.90, (400_000, 380_000), (5_000_000, 5_000_000), 1_600_000, 4.004),
    "RB-KD-Att": (0.85, (None, None), (15_000, 30_000), 9_000, 0.2),
    "RB-KD": (0.80, (2_100, 2_300), (20_000, 20_000), 9_200, 0.1234),
    "MM": (0.75, (7_000, 7_000), (80_000, 90_000), None, 1200.0),
    "LM": (0.70, (2_000, 2_000), (20_000, 15_000), 8_000, None),
}
"""Validation score, parameters and MACs in each of two folds, bytes, milliseconds."""
LIMITS = {
    "params": (1_999, 2_300, 400_000),
    "macs": (14_999, 20_000, 30_000, 10**30),
    "bytes": (4_000, 9_100, 10_000_000),
    "latency_ms": (0.12, 0.125, 4.0, 1234.5),
}
BUDGETS = [
    {cost: most for cost, most in zip(LIMITS, limits, strict=True) if most}
    for limits in product(*((None, *most) for most in LIMITS.values()))
    if any(limits)
]


@pytest.fixture
def results(grid):
    """Folds whose networks differ in size, seeds that differ in number, unknown costs, a setting without any score."""
    rng = np.random.default_rng(0)
    for variant, (validation, params, macs, size, latency_ms) in NETWORKS.items():
        for seed, fold in product(range(2 if variant == "LM" else 3), range(2)):
            costs = {"params": params[fold], "macs": macs[fold], "bytes": size, "flops_published": None,
                     "latency_ms": latency_ms}  # fmt: skip
            found = [(f"{fold}-{subject}", *rest) for subject, *rest in predictions(*rng.integers(5, 10, 3))]
            grid.completed(variant, seed, 0.5, fold, predictions=found, row={"val_f1_macro": validation, **costs},
                           protocol="subject-kfold")  # fmt: skip
    for variant, size in {"LM": 4_000, "RAB-KD": 5_000}.items():
        row = {"params": None, "macs": None, "bytes": size, "flops_published": None,
               "latency_device": f"the watch of {variant}"}  # fmt: skip
        grid.completed(variant, 0, 0.5, row=row, dataset="ours & <yours>", protocol="loso")
    grid.failed("LM", 0, "out of memory", dataset="spar")
    return grid.load()


def joined(form, budget):
    """What the script makes of the form, a setting after the other."""
    for setting in form["settings"]:
        yield f"{setting['title']}: within {', '.join(_amount(cost, most) for cost, most in budget.items())}"
        above = [_above(model["costs"], budget) for model in setting["models"]]
        within = [str(rank) for rank, costs in enumerate(above) if not costs]
        if above and not within:
            for model, costs in zip(setting["models"], above, strict=True):
                yield f"nothing: {model['variant']} has {', '.join(costs)}"
            continue
        for before, rank, after in setting["outcomes"][",".join(within[:2])]:
            yield before + ("" if rank is None else _described(setting["models"][rank], budget)) + after
        if unknown := [model["variant"] for model in setting["models"] if set(budget) - set(model["costs"])]:
            yield f"left out, because not every cost of the budget is known of them: {', '.join(unknown)}"


def _amount(cost, amount):
    decimals = 3 if round(amount, 2) != amount else 2 if cost == "latency_ms" else 0
    return f"{amount:,.{decimals}f} {LIMITED[cost].unit}" if decimals else f"{amount:,} {LIMITED[cost].unit}"


def _above(costs, budget):
    texts = {cost: _amount(cost, costs[cost]) if cost in costs else f"an unknown number of {LIMITED[cost].unit}"
             for cost in budget}  # fmt: skip
    return [texts[cost] for cost, most in budget.items() if not costs.get(cost, 10**99) <= most]


def _described(model, budget):
    known = [_amount(cost, model["costs"][cost]) for cost in budget if cost in model["costs"]]
    return ", ".join([model["variant"], *known]) + "; " + model["scores"]


def commanded(results, budget):
    return [line.strip() for line in budget_lines(results, budget)]


def test_the_form_joins_what_the_command_prints(results):
    form = json.loads(json.dumps(budget_form(results)))
    for budget in BUDGETS:
        assert list(joined(form, budget)) == commanded(results, budget)


def test_it_has_the_outcomes_that_a_budget_can_have(grid):
    for variant, score in {"OM": 0.9, "RB-KD": 0.8, "MM": 0.7, "LM": 0.6}.items():
        grid.seeds(variant, score, row={"macs": 90_000 if variant == "RB-KD" else 20_000})
    (setting,) = budget_form(grid.load())["settings"]
    assert [model["variant"] for model in setting["models"]] == ["OM", "RB-KD", "MM", "LM"]
    # A limit on parameters admits all, all but OM, or RB-KD and LM, which have as many; one on MACs excludes RB-KD.
    assert set(setting["outcomes"]) == {"0,1", "0,2", "1,2", "1,3", "2,3", "3"}


def test_it_asks_for_no_cost_that_no_model_is_known_by(grid):
    grid.completed("LM", 0, 0.5, row={"flops_published": None, "bytes": None, "latency_ms": None})
    assert {cost: one["unit"] for cost, one in budget_form(grid.load())["costs"].items()} == {
        "params": "params", "macs": "MACs",
    }  # fmt: skip


def test_latency_counts_where_one_device_has_measured_it(grid):
    grid.completed("LM", 0, 0.5, row={"latency_ms": 0.126})
    grid.completed("MM", 0, 0.6)
    for variant in ("LM", "MM"):
        grid.completed(variant, 0, 0.5, dataset="spar", row={"latency_device": f"the watch of {variant}"})
        grid.completed(variant, 0, 0.5, dataset="wisdm", row={"latency_device": None})
    latencies = [[model["costs"].get("latency_ms") for model in setting["models"]]
                 for setting in budget_form(grid.load())["settings"]]  # fmt: skip
    assert latencies == [[0.5, 0.13], [None, None], [None, None]]


def test_without_javascript_the_page_names_the_command(results):
    page = grid_page(results, [])
    (text,) = re.findall("<noscript>(.*?)</noscript>", page)
    assert "har-ray report RESULTS --budget params=10000" in text
    assert re.search('<form id="budget-form"[^>]* hidden>', page)


def test_a_page_without_a_known_cost_has_no_form(grid):
    grid.failed("LM", 0, "out of memory")
    assert 'id="budget' not in grid_page(grid.load(), [])


@pytest.fixture
def opened(results, tmp_path, browser):
    """Opens the page in a browser."""
    page = tmp_path / "report.html"
    page.write_text(grid_page(results, []), "utf-8")
    with browser.new_page() as tab:

        def open_page(address=""):
            tab.goto("about:blank")
            tab.goto(page.as_uri() + address)
            return tab

        yield open_page


def said(tab):
    """The sentences below the form."""
    return tab.locator("#budget-said > *").all_text_contents()


@needs_browser
def test_a_link_with_a_budget_fills_the_form(results, opened):
    wanted = {"params": 10_000, "macs": 300_000, "latency_ms": 0.5}
    assert said(opened("#budget:latency_ms=0.5,macs=300000,params=10000")) == commanded(results, wanted)
    assert said(opened("#budget:macs=300000,watts=1")) == ["Not known of any model here: watts."]
    assert said(opened()) == []


TYPE = """(budgets) => budgets.map((budget) => {
  for (const field of document.querySelectorAll("#budget-form input")) field.value = budget[field.name] ?? "";
  document.querySelector("#budget-form input").dispatchEvent(new Event("input", { bubbles: true }));
  const texts = (selector) => [...document.querySelectorAll(selector)].map((element) => element.textContent);
  return [location.hash, texts("#budget-said > *"), texts(".fault")];
})"""
"""For each budget that is typed: the address, the sentences below the form, what is said beside the fields."""


@needs_browser
def test_the_browser_says_what_the_command_says_for_every_budget(results, opened):
    found = opened().evaluate(TYPE, [{cost: str(most) for cost, most in budget.items()} for budget in BUDGETS])
    for budget, (address, lines, _) in zip(BUDGETS, found, strict=True):
        assert lines == commanded(results, budget)
        sought = ",".join(f"{cost}={most:g}" if cost == "latency_ms" else f"{cost}={most}"
                          for cost, most in budget.items())  # fmt: skip
        assert address == f"#budget:{sought}"


@needs_browser
@pytest.mark.parametrize(
    ("cost", "place", "wrong", "expected"),
    [
        ("macs", 1, ("0", "-1", "1.5", "1e4", "10,000", "many"), "a whole number above 0"),
        ("latency_ms", 3, ("0", "0.000", "-1", ".5", "0.1234", "1e4", "fast"),
         "a number above 0, with three decimals at most"),
    ],
)  # fmt: skip
def test_what_is_no_limit_is_refused_beside_its_field_as_the_command_refuses_it(opened, cost, place, wrong, expected):
    found = opened().evaluate(TYPE, [{"params": "10000", cost: text} for text in wrong])
    faults = [f"expected {expected}" if index == place else "" for index in range(4)]
    assert [said for _, _, said in found] == [faults] * len(wrong)
    assert [lines for _, lines, _ in found] == [[]] * len(wrong)
    for text in wrong:
        refused = "cost '000' is unknown" if text == "10,000" else f"{cost}={text}: expected {expected}"
        with pytest.raises(HarRayError, match=re.escape(refused)):
            parse(f"{cost}={text}")
