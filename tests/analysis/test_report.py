"""The page and the files beside it; the command, also where Ray and torch are not installed."""

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from analysis.__main__ import main
from analysis.inline import chart_library
from analysis.load import load_results
from analysis.page import background
from analysis.report import write_report
from analysis.summary import standing
from tests.analysis.conftest import GridStore

BLOCKER = """
import sys
class NotInstalled:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("ray", "torch"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, NotInstalled())
"""


class Fetches(HTMLParser):
    """Collects what a browser would fetch, and the ids that links point to."""

    def __init__(self):
        super().__init__()
        self.sources, self.ids, self.links = [], set(), []

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.ids.add(found.get("id"))
        if tag == "a":
            self.links.append(found["href"])
        elif "src" in found or "href" in found:
            self.sources.append(found.get("src") or found.get("href"))


@pytest.fixture
def filled(grid):
    return fill(grid)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The page of such a grid; drawing it takes seconds."""
    return Path(write_report(fill(GridStore(tmp_path_factory.mktemp("written") / "tiny")).load()))


def fill(grid):
    for variant, score in {"OM": 0.75, "MM": 0.68, "LM": 0.62, "RAB-KD": 0.65}.items():
        grid.seeds(variant, score, score + 0.01)
    grid.failed("RB-KD", 0, "TrainingError: <the loss> is nan")
    grid.expect("RB-KD", 1)
    return grid


def test_report_writes_the_page_and_every_table_and_figure(written):
    """The grid has searched nothing, so nothing of the search is drawn; two test subjects are too few to rank."""
    page, folder = written, written.parent
    assert (page.name, folder.name, folder.parent.name) == ("report.html", "report", "tiny")
    stem = "sensors-wrist-subject-holdout"
    drawn = ("f1-macs", "f1-flops", "f1-bytes", "f1-latency", "recognition", "resources", "confusion", "subjects",
             "curves", "baselines", "sizes")  # fmt: skip
    figures = [f"figures/{stem}-{name}.{kind}" for name in drawn for kind in ("png", "svg", "pdf")]
    tables = [f"tables/{stem}.md", f"tables/{stem}.tex"]
    files = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    numbers = {f"{name}.csv" for name in ("results", "student", "statistics", "relative", "classes", "confusions",
                                          "subjects", "events", "takeaways", "effort")}  # fmt: skip
    assert files == {"report.html", *numbers, *figures, *tables}
    markdown = (folder / tables[0]).read_text()
    assert "| OM | **75.5 ± 0.7** |" in markdown
    assert "0/2, 1 failed, 1 missing" in markdown
    latex = (folder / tables[1]).read_text()
    assert r"OM & \textbf{75.5 $\pm$ 0.7} &" in latex
    for title, label in {
        "Test results": "", "The student to put on the watch": "-student", "Difference from LM": "-statistics",
        "Per class": "-classes", "Per test subject": "-subjects",
    }.items():  # fmt: skip
        assert f"**{title}: sensors, wrist, subject-holdout**" in markdown
        assert rf"\label{{tab:{stem}{label}}}" in latex
        assert f' aria-label="{title}: sensors, wrist, subject-holdout">{title}</h3>' in page.read_text()


def test_the_page_is_self_contained_and_its_links_lead_somewhere(written):
    html = written.read_text()
    parser = Fetches()
    parser.feed(html)
    assert len(parser.sources) == 11
    assert all(re.match("data:image/(svg.xml|png);base64,", source) for source in parser.sources)
    own = html.replace(chart_library(), "")
    assert len(own) < len(html)
    assert not re.search(r"@import|url\(|<link|fetch\(|import\(|XMLHttpRequest|https?://", own)
    assert {link.removeprefix("#") for link in parser.links} <= parser.ids


def test_the_page_says_what_was_found_what_is_absent_and_how_it_was_made(written):
    html = written.read_text()
    for text in [
        "RAB-KD (1,000 params), the best of 2 small models on validation data, has 65.5 ± 0.7 % macro F1 on people",
        "RAB-KD has the best validation score of the 2 small models (65.5 %). On test data it has 65.5 ± 0.7 %",
        "8 of 10 cells of the tables are completed, 1 failed, 1 missing",
        "<b>75.5 ± 0.7</b>",
        "0/2, 1 failed, 1 missing",
        "TrainingError: &lt;the loss&gt; is nan",
        "4, 5 (400 windows)",
        "python -m har_ray.grid grids/tiny.yaml",
        "0123456",
        "abc123",
        "a laptop",
        "2026-01-01T01:00:00Z",
        "name: tiny",
        "“Could be chance”: the p-value",
    ]:
        assert text in html


def test_a_grid_that_has_just_begun_or_lost_a_variant_still_renders(grid):
    grid.info |= {"finished_at": None, "versions": None, "git_commit": None, "data": []}
    grid.failed("LM", 0, "out of memory")
    grid.expect("RB-KD", 0, protocol="random")
    html = Path(write_report(grid.load())).read_text()
    assert "no lightweight model has a completed seed yet" in html
    assert "This grid has not ended yet: 0 of 2 cells of the tables are completed, 1 failed, 1 missing." in html
    assert "not yet" in html
    assert "unknown" in html


def test_a_grid_without_expected_cells_still_renders(grid):
    html = Path(write_report(grid.load())).read_text()
    assert "The grid expects no cell yet." in html
    assert "ould be chance" not in html


def test_a_complete_grid_has_no_banner(grid):
    grid.seeds("LM", 0.6)
    assert standing(grid.load()) == ""


def test_a_uri_is_read_like_a_path(filled, tmp_path):
    path = filled.write()
    page = write_report(load_results(f"file://{path}"))
    assert page == f"file://{path}/report/report.html"
    assert (Path(path) / "report/figures").is_dir()


def test_figures_are_described_to_those_who_cannot_see_them(written):
    html = written.read_text()
    assert 'alt="Change in recognition against LM: sensors, wrist, subject-holdout. OM 0.0 (0.0 to 0.0);' in html


def test_the_same_results_give_the_same_page(written, tmp_path):
    again = Path(write_report(load_results(str(written.parents[1])), tmp_path))
    assert again.read_bytes() == written.read_bytes()


def test_the_command_names_what_it_misses(tmp_path, capsys):
    assert main([str(tmp_path)]) == 2
    assert "no plan.json here; expected STORAGE/<grid name>" in capsys.readouterr().err


def test_the_command_works_without_ray_and_torch(filled, tmp_path):
    path, out, blocker = filled.write(), tmp_path / "out", tmp_path / "blocker"
    blocker.mkdir()
    (blocker / "sitecustomize.py").write_text(BLOCKER)
    root = Path(__file__).parents[2]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(blocker), str(root)])}
    for module in ("ray", "torch"):
        refused = subprocess.run(
            [sys.executable, "-c", f"import {module}"], env=environment, capture_output=True, text=True
        )
        assert f"No module named '{module}'" in refused.stderr
    command = [sys.executable, "-W", "error", "-m", "analysis", path, "--out", str(out)]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"report: {out / 'report.html'}\n", "")
    assert (out / "report.html").exists()


def test_a_page_of_many_variants_classes_and_datasets_stays_below_3_mb(tmp_path):
    names = [f"activity of number {index}" for index in range(18)]
    datasets = ("sensors", "spar")
    grid = GridStore(tmp_path / "large")
    grid.classes = len(names)
    grid.info["data"] = [grid.data(dataset=dataset, classes=names) for dataset in datasets]
    rng = np.random.default_rng(0)
    for dataset in datasets:
        for number in range(20):
            found = [(str(who), k, int(k if rng.random() < 0.6 else rng.integers(18)))
                     for who in range(8) for k in range(18) for _ in range(4)]  # fmt: skip
            grid.completed(f"variant-{number}", 0, 0.5, predictions=found, dataset=dataset)
    write_report(grid.load(), tmp_path / "out")
    page = (tmp_path / "out/report.html").read_text()
    assert "data-gzip" in page
    assert 1_000_000 < len(page.encode()) < 2_300_000  # with a third such dataset it stays below 3 MB


def test_no_column_names_the_only_setting_in_every_row(grid):
    grid.failed("LM", 0, "out of memory")
    failures = {section.slug: section.tables for section in background(grid.load())}["failures"][0]
    assert (failures.columns, failures.align) == (["stage", "fold", "variant", "seed", "reason"], "lrlrl")
    assert [entry.text for entry in failures.rows[0]] == ["confirm", "0", "LM", "0", "out of memory"]
    grid.failed("LM", 0, "out of memory", protocol="random")
    failures = {section.slug: section.tables for section in background(grid.load())}["failures"][0]
    assert [row[1].text.partition(" split")[0] for row in failures.rows] == [
        "sensors, wrist, subject-holdout",
        "sensors, wrist, random",
    ]
