"""Table entries that can be checked by hand, and their text in every format."""

import csv
import io

import pytest
from sklearn.metrics import accuracy_score, f1_score

from analysis.formats import Entry, TextTable, latex, markdown, plain, points
from analysis.scores import variant_results
from analysis.tables import failures_table, results_csv, results_table, split_tables
from har_ray.variants import Traits


def table_of(grid):
    results = grid.load()
    return results_table(results, results.settings()[0])


def texts(table, row):
    return [entry.text for entry in table.rows[row]]


def test_mean_and_sample_standard_deviation_over_seeds(grid):
    grid.seeds("LM", 0.60, 0.62, 0.64)
    assert texts(table_of(grid), 0) == [
        "LM", "62.0 ± 2.0", "62.0 ± 2.0", "62.0 ± 2.0", "42.4", "3/3", "1,000", "20,000", "10,000", "4,000",
        "0.50",
    ]  # fmt: skip


def test_one_seed_has_no_standard_deviation(grid):
    grid.seeds("LM", 0.6)
    assert texts(table_of(grid), 0)[1] == "60.0"


def test_rows_are_in_the_canonical_order(grid):
    order = ["OM", "MM", "LM", "OM-Att", "MM-Att", "LM-Att", "RB-KD", "RB-KD-Att", "RAB-KD"]
    for variant in sorted(order):
        grid.seeds(variant, 0.6)
    assert [row[0].text for row in table_of(grid).rows] == order


def test_missing_and_failed_cells_are_shown(grid):
    grid.seeds("LM", 0.6, 0.7)
    grid.failed("LM", 2, "out of memory")
    grid.expect("RB-KD", 0)
    grid.failed("RB-KD", 1, "no teacher")
    table = table_of(grid)
    assert texts(table, 0)[:6] == ["LM", *["65.0 ± 7.1"] * 3, "42.4", "2/3, 1 failed"]
    assert texts(table, 1) == ["RB-KD", "–", "–", "–", "–", "0/2, 1 failed, 1 missing", *["–"] * 5]


def test_the_highest_mean_is_bold_with_ties_and_the_student_chosen_on_validation_data_has_a_dagger(grid):
    grid.seeds("OM", 0.75)
    grid.seeds("MM", 0.7501)  # the same in print
    grid.seeds("LM", 0.6, row={"val_f1_macro": 0.7})
    grid.seeds("RAB-KD", 0.65, row={"val_f1_macro": 0.6})
    rows = table_of(grid).rows
    assert [(row[0].mark, row[1].bold, row[1].mark) for row in rows] == [
        ("", True, ""), ("", True, ""), ("†", False, ""), ("", False, ""),
    ]  # fmt: skip


def test_the_calibration_error_is_a_mean_over_seeds(grid):
    # The softmax of (1, 0, 0) is sure by e / (e + 2) = 57.6 %: all right misses by 42.4, none right by 57.6.
    grid.completed("LM", 0, 0.5)
    grid.completed("LM", 1, 0.5, predictions=[("4", 0, 1), ("5", 1, 0)])
    assert texts(table_of(grid), 0)[4] == "50.0"
    (record,) = csv.DictReader(io.StringIO(results_csv(grid.load())))
    assert float(record["calibration_error_mean"]) == pytest.approx(0.5)


def test_cells_that_were_still_improving_are_counted(grid):
    for seed, converged in enumerate([False, False, True, None]):
        grid.completed("LM", seed, 0.5, row={"converged": converged})
    grid.seeds("OM", 0.7)  # of which nothing is known
    said = "LM: 2 of 4 cells were still improving when their epochs ran out"
    note = "‡ Still improving when their epochs ran out: LM (2 of 4 cells)."
    assert [one for one in table_of(grid).notes if "epochs" in one] == [note]
    assert {row[0].text: row[0].mark for row in table_of(grid).rows} == {"LM": "†‡", "OM": ""}
    records = list(csv.DictReader(io.StringIO(results_csv(grid.load()))))
    assert [record["unconverged"] for record in records] == ["", said]


