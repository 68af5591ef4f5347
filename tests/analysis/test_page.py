"""The page in a browser: at the width of a phone and of a desk, by pointer and by keyboard, in the dark, on paper."""

import io
import math
import unicodedata
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from pypdf import PdfReader

from analysis.inline import data_uri
from analysis.load import load_results
from analysis.page import Section, grid_page
from analysis.pictures import Picture
from analysis.report import write_report
from tests.analysis.conftest import GridStore
from tests.browser import needs_browser

pytestmark = needs_browser

WIDTHS = (360, 768, 1280)
COMMAND = "python -m har_ray.grid s3://a-bucket-of-a-long-name/" + "a-folder-without-a-space/" * 8 + "grid.yaml"
COSTS: dict[str, Any] = {
    "OM": (396_103, 2_000_000), "MM": (6_959, 90_000), "LM": (1_963, 20_000), "LM-Att": (2_003, 21_000),
    "RB-KD": (1_963, 20_000), "RAB-KD": (2_003, 21_000), "DS-CNN": (3_487, 10_000), "DS-CNN-XS": (783, 3_000),
    "trees": (None, None),
}  # fmt: skip
PARAMS = {name: params for name, (params, _) in COSTS.items()}
MACS = {name: macs for name, (_, macs) in COSTS.items()}
RANDOM = "sensors-wrist-random"
HOLDOUT = "spar-wrist-subject-holdout"


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """Two settings, of which one leaks; models that cost the same, trees without parameters; a failed cell."""
    grid = GridStore(tmp_path_factory.mktemp("page") / "tiny", command=COMMAND)
    grid.info["data"] = [grid.data(dataset="spar"), grid.data()]
    rng = np.random.default_rng(0)
    for dataset, protocol in (("spar", "subject-holdout"), ("sensors", "random")):
        for place, (variant, macs) in enumerate(MACS.items()):
            for seed in range(2):
                found = [(str(who), k, int(k if rng.random() < 0.8 else rng.integers(3)))
                         for who in range(6) for k in range(3) for _ in range(5)]  # fmt: skip
                row = {"params": PARAMS[variant], "macs": macs, "flops_published": macs, "bytes": 4_000 + 90 * place,
                       "latency_ms": 0.1 * (1 + place)}  # fmt: skip
                grid.completed(variant, seed, 0.9 - place / 20 + seed / 50, predictions=found, row=row,
                               dataset=dataset, protocol=protocol)  # fmt: skip
    grid.failed("RB-KD-Att", 0, f"OSError: {COMMAND}", dataset="spar")
    winner = {"dataset": "spar", "preset": "wrist", "protocol": "subject-holdout", "monitor": "val_f1_macro",
              "val_score": 0.5, "candidates": 2, "epochs": 9, "stopped": 0, "failed": 0}  # fmt: skip
    grid.winners = [winner | {"variant": "RB-KD", "fold": fold, "hyper": {"temperature": 4.0, "alpha": alpha}}
                    for fold, alpha in enumerate([0.5, 0.5, 0.9])]  # fmt: skip
    grid.winners += [winner | {"variant": "LM-Att", "fold": fold, "hyper": {"alpha": 0.1}} for fold in range(70)]
    return grid.write()


@pytest.fixture(scope="module")
def page(path, tmp_path_factory):
    """Where the report's page is."""
    return Path(write_report(load_results(path), tmp_path_factory.mktemp("report")))


def beyond(url):
    """An address that is not in the page itself."""
    return [] if url.startswith(("data:", "blob:")) else [url]


@pytest.fixture
def opened(browser, page):
    """Opens the page in a tab of a width and a colour scheme; whatever it says or asks for that it should not fails."""
    contexts, faults = [], []

    def open_page(width=1280, scheme="light", page=page):
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        contexts.append(context)
        context.set_default_timeout(120_000)
        tab = context.new_page()
        tab.on("console", lambda message: faults.append(message.text))
        tab.on("pageerror", lambda error: faults.append(str(error)))
        tab.on("request", lambda request: faults.extend(beyond(request.url)))
        tab.goto(page.as_uri())
        assert faults == [page.as_uri()]
        faults.clear()
        return tab

    yield open_page
    for context in contexts:
        context.close()
    assert faults == []


def chart_of(tab, slug=HOLDOUT):
    """The chart of a setting, drawn."""
    chart = tab.locator(f'[id="{slug}-chart"]')
    chart.scroll_into_view_if_needed()
    chart.locator(".points_marks path").first.wait_for()
    return chart


