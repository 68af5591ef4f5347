"""Every number of the page, the CSV files and Markdown is the one that scikit-learn finds in the stored predictions."""

import csv
import re
from collections import Counter, deque
from html import unescape
from html.parser import HTMLParser
from itertools import groupby, pairwise, product
from pathlib import Path
from statistics import mean, median, stdev

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score, precision_score, recall_score

from analysis.load import load_results
from analysis.report import write_report
from har_ray.store.results import ResultStore, load, predictions
from har_ray.streaming import majority
from tests.analysis.conftest import CLASSES, GridStore

VARIANTS = {"OM": 0.9, "LM": 0.7, "RB-KD": 0.8, "LM-Att": 0.6}
"""The share of windows that each gets right."""
SETTINGS = {"sensors": "subject-kfold", "spar": "loso"}
FOLDS, SEEDS, PEOPLE = 3, 2, 6
KINDS = ("deletion", "fragmentation", "underfill", "insertion", "merge", "overfill")
EXPORTED = {("sensors", "LM"), ("sensors", "RB-KD")}


class Tables(HTMLParser):
    """The tables of a page by their headings, as these are read out: rows of texts, the head first."""

    def __init__(self, html):
        super().__init__()
        self.found: dict[str, list[list[str]]] = {}
        self.headings: dict[str, str] = {}
        self.title, self.text = "", ""
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        of = dict(attributes)
        if tag == "h3" and "id" in of:
            self.headings[of["id"]] = of["aria-label"]
        elif tag == "table":
            self.title = self.headings[of["aria-labelledby"]]
            self.found[self.title] = []
        elif tag == "tr":
            self.found[self.title].append([])
        if tag in ("th", "td"):
            self.text = ""

    def handle_endtag(self, tag):
        if tag in ("th", "td"):
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
            of = {"dataset": dataset, "protocol": protocol}
            cell = grid.completed(variant, seed, 0.5, fold, predictions=found, row=row, **of)
            if (dataset, variant) in EXPORTED:
                rounded = [(who, k, (said + (rng.random() < 0.05)) % 3) for who, k, said in found]
                grid.export(cell, rounded, 4000 + 10 * fold, agreement=float(rng.random()))
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


def test_scores_and_costs_on_the_watch(made):
    rows = load(made[0]).query("dataset == 'sensors'")
    shown = tables(made, "On the watch: sensors, wrist, subject-kfold")
    assert {("sensors", variant) for variant in shown} == EXPORTED
    exports = ResultStore(made[0]).exports
    for variant, part in rows[rows["flash_bytes"].notna()].groupby("variant"):
        pooled = []
        for _, cells in part.groupby("seed"):
            known = [row for cell in cells["cell_id"] if (row := exports.row(cell))]
            found = [exports.int8(row).to_pandas() for row in known]
            labels = np.concatenate([frame["label"] for frame in found])
            predicted = np.concatenate([np.stack(frame["logits"]).argmax(axis=1) for frame in found])
            pooled.append(macro(None, labels, predicted))
        (record,) = records(made, "results", dataset="sensors", variant=variant)
        assert float(record["int8_f1_macro"]) == pytest.approx(mean(pooled))
        assert float(record["int8_agreement"]) == pytest.approx(part["int8_agreement"].mean())
        assert float(record["float_f1_macro"]) == pytest.approx(float(record["f1_macro_mean"]))
        assert (record["flash_bytes_min"], record["flash_bytes_max"], record["arena_bytes_max"]) == (
            str(part["flash_bytes"].min()), str(part["flash_bytes"].max()), str(part["arena_bytes"].max()),
        )  # fmt: skip
        assert (record["cells_exported"], record["measured_on"]) == (str(len(part)), "a PC")
        before, agreement = float(record["float_f1_macro"]), part["int8_agreement"].mean()
        assert list(shown[str(variant)].values())[1:] == [
            f"{100 * before:.1f}", f"{100 * mean(pooled):.1f}", signed(mean(pooled) - before),
            f"{100 * agreement:.1f}", "0.25",
            "4,000–4,020", "2,000–2,010", f"{len(part)}/{len(part)}",
        ]  # fmt: skip
    assert {record["measured_on"] for record in records(made, "results", dataset="spar")} == {""}