def test_of_several_variants_one_sentence_says_which_were_still_improving(grid):
    for variant, converged in {"MM": False, "LM": False, "OM": True}.items():
        grid.completed(variant, 0, 0.5, row={"converged": converged})
    said = "Still improving when their epochs ran out: MM (1 of 1 cell), LM (1 of 1 cell)."
    assert [note for note in table_of(grid).notes if "epochs" in note] == [f"‡ {said}"]


def test_a_split_that_tests_people_who_also_trained_says_so(grid):
    grid.info["data"] = [grid.data(folds=[{"protocol": "official", "fold": 0, "test": ["S2"]}])]
    grid.completed("LM", 0, 0.9, protocol="official")
    table = table_of(grid)
    assert table.title == (
        "Test results: sensors, wrist, official split (the test people also trained, in other sessions)"
    )
    assert any(note.startswith("The test people are in the training part too") for note in table.notes)
    (split,) = split_tables(grid.load())
    assert texts(split, 0)[0] == "official split (the test people also trained, in other sessions)"


def test_a_random_split_is_labelled_as_leaking(grid):
    grid.completed("LM", 0, 0.99, protocol="random")
    table = table_of(grid)
    assert "LEAKS" in table.title
    assert any("leaks" in note for note in table.notes)


@pytest.mark.parametrize(("protocol", "said"), [("loso", True), ("subject-kfold@val=windows", True), ("random", False)])
def test_what_a_datasets_publication_reports_stands_below_where_people_are_new(grid, protocol, said):
    grid.completed("LM", 0, 0.7, dataset="spar", protocol=protocol)
    published = [note for note in table_of(grid).notes if note.startswith("Published of these recordings: 87.3 % acc")]
    assert len(published) == said


def test_every_table_carries_command_commit_and_grid_hash(grid):
    grid.seeds("LM", 0.6)
    made = "python -m har_ray.grid grids/tiny.yaml · commit 0123456 · grid abc123"
    results = grid.load()
    tables = [results_table(results, results.settings()[0]), *split_tables(results)]
    assert all(table.made_by == made for table in [*tables, failures_table(results)])


def test_folds_are_pooled_and_not_averaged(grid):
    # Fold 0 holds classes 0 and 1 only, fold 1 holds 1 and 2: averaging their F1 would count absent classes.
    first = [("1", 0, 0)] * 6 + [("1", 1, 0)] * 2 + [("1", 1, 1)] * 2
    second = [("2", 1, 1)] * 3 + [("2", 2, 2)] * 5 + [("2", 2, 1)] * 2
    grid.completed("LM", 0, 0.111, fold=0, predictions=first)
    grid.completed("LM", 0, 0.222, fold=1, predictions=second)
    results = grid.load()
    scores = variant_results(results, results.settings()[0])["LM"].complete[0].scores
    labels, predicted = zip(*[(label, pred) for _, label, pred in first + second], strict=True)
    assert scores == pytest.approx({
        "f1_macro": f1_score(labels, predicted, average="macro"),
        "f1_weighted": f1_score(labels, predicted, average="weighted"),
        "accuracy": accuracy_score(labels, predicted),
    })  # fmt: skip
    assert any("2 folds, pooled" in note for note in results_table(results, results.settings()[0]).notes)


def test_a_seed_without_all_its_folds_does_not_count(grid):
    for fold in (0, 1):
        grid.completed("LM", 0, 0.5, fold=fold)
    grid.completed("LM", 1, 0.5, fold=0)
    grid.failed("LM", 1, "out of memory", fold=1)
    grid.expect("LM", 2, fold=0)
    grid.expect("LM", 2, fold=1)
    assert texts(table_of(grid), 0)[5] == "1/3, 1 fold failed, 2 folds missing"


def test_costs_that_differ_between_folds_are_a_range(grid):
    grid.completed("LM-Att", 0, 0.5, fold=0, row={"params": 1010})
    grid.completed("LM-Att", 0, 0.5, fold=1, row={"params": 1020})
    assert texts(table_of(grid), 0)[6] == "1,010–1,020"