def open_all(tab):
    tab.locator("details").evaluate_all("(all) => all.forEach((one) => { one.open = true; })")


def table_of(tab, title):
    return tab.locator("details.table", has=tab.get_by_role("heading", name=title)).locator("table").first


def column(table, number):
    """The texts of a column in the rows that are shown."""
    return table.locator(f"tbody tr:visible > :nth-child({number})").all_inner_texts()


def boxes(locator):
    return [box for one in locator.all() if (box := one.bounding_box())]


def overlap(a, b):
    """By how many pixels two boxes lie on each other, in the direction in which it is less."""
    across = min(a["x"] + a["width"], b["x"] + b["width"]) - max(a["x"], b["x"])
    down = min(a["y"] + a["height"], b["y"] + b["height"]) - max(a["y"], b["y"])
    return min(across, down)


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_scrolls_sideways_or_lies_on_another_at_any_width(opened, width):
    tab = opened(width)
    open_all(tab)
    chart = chart_of(tab)
    assert tab.evaluate("document.scrollingElement.scrollWidth") <= width
    beyond = """() => [...document.querySelectorAll("body *")].filter((one) => one.checkVisibility() &&
        one.getBoundingClientRect().right > innerWidth + 1 && !one.closest(".scroll")).map((one) => one.outerHTML)"""
    assert tab.evaluate(beyond) == []
    labels = boxes(chart.locator(".labels text"))
    texts = labels + boxes(chart.locator(".role-axis-label text, .role-axis-title text, .role-legend-label text"))
    assert len(labels) == len(MACS) - 1  # of trees no MACs are known
    shown = [text for text in chart.locator(".labels text").all() if text.get_attribute("opacity") != "0"]
    assert len(shown) >= 7
    assert max(overlap(a, b) for a, b in combinations(boxes(chart.locator(".role-axis-label text")), 2)) <= 1
    assert all(text["x"] >= 0 and text["x"] + text["width"] <= width for text in texts)
    names = [text.bounding_box() for text in shown]
    assert max(overlap(a, b) for a, b in combinations(names, 2)) <= 2  # a box is a little larger than its letters
    links = boxes(tab.locator("nav li a"))
    assert max(overlap(a, b) for a, b in combinations(links, 2)) <= 0


def test_the_points_of_a_chart_stand_where_their_numbers_are(opened):
    chart = chart_of(opened())
    points = chart.locator(".points_marks path")
    found = points.evaluate_all(
        """(paths) => paths.map((path) => {
            const { x, y, width, height } = path.getBoundingClientRect();
            return [path.__data__.datum.variant, x + width / 2, y + height / 2];
        })"""
    )
    at = {variant: (x, y) for variant, x, y in found}
    assert list(at) == [name for name, macs in MACS.items() if macs]
    # Two points give the scales, on which all others must lie: a logarithm across, the percent up.
    score = {name: 100 * (0.91 - place / 20) for place, name in enumerate(MACS)}
    (x0, y0), (x1, y1) = at["OM"], at["DS-CNN-XS"]
    for name, (x, y) in at.items():
        along = math.log(MACS[name] / MACS["OM"]) / math.log(MACS["DS-CNN-XS"] / MACS["OM"])
        assert x == pytest.approx(x0 + along * (x1 - x0), abs=1)
        up = (score[name] - score["OM"]) / (score["DS-CNN-XS"] - score["OM"])
        assert y == pytest.approx(y0 + up * (y1 - y0), abs=1.5)
    sizes = [box["width"] for box in boxes(chart.locator(".bubbles_marks path"))]
    assert (sizes[0] / sizes[1]) ** 2 == pytest.approx(PARAMS["OM"] / PARAMS["MM"], rel=0.02)


def test_a_model_under_the_pointer_tells_its_numbers(opened):
    tab = opened()
    tip = tab.locator("#tip")
    assert tip.is_hidden()
    chart_of(tab).locator("path[aria-label^='RB-KD; test']").hover()
    assert tip.locator("strong").inner_text() == "RB-KD"
    texts = dict(zip(tip.locator("dt").all_inner_texts(), tip.locator("dd").all_inner_texts(), strict=True))
    assert texts["test F1 macro (%)"] == "71.0 ± 1.4"
    assert texts["per subject (%)"].endswith(")")
    assert texts["params"] == "1,963"
    assert texts["latency (ms)"] == "0.50 (cpu)"
    assert texts["n (seeds)"] == "2/2"
    assert (texts["T"], texts["α"]) == ("4", "0.5 in 2 of 3 folds; 0.9 in 1 of 3 folds")
    assert texts["cells"] == "2 completed"
    tab.keyboard.press("Escape")
    assert tip.is_hidden()


