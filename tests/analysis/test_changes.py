"""What changed between grids: differences, tests and recipes that a person can check; what is not compared and why."""

import csv
import io
import re
from pathlib import Path

import pytest
from scipy import stats

from analysis.__main__ import main
from analysis.changes import changes, changes_csv, changes_table, named, sentences
from analysis.formats import markdown
from har_ray.errors import HarRayError
from tests.analysis.conftest import GridStore

PEOPLE = ("1", "2", "3", "4", "5")
RIGHT = (0, 1, 2)
"""Of the three windows of a person, one of each class: macro F1 1."""
ONE_WRONG = (0, 1, 1)
"""F1 of the classes 1, 2/3 and 0: macro F1 5/9."""


def windows(**predicted):
    """Test predictions (subject, label, predicted); all right but for the subjects that are given, `s1=…`."""
    return [(s, label, predicted.get(f"s{s}", RIGHT)[label]) for s in PEOPLE for label in range(3)]


@pytest.fixture
def pair(tmp_path):
    """Two empty grids, `old` and `new`."""

    def grid(name):
        return GridStore(tmp_path / name, grid={"name": name})

    return grid("old"), grid("new")


def cell_of(store):
    """An id that no other grid has."""
    return Path(store.path).name


def compared(*stores):
    return named([store.load() for store in stores])


def entries(table, variant):
    """A row of a table by the names of its columns."""
    row = next(row for row in table.rows if variant in (row[0].text, row[1].text))
    return dict(zip(table.columns, (entry.text for entry in row), strict=True))


def test_a_difference_is_that_of_each_test_subject_seed_by_seed_with_interval_and_test(pair):
    old, new = pair
    wrong = {f"s{s}": ONE_WRONG for s in "1234"}  # a gain of 4/9 for four people, none for the fifth
    old.completed("LM", 0, 0.6, predictions=windows(**wrong), cell_id="a")
    new.completed("LM", 0, 0.9, predictions=windows(), cell_id="b")
    new.completed("LM", 1, 0.1, predictions=windows(**wrong), cell_id="c")  # seed 1 has nothing to be compared with
    (change,) = changes(*compared(old, new))
    gains = [4 / 9] * 4 + [0.0]
    estimate, test = change.compared.estimate, stats.ttest_1samp(gains, 0)
    assert estimate is not None
    low, high = test.confidence_interval(0.95)
    assert change.compared.subject_difference == pytest.approx(16 / 45)
    assert (estimate.low, estimate.high, change.compared.p_holm) == pytest.approx((low, high, test.pvalue))
    shown = entries(changes_table(*compared(old, new)), "LM")
    assert shown["Δ per subject"] == "+35.6"
    assert shown["95 % interval"] == f"+{100 * low:.1f} to +{100 * high:.1f}"
    assert (shown["old: F1 macro (%)"], shown["seeds"], shown["subjects"]) == ("60.0", "1", "5")
    assert shown["cells in both"] == "0 of 2"
    assert "Beyond chance: LM +35.6 points per subject" in sentences(*compared(old, new))


def test_p_values_are_adjusted_over_all_variants_and_settings_of_a_table(pair):
    old, new = pair
    better = {
        ("LM", "wrist"): {f"s{s}": ONE_WRONG for s in "1234"},
        ("LM", "paper"): {"s1": ONE_WRONG},
        ("MM", "paper"): {f"s{s}": ONE_WRONG for s in "12"},
    }
    for n, ((variant, preset), wrong) in enumerate(better.items()):
        old.completed(variant, 0, 0.6, predictions=windows(**wrong), preset=preset, cell_id=f"a{n}")
        new.completed(variant, 0, 0.9, predictions=windows(), preset=preset, cell_id=f"b{n}")
    found = {(c.variant, c.setting.preset): c.compared for c in changes(*compared(old, new))}
    alone = {key: stats.ttest_1samp([4 / 9] * len(wrong) + [0] * (5 - len(wrong)), 0).pvalue
             for key, wrong in better.items()}  # fmt: skip
    first, second, third = sorted(alone, key=alone.__getitem__)
    assert found[first].p_holm == pytest.approx(3 * alone[first])
    assert found[second].p_holm == pytest.approx(max(3 * alone[first], 2 * alone[second]))
    assert found[third].p_holm == pytest.approx(max(found[second].p_holm, alone[third]))
    assert changes_table(*compared(old, new)).columns[0] == "setting"
    said = sentences(*compared(old, new))
    assert said.startswith("new against old: 3 variants of 2 settings in both.")
    assert "Could be chance: sensors, paper, subject-holdout: MM, LM." in said


