"""Every number of the page, the CSV files and Markdown is the one that scikit-learn finds in the stored predictions."""

import csv
import re
from html import unescape
from html.parser import HTMLParser
from itertools import product
from pathlib import Path
from statistics import mean, median, stdev

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score, precision_score, recall_score

from analysis.load import load_results
from analysis.report import write_report
from har_ray.store.results import load, predictions
from tests.analysis.conftest import CLASSES, GridStore

VARIANTS = {"OM": 0.9, "LM": 0.7, "RB-KD": 0.8, "LM-Att": 0.6}
"""The share of windows that each gets right."""
SETTINGS = {"sensors": "subject-kfold", "spar": "loso"}
FOLDS, SEEDS, PEOPLE = 3, 2, 6


class Tables(HTMLParser):
    """The tables of a page by their headings: rows of texts, the head first."""

    def __init__(self, html):
        super().__init__()
        self.found: dict[str, list[list[str]]] = {}
        self.headings: dict[str, str] = {}
        self.title, self.text = "", ""
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        of = dict(attributes)
        if tag == "h3" and "id" in of:
            self.title = of["id"]
        elif tag == "table":
            self.title = self.headings[of["aria-labelledby"]]
            self.found[self.title] = []
        elif tag == "tr":
            self.found[self.title].append([])
        if tag in ("h3", "th", "td"):
            self.text = ""

    def handle_endtag(self, tag):
        if tag == "h3":
            self.headings[self.title] = self.text
        elif tag in ("th", "td"):
            self.found[self.title][-1].append(self.text)

    def handle_data(self, data):
        self.text += data