def test_the_arrows_move_among_the_models_of_a_chart(opened):
    tab = opened()
    chart = chart_of(tab)
    chart.get_by_role("combobox").last.focus()
    tab.keyboard.press("Tab")
    said = tab.locator("#tip strong")
    assert said.inner_text() == "DS-CNN-XS"
    tab.keyboard.press("ArrowRight")
    assert said.inner_text() == "DS-CNN"
    tab.keyboard.press("ArrowLeft")
    tab.keyboard.press("ArrowLeft")
    assert said.inner_text() == "DS-CNN-XS"
    tab.keyboard.press("Tab")
    assert tab.locator("#tip").is_hidden()


def test_the_axes_of_a_chart_are_chosen_and_models_without_a_number_are_named(opened):
    tab = opened()
    chart = chart_of(tab)
    note, points = chart.locator(".note").first, chart.locator(".points_marks path")
    up, across = chart.get_by_role("combobox").all()
    assert note.inner_text() == "Without a number on these axes: trees."
    across.select_option(label="bytes")
    chart.locator("path[aria-label^='trees; test']").wait_for()
    assert (points.count(), note.inner_text()) == (len(MACS), "")
    assert "bytes" in chart.locator(".role-axis-title text").all_text_contents()
    across.select_option(label="latency of one window (ms), cpu")
    up.select_option(label="macro F1 per test subject (%); bar: 95 % interval")
    title = chart.locator(".role-axis-title text", has_text="macro F1 per test subject")
    title.wait_for()
    assert points.count() == len(MACS)
    assert [option.inner_text() for option in across.locator("option").all()] == [
        "MACs per window", "parameters", "FLOPs per window (published count)", "bytes",
        "latency of one window (ms), cpu",
    ]  # fmt: skip


def test_a_table_sorts_by_a_column_from_pointer_and_keyboard(opened):
    tab = opened()
    table = table_of(tab, "Test results: spar")
    params = table.get_by_role("columnheader", name="params")
    printed = column(table, 1)
    shown = column(table, 7)
    known = sorted((text for text in shown if text != "–"), key=lambda text: int(text.replace(",", "")))
    unknown = [text for text in shown if text == "–"]
    assert len(unknown) == 2  # trees, and what failed
    params.get_by_role("button").click()
    assert (column(table, 7), params.get_attribute("aria-sort")) == (known + unknown, "ascending")
    tab.keyboard.press("Enter")
    assert (column(table, 7), params.get_attribute("aria-sort")) == (known[::-1] + unknown, "descending")
    table.get_by_role("button", name="F1 macro (%)").click()
    assert params.get_attribute("aria-sort") == "none"
    scores = [float(text.partition(" ")[0]) for text in column(table, 2) if text != "–"]
    assert scores == sorted(scores)
    for _ in range(2):
        table.get_by_role("button", name="F1 macro (%)").press("Space")
    assert column(table, 1) == printed


def test_a_larger_table_is_filtered_by_a_text(opened):
    tab = opened()
    table = table_of(tab, "Test results: spar")
    box = table.locator("xpath=ancestor::details")
    box.get_by_role("searchbox", name="Filter rows").fill("ds-cnn")
    assert column(table, 1) == ["DS-CNN", "DS-CNN-XS"]
    assert box.get_by_role("status").inner_text() == "2 of 10 rows are shown."
    box.get_by_role("searchbox").fill("")
    assert len(column(table, 1)) == 10
    assert box.get_by_role("status").inner_text() == ""


def test_variants_that_are_not_wanted_leave_all_tables_and_charts(opened):
    tab = opened()
    chart = chart_of(tab)
    tab.get_by_text("Variants shown").click()
    for name in ("OM", "LM"):
        tab.get_by_role("checkbox", name=name, exact=True).uncheck()
    assert tab.locator("#variants-shown").inner_text() == "8 of 10"
    rest = ["MM", "LM-Att", "RB-KD", "RB-KD-Att", "RAB-KD", "DS-CNN", "DS-CNN-XS", "trees"]
    assert [text.rstrip("†") for text in column(table_of(tab, "Test results: spar"), 1)] == rest
    tab.get_by_role("heading", name="Per class: spar").click()
    table = table_of(tab, "Per class: spar")
    heads = [text.split()[0] for text in table.locator("th[scope=col]:visible").all_inner_texts()]
    assert heads == ["class", "windows", *(name for name in rest if name != "RB-KD-Att")]
    assert table.locator("tbody tr").first.locator("> :visible").count() == len(heads)
    chart.scroll_into_view_if_needed()
    chart.locator(".points_marks path").nth(5).wait_for()
    assert chart.locator(".points_marks path").count() == 6
    tab.get_by_role("button", name="none").click()
    chart.locator(".points_marks path").first.wait_for(state="detached")
    tab.get_by_role("button", name="all").click()
    chart.locator(".points_marks path").nth(7).wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [WIDTHS[0], WIDTHS[-1]])
