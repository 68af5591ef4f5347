"""What is completed, failed and missing is read off the expected cells, not off the rows that exist."""

import gc
import tracemalloc

import pyarrow as pa
import pytest

from analysis.load import load_results
from analysis.seeds import Predictions
from har_ray.groups import Setting
from har_ray.store.results import CLASSES
from tests.analysis.conftest import GridStore


def states(results):
    return {(cell.key.variant, cell.key.seed): cell.state for cell in results.cells}


def test_every_expected_cell_has_a_state(grid):
    grid.completed("LM", 0, 0.6)
    grid.failed("LM", 1, "TrainingError: the loss is nan")
    grid.expect("LM", 2)
    grid._row(grid.expect("LM", 3), "confirm", {"status": "stopped", "files": {}}, "confirm9")
    results = grid.load()
    assert states(results) == {("LM", 0): "completed", ("LM", 1): "failed", ("LM", 2): "missing", ("LM", 3): "stopped"}
    assert results.cells[1].error == "TrainingError: the loss is nan"
    assert results.settings() == [Setting("sensors", "wrist", "subject-holdout")]


def test_a_planned_cell_without_a_row_is_missing(grid):
    grid.plan.append({**grid.expect("LM", 0), "cell_id": "x", "stage": "confirm"})
    assert states(grid.load()) == {("LM", 0): "missing"}


@pytest.mark.parametrize("stage", ["search", "teachers"])
def test_only_confirm_cells_enter_the_tables(grid, stage):
    grid.completed("RB-KD", 0, 0.9, stage=stage)
    assert states(grid.load()) == {("RB-KD", 0): "missing"}


def test_a_confirm_row_that_nobody_expected_is_shown(grid):
    grid.completed("LM", 0, 0.6)
    grid.expected.clear()
    assert states(grid.load()) == {("LM", 0): "completed"}


@pytest.mark.parametrize("name", ["predictions.parquet", "curve.json"])
def test_a_completed_cell_without_its_artefacts_counts_as_failed(grid, name):
    cell_id = grid.completed("LM", 0, 0.6)
    grid.store.root.delete(f"cells/{cell_id}/{name}")
    (cell,) = grid.load().cells
    assert cell.state == "failed"
    assert name in cell.error


def test_a_completed_cell_without_a_score_or_with_wrong_labels_counts_as_failed(grid):
    grid.completed("LM", 0, float("nan"))
    grid.completed("LM", 1, 0.5, predictions=[("4", 3, 0)])
    no_score, wrong_label = grid.load().cells
    assert (no_score.state, no_score.error) == ("failed", "completed, but a test score is missing in its row")
    assert wrong_label.state == "failed"
    assert "labels 3 to 3, but 3 logits" in wrong_label.error


def test_predictions_are_the_largest_logit(grid):
    grid.completed("LM", 0, 0.5, predictions=[("4", 0, 2), ("5", 1, 1)])
    cell_id = grid.plan[0]["cell_id"]
    predictions = Predictions.of(grid.store.predictions(grid.store.row(cell_id)))
    assert predictions.subjects.tolist() == ["4", "5"]
    assert predictions.labels.tolist() == [0, 1]
    assert predictions.predicted.tolist() == [2, 1]
    assert predictions.classes == 3
    assert grid.load().cells[0].confusion.tolist() == [[0, 0, 1], [0, 1, 0], [0, 0, 0]]


@pytest.mark.parametrize(
    ("column", "values", "reason"),
    [
        ("logits", [[0.0, 1.0], [1.0]], "2 windows with 2 different numbers of logits"),
        ("logits", [[0.0, 1.0], None], "2 windows with 2 different numbers of logits"),
        ("subject", None, "subject"),
    ],
)
def test_predictions_that_are_not_what_a_cell_leaves_fail_it(grid, column, values, reason):
    cell_id = grid.completed("LM", 0, 0.5)
    columns = {"subject": ["4", "5"], "label": [0, 1], "logits": [[0.0, 1.0], [1.0, 0.0]]} | {column: values}
    table = pa.table({name: value for name, value in columns.items() if value is not None})
    row = grid.store.row(cell_id)
    grid.store.write_row(row | {"files": row["files"] | grid.store.write_predictions(cell_id, table)})
    (cell,) = grid.load().cells
    assert cell.state == "failed"
    assert reason in cell.error