def recordings(subjects, labels, predicted, votes):
    """Of each recording the true label and the one that is said, window by window; those of `made` have one each."""
    for who in np.unique(subjects):
        own, said = subjects == who, []
        last: deque[int] = deque(maxlen=votes)
        for label in predicted[own].tolist():
            last.append(label)
            said.append(majority(last))
        yield labels[own].tolist(), said


def events_by_hand(found):
    """Counts over recordings, window by window; of each event the place of its first right window."""
    counted, events = Counter[str](), 0
    late: list[int] = []
    for truth, said in found:
        start = 0
        for label, windows in groupby(truth):
            end = start + len(list(windows))
            right = [i for i in range(start, end) if said[i] == label]
            events, late = events + 1, late + [i - start for i in right[:1]]
            counted["missed"] += not right
            counted["breaks"] += sum(b > a + 1 for a, b in pairwise(right))
            for i in set(range(start, end)) - set(right):
                within = right and right[0] < i < right[-1]
                counted["fragmentation" if within else "underfill" if right else "deletion"] += 1
            start = end
        for label in set(said):
            runs = groupby(zip(truth, said, strict=True), lambda pair: pair[1])
            for run in (list(run) for one, run in runs if one == label):
                # Windows of which the class was said, in parts that are of it and parts that are not.
                parts = [(right, list(part)) for right, part in groupby(one == claimed for one, claimed in run)]
                for k, (right, part) in enumerate(parts):
                    if not right:
                        kind = "merge" if 0 < k < len(parts) - 1 else "overfill" if len(parts) > 1 else "insertion"
                        counted[kind] += len(part)
                        counted["insertions"] += kind == "insertion"
    return counted, events, late


@pytest.mark.parametrize(("dataset", "title"), titles())
def test_events(made, expected, dataset, title):
    _, folder = made
    head, *rows = Tables((folder / "report.html").read_text()).found[f"Events: {title}"]
    shown = {(row[0], row[1]): dict(zip(head, row, strict=True)) for row in rows}
    assert shown.keys() == set(product(VARIANTS, ("1", "3")))
    assert "1889687), 18 events. Votes" in (folder / "report.html").read_text()
    for variant, votes in product(VARIANTS, (1, 3)):
        values = []
        for seed in range(SEEDS):
            subjects, labels, predicted = expected[dataset, variant, seed]
            counted, events, late = events_by_hand(recordings(subjects, labels, predicted, votes))
            assert events == 3 * PEOPLE
            windows = len(labels)
            shares = {kind: counted[kind] / windows for kind in KINDS}
            per_event = {name: counted[name] / events for name in ("missed", "breaks", "insertions")}
            values.append(shares | per_event | {"late": mean(late), "late_90": float(np.quantile(late, 0.9))})
        means = {name: mean(one[name] for one in values) for name in values[0]}
        (record,) = records(made, "events", dataset=dataset, variant=variant, votes=str(votes))
        assert {name: float(record[name]) for name in means} == pytest.approx(means)
        wrong = 1 - float(record["correct"])
        assert [sum(means[kind] for kind in side) for side in (KINDS[:3], KINDS[3:])] == pytest.approx([wrong, wrong])
        texts = [" / ".join(f"{100 * means[kind]:.1f}" for kind in side) for side in (KINDS[:3], KINDS[3:])]
        assert list(shown[variant, str(votes)].values())[2:] == [
            f"{100 * (1 - wrong):.1f}", *texts, f"{100 * means['missed']:.1f}", f"{means['breaks']:.2f}",
            f"{means['insertions']:.2f}", f"{means['late']:.1f} / {means['late_90']:.1f}",
        ]  # fmt: skip


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