def test_csv_has_raw_numbers(grid):
    grid.seeds("LM", 0.60, 0.64)
    grid.expect("LM", 2)
    grid.expect("MM", 0)
    rows = list(csv.DictReader(io.StringIO(results_csv(grid.load()))))
    assert [row["variant"] for row in rows] == ["MM", "LM"]
    mm, lm = rows
    assert float(lm["f1_macro_mean"]) == pytest.approx(0.62)
    assert float(lm["f1_macro_sd"]) == pytest.approx(0.02 * 2**0.5)
    assert (lm["f1_macro_n"], lm["seeds_completed"], lm["seeds_expected"], lm["cells_missing"]) == ("2", "2", "3", "1")
    assert (lm["params_min"], lm["params_max"], lm["leaks"]) == ("1000", "1000", "False")
    assert (lm["command"], lm["git_commit"], lm["grid_hash"]) == (
        "python -m har_ray.grid grids/tiny.yaml", "0123456", "abc123",
    )  # fmt: skip
    assert (mm["f1_macro_mean"], mm["f1_macro_sd"], mm["params_min"], mm["cells_completed"]) == ("", "", "", "0")


SLOW, FAST = "cpu: Slow, 1 thread, batch 1", "cpu: Fast, 1 thread, batch 1"


def test_one_device_is_named_in_the_note(grid):
    grid.completed("LM", 0, 0.6, row={"latency_ms": 0.4, "latency_device": FAST})
    grid.completed("LM", 1, 0.6, row={"latency_ms": 0.6, "latency_device": FAST})
    table = table_of(grid)
    assert texts(table, 0)[-1] == "0.50"
    assert table.notes[-1].endswith(f"Latency: one window, median, on {FAST}.")
    (record,) = csv.DictReader(io.StringIO(results_csv(grid.load())))
    assert (float(record["latency_ms_median"]), record["latency_device"]) == (0.5, FAST)


def test_latencies_of_different_devices_are_marked_and_never_averaged(grid):
    grid.completed("OM", 0, 0.6, row={"latency_ms": 2.0, "latency_device": SLOW})
    grid.completed("LM", 0, 0.6, row={"latency_ms": 0.4, "latency_device": FAST})
    grid.completed("LM", 1, 0.6, row={"latency_ms": 0.8, "latency_device": SLOW})
    grid.completed("LM", 2, 0.6, row={"latency_ms": 0.6, "latency_device": FAST})
    grid.completed("LM-Att", 0, 0.6, row={"latency_ms": 0.3, "latency_device": None})
    grid.completed("RB-KD", 0, 0.6, row={"latency_ms": None, "latency_device": None})
    table = table_of(grid)
    assert [texts(table, row)[-1] for row in range(4)] == ["2.00 (c)", "0.50 (b), 0.80 (c)", "0.30 (a)", "–"]
    assert table.notes[-1] == (
        "Latencies were measured on different devices and compare only where the letter is the same: "
        f"(a) an unknown device; (b) {FAST}; (c) {SLOW}."
    )
    records = list(csv.DictReader(io.StringIO(results_csv(grid.load()))))
    assert [record["latency_ms_median"] for record in records] == ["2.0", "", "0.3", ""]
    assert records[1]["latency_device"] == f"{FAST}; {SLOW}"


TABLE = TextTable(
    "A & B: 50 %", ["variant", "a_b (%)"], "lr",
    [[Entry("LM"), Entry("62.0 ± 2.0", bold=True, mark="†")], plain("x|y", "–")],
    ["Δ: 2 × {a}."], "python -m x · commit 1",
)  # fmt: skip