def test_a_checker_of_accessibility_finds_nothing_serious(opened, scheme, width):
    tab = opened(width, scheme)
    open_all(tab)
    tab.locator("#budget-params").fill("many")
    tab.locator("#budget-macs").fill("30000")
    chart_of(tab)
    found = Axe().run(tab).response["violations"]
    assert [(one["id"], one["nodes"][0]["html"]) for one in found if one["impact"] in ("serious", "critical")] == []


def test_it_is_dark_where_the_reader_wants_it_and_figures_keep_a_light_ground(opened):
    def ground(tab, selector):
        return tab.locator(selector).first.evaluate("(one) => getComputedStyle(one).backgroundColor")

    light, dark = opened(scheme="light"), opened(scheme="dark")
    assert ground(light, "body") == "rgb(255, 255, 255)"
    assert ground(dark, "body") == "rgb(22, 24, 27)"
    assert ground(dark, "figure .card") == ground(dark, ".chart .card") == "rgb(255, 255, 255)"
    dark.emulate_media(media="print")
    assert ground(dark, "body") == "rgb(255, 255, 255)"


def test_on_paper_every_table_is_whole_and_nothing_is_there_to_click(opened):
    tab = opened(scheme="dark")
    chart_of(tab)
    texts = tab.locator("th, td").all_text_contents()
    pdf = PdfReader(io.BytesIO(tab.pdf(prefer_css_page_size=True)))
    pages = [page.extract_text() for page in pdf.pages]
    printed = "".join(unicodedata.normalize("NFKC", "".join(pages)).split())  # ligatures as letters
    assert len(texts) > 500
    assert [text for text in texts if "".join(text.split()) not in printed] == []
    assert sum("candidates" in page for page in pages) > 1  # the head of the table of 73 winners, on each of its pages
    for unwanted in ("Contents", "Skip to", "Variants shown", "Filter rows", "At most", "to explore", "↕"):
        assert "".join(unwanted.split()) not in printed
    left, _, right, _ = (float(value) for value in pdf.pages[0].mediabox)
    assert (right - left) / 72 * 25.4 == pytest.approx(210, abs=1)


def test_figures_that_would_be_too_large_are_compressed_and_shown_all_the_same(opened, path, tmp_path, monkeypatch):
    monkeypatch.setattr("analysis.page.FIGURES_AS_THEY_ARE", 0)
    svg = b'<svg xmlns="http://www.w3.org/2000/svg" width="30" height="20"></svg>'
    results = load_results(path)
    picture = Picture("A figure", "what it shows", 30, "figures/a.svg", data_uri(svg, "image/svg+xml"))
    section = Section("A setting", "a-setting", [], [picture])
    (tmp_path / "page.html").write_text(grid_page(results, [section]), "utf-8")
    assert picture.uri not in (tmp_path / "page.html").read_text()
    image = opened(page=tmp_path / "page.html").get_by_alt_text("what it shows")
    image.evaluate("(one) => one.decode()")
    assert image.evaluate("(one) => [one.naturalWidth, one.naturalHeight]") == [30, 20]


def test_the_page_of_a_running_grid_loads_itself_again_unless_somebody_types(browser, tmp_path):
    grid = GridStore(tmp_path / "tiny", finished_at=None)
    grid.completed("LM", 0, 0.5)
    grid.expect("LM", 1)
    file = tmp_path / "page.html"
    file.write_text(grid_page(grid.load(), []), "utf-8")
    with browser.new_page() as tab:
        loads = []
        tab.on("load", lambda page: loads.append(page))
        tab.clock.install()
        tab.goto(file.as_uri())
        assert tab.locator("#renewal").inner_text().endswith("The page loads itself again every minute.")
        tab.locator("#budget-params").focus()
        tab.clock.run_for(61_000)
        assert len(loads) == 1
        tab.locator("#budget-params").blur()
        with tab.expect_event("load"):
            tab.clock.run_for(61_000)