def markdown_tables(text):
    """The tables of a Markdown file by their titles, as `Tables.found`."""
    found: dict[str, list[list[str]]] = {}
    for line in text.splitlines():
        if line.startswith("**"):
            rows = found[line.strip("*").replace("\\", "")] = []
        elif line.startswith("| ") and not re.match(r"\| :?-", line):
            cells = re.split(r"(?<!\\) \| ", line.removeprefix("| ").removesuffix(" |"))
            rows.append([unescape(cell.replace("**", "").replace("\\", "")) for cell in cells])
    return found


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A grid of folds and seeds, and the folder of its report."""
    grid = GridStore(tmp_path_factory.mktemp("numbers") / "tiny")
    grid.info["data"] = [grid.data(dataset=dataset) for dataset in SETTINGS]
    rng = np.random.default_rng(0)
    for (dataset, protocol), (variant, share) in product(SETTINGS.items(), VARIANTS.items()):
        for seed, fold in product(range(SEEDS), range(FOLDS)):
            found = [(str(who), k, int(k if rng.random() < share else rng.integers(3)))
                     for who in range(fold, PEOPLE, FOLDS) for k in (0, 0, 1, 1, 1, 2) for _ in range(7)]  # fmt: skip
            row = {"val_f1_macro": share - fold / 50 + seed / 70, "latency_ms": share + fold / 10}
            grid.completed(variant, seed, 0.5, fold, predictions=found, row=row, dataset=dataset, protocol=protocol)
    path = grid.write()
    return path, Path(write_report(load_results(path), tmp_path_factory.mktemp("report"))).parent


@pytest.fixture(scope="module")
def expected(made):
    """By dataset, variant and seed: the subjects, labels and predicted classes of all folds, from the stored files."""
    rows = load(made[0])
    pooled = {}
    for key, part in rows.groupby(["dataset", "variant", "seed"]):
        frames = [predictions(made[0], cell) for cell in part["cell_id"]]
        subjects = np.concatenate([frame["subject"] for frame in frames])
        labels = np.concatenate([frame["label"] for frame in frames])
        predicted = np.concatenate([np.stack(frame["logits"].tolist()).argmax(axis=1) for frame in frames])
        pooled[key] = subjects, labels, predicted
    return pooled


def tables(made, title):
    """The rows of a table by their names, as the page and as the Markdown file have it, which must be the same."""
    _, folder = made
    page = Tables((folder / "report.html").read_text()).found[title]
    (markdown,) = (found[title] for path in (folder / "tables").glob("*.md")
                   if title in (found := markdown_tables(path.read_text())))  # fmt: skip
    assert page == markdown
    head, *rows = page
    return {row[0].rstrip("†"): dict(zip(head, row, strict=True)) for row in rows}


def records(made, name, **of):
    with (made[1] / f"{name}.csv").open() as file:
        found = [row for row in csv.DictReader(file) if all(row[key] == value for key, value in of.items())]
    return found


def titles():
    return [(dataset, f"{dataset}, wrist, {protocol}") for dataset, protocol in SETTINGS.items()]


def seeds_of(expected, dataset, variant, score):
    """The score of each seed, of its subjects, labels and predicted classes."""
    return [score(*expected[dataset, variant, seed]) for seed in range(SEEDS)]


def macro(subjects, labels, predicted):
    return f1_score(labels, predicted, average="macro", zero_division=0)


def of_subject(who):
    def score(subjects, labels, predicted):
        own = subjects == who
        return f1_score(labels[own], predicted[own], labels=np.unique(labels[own]), average="macro", zero_division=0)

    return score


@pytest.mark.parametrize(("dataset", "title"), titles())
def test_scores_of_variants(made, expected, dataset, title):
    scores = {
        "F1 macro (%)": ("f1_macro", macro),
        "F1 weighted (%)": ("f1_weighted", lambda _, labels, found: f1_score(labels, found, average="weighted")),
        "accuracy (%)": ("accuracy", lambda _, labels, found: accuracy_score(labels, found)),
    }
    shown = tables(made, f"Test results: {title}")
    assert set(shown) == set(VARIANTS)
    for variant, (heading, (name, score)) in product(VARIANTS, scores.items()):
        values = seeds_of(expected, dataset, variant, score)
        assert shown[variant][heading] == f"{100 * mean(values):.1f} ± {100 * stdev(values):.1f}"
        (record,) = records(made, "results", dataset=dataset, variant=variant)
        assert float(record[f"{name}_mean"]) == pytest.approx(mean(values))
        assert float(record[f"{name}_sd"]) == pytest.approx(stdev(values))
    rows = load(made[0]).query("dataset == @dataset")
    for variant, part in rows.groupby("variant"):
        counts = {"params": "params", "MACs": "macs", "bytes": "bytes"}
        texts = {heading: f"{part[name].iloc[0]:,}" for heading, name in counts.items()}
        texts["latency (ms)"] = f"{median(part['latency_ms']):.2f}"
        assert {heading: shown[variant][heading] for heading in texts} == texts


@pytest.mark.parametrize(("dataset", "title"), titles())
def test_scores_of_subjects(made, expected, dataset, title):
    shown = tables(made, f"Per test subject: {title}")
    assert set(shown) == set(map(str, range(PEOPLE)))
    for variant, who in product(VARIANTS, shown):
        score = mean(seeds_of(expected, dataset, variant, of_subject(who)))
        assert shown[who][variant] == f"{100 * score:.1f}"
        (record,) = records(made, "subjects", dataset=dataset, variant=variant, subject=who)
        assert float(record["f1_macro"]) == pytest.approx(score)


@pytest.mark.parametrize(("dataset", "title"), titles())
def test_scores_of_classes(made, expected, dataset, title):
    shown = tables(made, f"Per class: {title}")
    assert list(shown) == CLASSES
    for variant, (index, name) in product(VARIANTS, enumerate(CLASSES)):
        of = {"labels": [index], "average": None, "zero_division": 0}
        f1, precision, recall = (
            mean(score(labels, found, **of)[0] for _, labels, found in seeds_of(expected, dataset, variant, triple))
            for score in (f1_score, precision_score, recall_score)
        )
        assert shown[name][variant] == f"{100 * f1:.1f} ({100 * precision:.1f} / {100 * recall:.1f})"
        (record,) = records(made, "classes", dataset=dataset, variant=variant, **{"class": name})
        found = [float(record[key]) for key in ("f1", "precision", "recall")]
        assert found == pytest.approx([f1, precision, recall])
        assert int(record["windows"]) == int((expected[dataset, variant, 0][1] == index).sum())
        assert shown[name]["windows"] == record["windows"]


def triple(*found):
    return found


@pytest.mark.parametrize(("dataset", "title"), titles())
def test_validation_scores_and_differences(made, expected, dataset, title):
    student, statistics = (
        tables(made, f"The student to put on the watch: {title}"),
        tables(made, f"Difference from LM: {title}"),
    )
    rows = load(made[0]).query("dataset == @dataset")
    people = list(map(str, range(PEOPLE)))
    per_subject = {variant: np.array([seeds_of(expected, dataset, variant, of_subject(who)) for who in people])
                   for variant in VARIANTS}  # fmt: skip
    for variant, part in rows.groupby("variant"):
        variant = str(variant)
        assert student[variant]["val. F1 macro (%)"] == f"{100 * part['val_f1_macro'].mean():.1f}"
        assert student[variant]["per subject (%)"] == f"{100 * per_subject[variant].mean():.1f}"
    for variant in statistics:
        pooled = mean(np.subtract(*(seeds_of(expected, dataset, name, macro) for name in (variant, "LM"))))
        difference = per_subject[variant].mean() - per_subject["LM"].mean()
        assert statistics[variant]["Δ macro F1 (points)"] == signed(pooled)
        assert statistics[variant]["Δ per subject"] == signed(difference)
        (record,) = records(made, "statistics", dataset=dataset, variant=variant)
        assert float(record["difference"]) == pytest.approx(pooled)
        assert float(record["subject_difference"]) == pytest.approx(difference)


def signed(fraction):
    return f"{100 * fraction:+.1f}".replace("-", "−").replace("+0.0", "0.0")


def test_every_table_of_the_page_is_the_one_of_the_markdown_files(made):
    _, folder = made
    page = Tables((folder / "report.html").read_text()).found
    for path in (folder / "tables").glob("*.md"):
        for title, rows in markdown_tables(path.read_text()).items():
            assert page[title] == rows


def test_the_sentences_repeat_the_tables(made):
    page = (made[1] / "report.html").read_text()
    for _, title in titles():
        student = tables(made, f"The student to put on the watch: {title}")
        chosen = max((name for name in VARIANTS if name != "OM"), key=lambda v: float(student[v]["val. F1 macro (%)"]))
        row = student[chosen]
        (lead,) = re.findall(f"<h2 id=[^>]*>{title}</h2>\n<p>(.*)</p>", page)
        assert lead.startswith(f"{chosen} has the best validation score of the 3 small models")
        assert f"({row['val. F1 macro (%)']} %)" in lead
        assert f"{row['test F1 macro (%)']} % macro F1" in lead
        assert f"{row['per subject (%)']} % per subject" in lead
        assert f"{title}: {chosen} (1,000 params), {row['per subject (%)']} % per subject" in page