def test_cells_that_are_in_both_are_the_same_and_not_tested(pair):
    old, new = pair
    for store, score in ((old, 0.6), (new, 0.9)):
        store.completed("MM", 0, 0.7, predictions=windows(), cell_id="same", row={"node": store.path})
        store.completed(
            "LM", 0, score, predictions=windows(s1=ONE_WRONG) if store is old else windows(), cell_id=cell_of(store)
        )
    table = changes_table(*compared(old, new))
    shown = entries(table, "MM")
    assert (shown["cells in both"], shown["Δ per subject"], shown["p (Holm)"]) == ("1 of 1, identical", "0.0", "–")
    assert any("over the 1 comparison of this table" in note for note in table.notes)
    assert "The very same cells: MM." in sentences(*compared(old, new))


def test_a_cell_in_both_with_other_results_is_named(pair):
    for store, score in zip(pair, (0.6, 0.61), strict=True):
        store.completed("LM", 0, score, predictions=windows(), cell_id="0123456789abcdef")
    table = changes_table(*compared(*pair))
    assert entries(table, "LM")["cells in both"] == "1 of 1, 1 not equal"
    assert any("not equal" in note and "0123456789abcdef" in note for note in table.notes)


def test_the_recipe_has_what_differs_in_training_declaration_and_choice(pair):
    old, new = pair
    losses = {"distillation": {"temperature": 4, "alpha": 0.5}}
    old.info["grid"] |= {"train": {"epochs": 150, "lr": 0.001}, "teacher": ["MM"]}
    old.info["grid"] |= {"variants": [{"name": "X", "losses": {}, "train": {}}]}
    new.info["grid"] |= {"train": {"epochs": 60, "lr": 0.001, "mixup": 0.0}, "teacher": ["OM", "MM"]}
    new.info["grid"] |= {"variants": [{"name": "X", "losses": losses, "train": {"lr": 0.01}}]}
    for store, temperatures in ((old, (2.0, 2.0)), (new, (4.0, 8.0))):
        for fold, temperature in enumerate(temperatures):
            name = f"{cell_of(store)}{fold}"
            store.completed("X", 0, 0.6, fold=fold, cell_id=name, row={"teacher_id": "t"}, predictions=windows())
            store.plan[-1] |= {"temperature": temperature, "seed": 0}
    (change,) = changes(*compared(old, new))
    assert change.recipe == {
        "train.epochs": ("150", "60"),
        "train.lr": ("0.001", "0.01"),
        "teacher": ("MM", "OM, MM"),
        "temperature": ("2.0", "4.0, 8.0"),
        "losses.distillation.temperature": ("–", "4"),
        "losses.distillation.alpha": ("–", "0.5"),
    }


def test_costs_that_differ_are_shown_and_those_that_one_side_does_not_know_are_not(pair):
    for store, cost in zip(pair, ({"params": 1963, "bytes": None}, {"params": 3487, "bytes": 13_948}), strict=True):
        store.completed("LM", 0, 0.6, cell_id=cell_of(store), row=cost, predictions=windows())
    assert entries(changes_table(*compared(*pair)), "LM")["cost"] == "params 1,963 → 3,487"


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"windows_id": "bbbb"}, "other windows (aaaa in old, bbbb in new)"),
        ({"people": "1234"}, "other test subjects (5 only in old)"),
        ({"windows": 2}, "other test windows (15 in old, 14 in new)"),
    ],
)
def test_what_was_tested_on_other_windows_or_people_is_said_and_not_compared(pair, changed, reason):
    old, new = pair
    found = windows()
    kept = [one for one in found if one[0] in changed.get("people", PEOPLE)][: 14 if "windows" in changed else None]
    old.info["data"][0]["windows_id"], new.info["data"][0]["windows_id"] = "aaaa", changed.get("windows_id", "aaaa")
    old.completed("LM", 0, 0.6, predictions=found, cell_id="a")
    new.completed("LM", 0, 0.9, predictions=kept, cell_id="b")
    table = changes_table(*compared(old, new))
    shown = entries(table, "LM")
    assert (shown["old: F1 macro (%)"], shown["new: F1 macro (%)"], shown["Δ per subject"]) == ("60.0", "90.0", "–")
    assert f"{reason}." in table.notes
    assert "Not tested: LM." in sentences(*compared(old, new))


def test_what_is_in_one_grid_alone_is_named(pair):
    old, new = pair
    for store, variant, preset in ((old, "MM", "paper"), (new, "RB-KD", "wrist")):
        store.completed("LM", 0, 0.6, predictions=windows(), cell_id=cell_of(store))
        store.completed(variant, 0, 0.6, predictions=windows(), cell_id=f"{cell_of(store)}2", preset=preset)
    notes = changes_table(*compared(old, new)).notes
    assert "Only in old: sensors, paper, subject-holdout." in notes
    assert "Only in new: RB-KD." in notes