def test_markdown():
    assert markdown(TABLE) == (
        "**A & B: 50 %**\n\n| variant | a_b (%) |\n| :--- | ---: |\n| LM | **62.0 ± 2.0**† |\n| x\\|y | – |\n"
        "\nΔ: 2 × {a}.\n\npython -m x · commit 1\n"
    )


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
        ("&lt;b&gt; & c", "&amp;lt;b&amp;gt; & c"),
        ("a|b", "a\\|b"),
        ("a\\|b", "a\\\\\\|b"),
        ("`rm -rf`", "\\`rm -rf\\`"),
        ("*bold* _slanted_ f1_macro", "\\*bold\\* \\_slanted\\_ f1_macro"),
        ("[here](javascript:x) ![](y)", "\\[here\\](javascript:x) !\\[\\](y)"),
        ("~~gone~~ $x$", "\\~\\~gone\\~\\~ \\$x\\$"),
        ("KeyError:\n\n# 'x'", "KeyError: # 'x'"),
    ],
)
def test_names_and_errors_are_text_in_markdown(text, escaped):
    lines = markdown(TextTable(text, [text], "l", [plain(text)], [text], text)).splitlines()
    assert lines == [f"**{escaped}**", "", f"| {escaped} |", "| :--- |", f"| {escaped} |", "", escaped, "", escaped]


def test_hostile_names_stay_text_in_every_format(grid):
    name = "<script>|`x`\\"
    grid.info["data"] = [grid.data(dataset=name, classes=[name, "b", "c"])]
    grid.completed("LM", 0, 0.6, dataset=name)
    results = grid.load()
    (split,) = split_tables(results)
    for table in (table_of(grid), split, failures_table(results)):
        assert "<script>" not in markdown(table)
        assert "`x`" not in markdown(table).replace("\\`", "")
    assert "$<$script$>$|`x`\\textbackslash{}" in latex(split, "x")


def test_latex():
    assert latex(TABLE, "a-b") == (
        "\\begin{table}\n  \\centering\n  \\caption{A \\& B: 50 \\%}\n  \\label{tab:a-b}\n"
        "  \\begin{tabular}{lr}\n    \\toprule\n    variant & a\\_b (\\%) \\\\\n    \\midrule\n"
        "    LM & \\textbf{62.0 $\\pm$ 2.0}$^\\dagger$ \\\\\n    x|y & -- \\\\\n    \\bottomrule\n  \\end{tabular}\n"
        "  \\par\\footnotesize $\\Delta$: 2 $\\times$ \\{a\\}.\n"
        "  \\par\\footnotesize python -m x $\\cdot$ commit 1\n\\end{table}\n"
    )


@pytest.mark.parametrize(
    ("difference", "text"), [(0.012, "+1.2"), (-0.004, "−0.4"), (0.0, "0.0"), (-0.0001, "0.0"), (0.0001, "0.0")]
)
def test_points(difference, text):
    assert points(difference) == text


OWN_METRIC = """
from har_ray.metrics import Metric

class Third(Metric):
    title = "third (%)"

    def __call__(self, labels, logits):
        return len(labels) / 30
"""


@pytest.fixture
def own_metric(grid, tmp_path, monkeypatch):
    (tmp_path / "ownmetric.py").write_text(OWN_METRIC)
    monkeypatch.syspath_prepend(str(tmp_path))
    grid.info["grid"] |= {"metrics": ["f1_macro", "ownmetric:Third"]}


def test_a_metric_of_somebodys_own_is_a_column(grid, own_metric):
    grid.completed("LM", 0, 0.6, row={"test_Third": 0.25})
    table = table_of(grid)
    assert table.columns[1:3] == ["F1 macro (%)", "third (%)"]
    assert texts(table, 0)[1:3] == ["60.0", "25.0"]
    (row,) = csv.DictReader(io.StringIO(results_csv(grid.load())))
    assert float(row["Third_mean"]) == 0.25


def test_it_is_pooled_over_folds_as_ours_are(grid, own_metric):
    for fold in (0, 1):
        grid.completed("LM", 0, 0.6, fold=fold, row={"test_Third": 0.25})
    assert texts(table_of(grid), 0)[2] == "40.0"  # six windows in each fold: 12 / 30


