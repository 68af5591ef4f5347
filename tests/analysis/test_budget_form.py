"""The page's form says what the command says, for every budget: what it joins, and in a browser, where there is one."""

import json
import re
import shutil
import subprocess
from html import unescape
from itertools import product

import numpy as np
import pytest

from analysis.budget import budget_form, budget_lines
from analysis.report import render
from analysis.scores import COSTS
from tests.analysis.test_student import predictions

NETWORKS = {
    "OM": (0.90, (400_000, 380_000), (5_000_000, 5_000_000), 1_600_000),
    "RB-KD-Att": (0.85, (None, None), (15_000, 30_000), 9_000),
    "RB-KD": (0.80, (2_100, 2_300), (20_000, 20_000), 9_200),
    "MM": (0.75, (7_000, 7_000), (80_000, 90_000), None),
    "LM": (0.70, (2_000, 2_000), (20_000, 15_000), 8_000),
}
"""Validation score, parameters and MACs in each of two folds, bytes."""
LIMITS = {
    "params": (1_999, 2_000, 2_300, 10_000, 400_000),
    "macs": (14_999, 20_000, 30_000, 10**30),
    "bytes": (4_000, 8_000, 9_100, 10_000_000),
}
BUDGETS = [
    {cost: most for cost, most in zip(LIMITS, limits, strict=True) if most}
    for limits in product(*((None, *most) for most in LIMITS.values()))
    if any(limits)
]
BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), "")
needs_browser = pytest.mark.skipif(not BROWSER, reason="no chromium, chromium-browser or google-chrome on PATH")


@pytest.fixture
def results(grid):
    """Folds whose networks differ in size, seeds that differ in number, unknown costs, a setting without any score."""
    rng = np.random.default_rng(0)
    for variant, (validation, params, macs, size) in NETWORKS.items():
        for seed, fold in product(range(2 if variant == "LM" else 3), range(2)):
            costs = {"params": params[fold], "macs": macs[fold], "bytes": size, "flops_published": None}
            found = [(f"{fold}-{subject}", *rest) for subject, *rest in predictions(*rng.integers(5, 10, 3))]
            grid.completed(variant, seed, 0.5, fold, predictions=found, row={"val_f1_macro": validation, **costs},
                           protocol="subject-kfold")  # fmt: skip
    for variant, size in {"LM": 4_000, "RAB-KD": 5_000}.items():
        costs = {"params": None, "macs": None, "bytes": size, "flops_published": None}
        grid.completed(variant, 0, 0.5, row=costs, dataset="ours & <yours>", protocol="loso")
    grid.failed("LM", 0, "out of memory", dataset="spar")
    return grid.load()


def joined(form, budget):
    """What the script makes of the form, a setting after the other."""
    for setting in form["settings"]:
        yield f"{setting['title']}: within {', '.join(f'{most:,} {COSTS[cost]}' for cost, most in budget.items())}"
        above = [_above(model["costs"], budget) for model in setting["models"]]
        within = [str(rank) for rank, costs in enumerate(above) if not costs]
        if above and not within:
            for model, costs in zip(setting["models"], above, strict=True):
                yield f"nothing: {model['variant']} has {', '.join(costs)}"
            continue
        for before, rank, after in setting["outcomes"][",".join(within[:2])]:
            yield before + ("" if rank is None else _described(setting["models"][rank], budget)) + after


def _above(costs, budget):
    texts = {cost: f"{costs[cost]:,}" if cost in costs else "an unknown number of" for cost in budget}
    return [f"{texts[cost]} {COSTS[cost]}" for cost, most in budget.items() if not costs.get(cost, 10**99) <= most]


def _described(model, budget):
    known = [f"{model['costs'][cost]:,} {COSTS[cost]}" for cost in budget if cost in model["costs"]]
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
    grid.completed("LM", 0, 0.5, row={"flops_published": None, "bytes": None})
    assert budget_form(grid.load())["costs"] == {"params": "params", "macs": "MACs"}


def test_without_javascript_the_page_names_the_command(results):
    page = render(results, [])
    (text,) = re.findall("<noscript>(.*?)</noscript>", page)
    assert "har-ray report RESULTS --budget params=10000" in text
    assert re.search('<form id="budget-form"[^>]* hidden>', page)


def test_a_page_without_a_known_cost_has_no_form(grid):
    grid.failed("LM", 0, "out of memory")
    assert 'id="budget' not in render(grid.load(), [])


@pytest.fixture
def opened(results, tmp_path):
    """Opens the page, with a script added to it, in a browser; what the page is then."""

    def open_page(address="", script=""):
        page = tmp_path / "report.html"
        page.write_text(render(results, []).replace("</body>", f"<script>{script}</script></body>"), "utf-8")
        quiet = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
                 "--disable-background-networking", "--disable-component-update"]  # fmt: skip
        command = [BROWSER, *quiet, f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", page.as_uri() + address]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout

    return open_page


def said(page):
    """The sentences below the form."""
    (text,) = re.findall('<div id="budget-said"[^>]*>(.*?)</div>', page, re.DOTALL)
    return [unescape(line) for line in re.findall("<(?:h3|p)>(.*?)</", text, re.DOTALL)]


@needs_browser
def test_a_link_with_a_budget_fills_the_form(results, opened):
    assert said(opened("#budget:macs=300000,params=10000")) == commanded(results, {"params": 10_000, "macs": 300_000})
    assert said(opened("#budget:macs=300000,watts=1")) == ["Not known of any model here: watts."]
    assert said(opened()) == []


TYPE = """
const type = (budget) => {
  for (const field of document.querySelectorAll("input")) field.value = budget[field.name] ?? "";
  document.querySelector("input").dispatchEvent(new Event("input", { bubbles: true }));
  const texts = (selector) => [...document.querySelectorAll(selector)].map((element) => element.textContent);
  return [location.hash, texts("#budget-said > *"), texts(".fault")];
};
const typed = (budgets) => document.body.append(Object.assign(document.createElement("pre"),
  { id: "typed", textContent: JSON.stringify(budgets.map(type)) }));
"""


def typed(opened, budgets):
    """For each budget that is typed: the address, the sentences below the form, what is said beside the fields."""
    page = opened(script=f"{TYPE} typed({json.dumps(budgets)});")
    (text,) = re.findall('<pre id="typed">(.*?)</pre>', page, re.DOTALL)
    return json.loads(unescape(text))


@needs_browser
def test_the_browser_says_what_the_command_says_for_every_budget(results, opened):
    found = typed(opened, [{cost: str(most) for cost, most in budget.items()} for budget in BUDGETS])
    for budget, (address, lines, _) in zip(BUDGETS, found, strict=True):
        assert lines == commanded(results, budget)
        assert address == "#budget:" + ",".join(f"{cost}={most}" for cost, most in budget.items())


@needs_browser
def test_what_is_no_whole_number_above_0_is_refused_beside_its_field(opened):
    found = typed(opened, [{"params": "10000", "macs": text} for text in ("0", "-1", "1.5", "1e4", "10,000", "many")])
    assert [faults for _, _, faults in found] == [["", "expected a whole number above 0", ""]] * 6
    assert [lines for _, lines, _ in found] == [[]] * 6