def test_a_variant_without_a_completed_seed_is_no_difference(pair):
    old, new = pair
    old.completed("LM", 0, 0.6, predictions=windows())
    new.failed("LM", 0, "out of memory")
    table = changes_table(*compared(old, new))
    shown = entries(table, "LM")
    assert (shown["new: F1 macro (%)"], shown["Δ per subject"], shown["cost"], shown["recipe"]) == ("–",) * 4
    assert "LM (new) has no completed seed (0/1, 1 failed)." in table.notes


def test_grids_of_one_name_are_numbered_and_one_grid_twice_is_an_error(pair, tmp_path):
    old, new = pair
    new.info["grid"]["name"] = "old"
    for store in pair:
        store.completed("LM", 0, 0.6, predictions=windows())
    loaded = [store.load() for store in pair]
    assert [grid.name for grid in named(loaded)] == ["old (1)", "old (2)"]
    assert f"old (2): {tmp_path / 'new'}." in changes_table(*named(loaded)).notes
    with pytest.raises(HarRayError, match="old: given twice"):
        named([loaded[0], loaded[1], old.load()])


@pytest.fixture
def three(pair, tmp_path):
    """Three grids on the disk, whose LM is better from one to the next; their paths."""
    old, new = pair
    newest = GridStore(tmp_path / "newest", grid={"name": "newest"})
    for store, wrong in ((old, "1234"), (new, "12"), (newest, "")):
        store.completed(
            "LM", 0, 0.6, cell_id=cell_of(store), predictions=windows(**{f"s{s}": ONE_WRONG for s in wrong})
        )
    return [store.write() for store in (old, new, newest)]


def test_each_grid_is_compared_with_the_first_in_one_report_with_the_sections_of_all(three, tmp_path, capsys):
    out = tmp_path / "out"
    assert main([*three, "--out", str(out)]) == 0
    assert capsys.readouterr().out == f"report: {out / 'report.html'}\n"
    page = (out / "report.html").read_text()
    headings = re.findall(r'<h2 id="([^"]*)">(.*?)</h2>', page)
    assert headings[:2] == [("answer", "The answer"), ("changes", "What changed")]
    assert [title for _, title in headings[2:]] == [
        f"{name}: {title}" for name in ("old", "new", "newest")
        for title in ("sensors, wrist, subject-holdout", "how it was made")
    ]  # fmt: skip
    assert len({slug for slug, _ in headings}) == len(headings)
    for n, name in enumerate(("old", "new", "newest"), 1):
        assert (out / f"{n}-{name}" / "report.html").is_file()


def test_page_csv_markdown_and_latex_have_the_same_numbers(three, tmp_path):
    out = tmp_path / "out"
    main([*three, "--out", str(out)])
    page, text = (out / "report.html").read_text(), (out / "tables/changes.md").read_text()
    latex = (out / "tables/changes.tex").read_text()
    rows = list(csv.DictReader(io.StringIO((out / "changes.csv").read_text())))
    # 4/9 for people who were wrong before and are right now: two of five, four of five
    assert [float(row["subject_difference"]) for row in rows] == pytest.approx([8 / 45, 16 / 45])
    assert [(row["before"], row["after"]) for row in rows] == [("old", "new"), ("old", "newest")]
    for row, shown in zip(rows, ("+17.8", "+35.6"), strict=True):
        interval = f"{100 * float(row['low']):+.1f} to {100 * float(row['high']):+.1f}".replace("-", "−")
        assert f">{shown}</td>" in page
        assert f">{interval}</td>" in page
        assert f"| {shown} | {interval} |" in text
        assert f"& {shown} & {interval.replace('−', '$-$')} &" in latex


def test_the_functions_and_the_files_agree(three, tmp_path):
    from analysis.load import load_results

    out = tmp_path / "out"
    main([*three, "--out", str(out)])
    first, second, third = grids = named([load_results(path) for path in three])
    assert (out / "changes.csv").read_text() == changes_csv(grids)
    tables = [markdown(changes_table(first, other)) for other in (second, third)]
    assert (out / "tables/changes.md").read_text() == "\n".join(tables)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "--out FOLDER is missing: the report of 2 grids is in none of them"),
        (["--out", "x", "--budget", "params=100"], "--budget: found 2 RESULTS; expected one"),
    ],
)
def test_options_that_do_not_suit_several_grids_end_in_a_line_and_2(three, options, message, capsys):
    assert main([*three[:2], *options]) == 2
    assert capsys.readouterr().err == f"error: {message}\n"


def test_one_grid_given_twice_ends_in_a_line(three, tmp_path, capsys):
    assert main([three[0], f"{three[0]}/", "--out", str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err == f"error: {three[0]}: given twice; a grid is compared with another one\n"
    assert not (tmp_path / "out").exists()