def test_a_metric_that_is_not_installed_here_is_read_from_rows(grid):
    grid.info["grid"] |= {"metrics": ["f1_macro", "elsewhere:Fourth"]}
    grid.completed("LM", 0, 0.6, row={"test_Fourth": 0.25})
    for fold in (0, 1):
        grid.completed("MM", 0, 0.6, fold=fold, row={"test_Fourth": 0.25})
    table = table_of(grid)
    assert [texts(table, row)[2] for row in (0, 1)] == ["–", "25.0"]
    assert any("Fourth: can't be computed here" in note and "no module 'elsewhere'" in note for note in table.notes)


def test_f1_is_computed_where_the_grid_does_not_list_it(grid):
    grid.info["grid"] |= {"metrics": ["accuracy"]}
    grid.completed("LM", 0, 0.6, row={"test_f1_macro": None}, predictions=[("4", 0, 0), ("4", 1, 1), ("4", 2, 1)])
    results = grid.load()
    result = variant_results(results, results.settings()[0])["LM"]
    assert result.mean() == pytest.approx((1 + 2 / 3 + 0) / 3)
    table = results_table(results, results.settings()[0])
    assert (table.columns[1:3], texts(table, 0)[1]) == (["accuracy (%)", "ECE (%)"], "60.0")


def test_a_metric_that_the_grid_no_longer_lists_is_not_missed(grid):
    grid.completed("LM", 0, 0.6, row={"test_Third": 0.25})
    grid.completed("MM", 0, 0.7)
    assert [texts(table_of(grid), row)[5] for row in (0, 1)] == ["1/1", "1/1"]


def test_small_models_are_known_by_their_traits(grid):
    grid.traits |= {"GRU": Traits(name="GRU"), "Big": Traits(name="Big", large=True)}
    for variant, score in {"LM": 0.6, "GRU": 0.7, "Big": 0.8}.items():
        grid.seeds(variant, score)
    rows = table_of(grid).rows
    assert [(row[0].text, row[0].mark) for row in rows] == [("LM", ""), ("GRU", "†"), ("Big", "")]


def test_a_network_without_a_published_count_has_none(grid):
    grid.completed("LM", 0, 0.6, row={"flops_published": None})
    grid.completed("MM", 0, 0.6)
    assert texts(table_of(grid), 1)[6:9] == ["1,000", "20,000", "–"]


def test_failures_of_every_stage_are_listed_once(grid):
    grid.failed("RB-KD", 0, "TrainingError: the loss is nan", stage="search")
    grid.failed("LM", 1, "out of memory")
    unreadable = grid.completed("LM", 2, 0.5)
    grid.store.root.delete(f"cells/{unreadable}/curve.json")
    rows = failures_table(grid.load()).rows
    assert [(row[0].text, row[3].text, row[4].text) for row in rows] == [
        ("search", "RB-KD", "0"), ("confirm", "LM", "1"), ("confirm", "LM", "2"),
    ]  # fmt: skip
    assert rows[0][5].text == "TrainingError: the loss is nan"


def test_splits_show_the_subjects_of_each_part(grid):
    (table,) = split_tables(grid.load())
    assert table.title == "sensors, wrist: 1,900 windows of 25 samples at 12.5 Hz"
    assert texts(table, 0) == ["subject-holdout", "0", "1, 2 (1,200 windows)", "3 (300 windows)", "4, 5 (400 windows)"]
    assert table.notes == ["1 channels: acc_x.", "3 classes: sit, stand, walk."]


def test_a_cost_that_no_cell_knows_has_no_column(grid):
    """Rows of before there were bytes; a forest beside them has bytes alone."""
    grid.seeds("LM", 0.6, row={"bytes": None})
    assert "bytes" not in table_of(grid).columns
    grid.seeds("Forest", 0.7, row={"params": None, "macs": None, "flops_published": None, "bytes": 5000})
    table = table_of(grid)
    at = table.columns.index("bytes")
    assert [texts(table, row)[at] for row in (0, 1)] == ["–", "5,000"]
    assert texts(table, 1)[at - 3 : at] == ["–"] * 3