def test_logits_that_are_not_finite_fail_a_cell(grid):
    cell_id = grid.completed("LM", 0, 0.5)
    table = pa.table({"subject": ["4"], "label": [0], "logits": [[0.0, float("nan"), 1.0]]})
    row = grid.store.row(cell_id)
    grid.store.write_row(row | {"files": row["files"] | grid.store.write_predictions(cell_id, table)})
    (cell,) = grid.load().cells
    assert "logits that are not finite" in cell.error


def kept_bytes(path):
    """What is allocated while the results are held."""
    load_results(path)  # what is imported and cached once
    tracemalloc.start()
    try:
        results = load_results(path)
        gc.collect()
        return tracemalloc.get_traced_memory()[0], results
    finally:
        tracemalloc.stop()


def test_predictions_are_not_kept_in_memory(tmp_path):
    sizes = {}
    for windows in (10, 5000):
        grid = GridStore(tmp_path / str(windows))
        for seed in range(8):
            for fold in (0, 1):
                grid.completed("LM", seed, 0.5, fold=fold, predictions=[("4", 0, 0), ("5", 1, 1)] * (windows // 2))
        sizes[windows], _ = kept_bytes(grid.write())
    # The logits alone of 16 cells of 5000 windows and 3 classes are 1.9 MB.
    assert sizes[5000] - sizes[10] < 100_000


def test_what_run_json_lacks_is_unknown(grid):
    grid.completed("LM", 0, 0.6)
    grid.info = {"grid": {"name": "tiny"}}
    results = grid.load()
    assert results.made_by == "unknown · commit unknown · grid unknown"
    assert results.class_names(results.settings()[0], 3) == ["0", "1", "2"]


def test_a_long_command_is_cut_for_figures_where_its_changes_begin(grid):
    grid.completed("LM", 0, 0.6)
    short = "python -m har_ray.grid grids/quick.yaml --set seeds=[0]"
    for command, told in [
        (short, short),
        (short + " --set 'variants=[" + "LM, " * 30 + "OM]'", "python -m har_ray.grid grids/quick.yaml --set …"),
    ]:
        grid.info = {"command": command, "git_commit": "abc", "grid_hash": "def", "grid": {"name": "tiny"}}
        results = grid.load()
        assert results.made_by == f"{command} · commit abc · grid def"
        assert results.made_by_short == f"{told} · commit abc · grid def"


def test_a_commit_is_short_in_captions_and_whole_in_files_of_numbers(grid):
    grid.completed("LM", 0, 0.6)
    grid.info = {"command": "run", "git_commit": "0123456789" * 4, "git_dirty": True, "grid_hash": "def"}
    results = grid.load()
    assert results.made_by == "run · commit 0123456789-dirty · grid def"
    assert results.provenance["git_commit"] == "0123456789" * 4 + "-dirty"


def test_class_names_are_those_of_the_dataset_and_preset(grid):
    grid.completed("LM", 0, 0.6)
    results = grid.load()
    assert results.class_names(results.settings()[0], 3) == ["sit", "stand", "walk"]
    assert results.class_names(Setting("sensors", "paper", "random"), 3) == ["0", "1", "2"]


def test_predictions_may_name_the_classes_themselves(grid):
    cell_id = grid.completed("LM", 0, 0.6)
    row = grid.store.row(cell_id)
    table = grid.store.predictions(row).replace_schema_metadata({CLASSES: '["lie", "sit", "stand"]'})
    grid.store.write_row(row | {"files": row["files"] | grid.store.write_predictions(cell_id, table)})
    results = grid.load()
    assert results.class_names(results.settings()[0], 3) == ["lie", "sit", "stand"]


def test_titles_and_file_names():
    setting = Setting("sensors", "wrist@rate_hz=12.5,window_s=4", "random")
    assert setting.title == (
        "sensors, wrist (rate_hz=12.5, window_s=4), random split (LEAKS: same recordings in train and test)"
    )
    assert setting.slug == "sensors-wrist-rate-hz-12.5-window-s-4-random"


@pytest.mark.parametrize(("protocol", "leaks", "known_people"), [
    ("random", True, True), ("official", False, True), ("loso", False, False), ("subject-holdout", False, False),
    ("subject-kfold", False, False),
])  # fmt: skip
def test_which_protocols_test_people_who_also_trained(protocol, leaks, known_people):
    setting = Setting("opportunity", "challenge", protocol)
    assert (setting.leaks, setting.known_people) == (leaks, known_people)
    assert setting.record == {
        "dataset": "opportunity", "preset": "challenge", "protocol": protocol, "leaks": leaks,
        "known_people": known_people,
    }  # fmt: skip


def test_a_folder_without_a_grid_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match="expected STORAGE/<grid name>"):
        load_results(str(tmp_path))
