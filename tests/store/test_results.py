"""What a cell leaves is read only as it was written."""

import logging

import pyarrow as pa
import pytest

from har_ray import cli
from har_ray.errors import DamagedError
from har_ray.store.check import damaged_cells, faults
from har_ray.store.results import ResultStore, load

TABLE = pa.table({"window_id": ["a", "b"], "label": [0, 1]})


@pytest.fixture
def cell(tmp_path):
    """A finished cell with a file of each sort, and another one that has only begun."""
    store = ResultStore(tmp_path / "grid")
    files = store.write_curve("one", [{"epoch": 1, "val_f1_macro": 0.5}]) | store.write_weights("one", b"weights")
    files |= store.write_predictions("one", TABLE) | store.write_targets("one", TABLE)
    row = store.final_row({"cell_id": "one"}, "completed", files=files)
    store.write_row(row)
    store.write_checkpoint("two", b"state")
    store.write_plan({"variants": [], "expected": [], "cells": []})
    store.write_winners([])
    store.write_run_info({"grid": {}})
    store.gather()
    return store, row


FILES = ["curve.json", "predictions.parquet", "weights.pt", "targets.parquet"]


def test_a_whole_store_has_no_faults(cell):
    store, row = cell
    assert list(faults(store)) == []
    assert damaged_cells(store, store.rows()) == set()
    assert store.curve(row) == [{"epoch": 1, "val_f1_macro": 0.5}]
    assert store.predictions(row).equals(TABLE)
    assert store.targets(row).equals(TABLE)
    assert (store.weights(row), store.checkpoint("two")) == (b"weights", b"state")


DAMAGES = {
    "a byte is flipped": lambda path: path.write_bytes(path.read_bytes()[:-3] + b"\0" + path.read_bytes()[-2:]),
    "the end is missing": lambda path: path.write_bytes(path.read_bytes()[:-4]),
    "it is empty": lambda path: path.write_bytes(b""),
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize(
    "name",
    [
        *("run.json", "plan.json", "winners.json", "rows.gathered", "rows/one.json", "cells/two/checkpoint.pt"),
        *(f"cells/one/{name}" for name in FILES),
    ],
)
def test_every_damaged_file_is_found_and_named(cell, name, damage, caplog):
    store, _ = cell
    DAMAGES[damage](store.root.local / name)
    found = list(faults(store))
    assert [fault.name for fault in found] == [name]
    assert str(found[0]).startswith(f"{store.root}: {name} is ")
    found[0].repair()
    assert not (store.root.local / name).exists()


@pytest.mark.parametrize("damage", ["missing", *DAMAGES])
@pytest.mark.parametrize("name", FILES)
def test_a_damaged_file_is_not_read_and_its_cell_is_done_again(cell, name, damage, caplog):
    store, row = cell
    path = store.root.local / "cells/one" / name
    if damage == "missing":
        path.unlink()
    else:
        DAMAGES[damage](path)
    with pytest.raises(DamagedError, match=f"cells/one/{name} is (missing|damaged)"):
        store.read(row, name)
    with caplog.at_level(logging.WARNING):
        assert damaged_cells(store, store.rows()) == {"one"}
    assert caplog.messages == [
        f"{store.root}: cells/one/{name} is missing or damaged; it is made again if the grid still has its cell"
    ]


def test_a_damaged_row_counts_as_missing_and_says_so(cell, caplog):
    store, _ = cell
    path = store.root.local / "rows/one.json"
    path.write_text(path.read_text().replace("completed", "complated"))
    with caplog.at_level(logging.WARNING):
        assert store.row("one") is None
        assert store.rows() == {}
    assert set(caplog.messages) == {f"{store.root}: rows/one.json is damaged; its cell counts as missing"}


def test_a_damaged_checkpoint_is_none(cell, caplog):
    store, _ = cell
    DAMAGES["the end is missing"](store.root.local / "cells/two/checkpoint.pt")
    with caplog.at_level(logging.WARNING):
        assert store.checkpoint("two") is None
    assert "cells/two/checkpoint.pt is damaged; the cell starts afresh" in caplog.text


@pytest.mark.parametrize("read", [ResultStore.plan, ResultStore.winners, ResultStore.run_info])
def test_a_damaged_file_of_the_grid_is_one_line_that_says_what_to_do(cell, read):
    store, _ = cell
    for name in ("plan.json", "winners.json", "run.json"):
        (store.root.local / name).write_text("{")
    with pytest.raises(DamagedError, match=r"\.json is damaged; the grid's command writes it again"):
        read(store)


def test_what_a_killed_process_left_is_found(cell):
    store, _ = cell
    (store.root.local / "cells/one/weights.pt.0123.part").write_bytes(b"half")
    assert [str(fault) for fault in faults(store)] == [
        f"{store.root}: cells/one/weights.pt.0123.part was left by a process that was killed"
    ]


def test_a_storage_is_no_grid_and_the_grids_in_it_are_named(cell, tmp_path, capsys):
    (tmp_path / "windows").mkdir()
    (tmp_path / "note.txt").touch()
    expected = f"expected STORAGE/<grid name> of a grid that was started: {tmp_path}/grid"
    with pytest.raises(FileNotFoundError) as caught:
        load(tmp_path)
    assert str(caught.value) == f"{tmp_path}: no plan.json here; {expected}"
    assert cli.main(["check", str(tmp_path)]) == 2
    assert capsys.readouterr().err == f"{tmp_path}: no grid here; {expected}\n"
    assert cli.main(["check", str(tmp_path / "grid")]) == 0


def test_a_folder_in_a_grid_leads_to_the_grid(cell, capsys):
    grid = cell[0].root.local
    (grid / "exports/one").mkdir(parents=True)
    expected = f"expected STORAGE/<grid name> of a grid that was started: {grid}"
    for command, found in (("check", "no grid here"), ("report", "no plan.json here"), ("export", "no plan.json here")):
        assert cli.main([command, str(grid / "exports/one")]) == 2
        assert capsys.readouterr().err.removeprefix("error: ") == f"{grid}/exports/one: {found}; {expected}\n"


def test_a_grid_that_has_lost_its_run_json_says_what_writes_it(cell, capsys):
    grid = cell[0].root.local
    (grid / "run.json").unlink()
    said = f"{grid}: no run.json here, but plan.json, rows; the grid's command writes it\n"
    for command in ("report", "export"):
        assert cli.main([command, str(grid)]) == 2
        assert capsys.readouterr().err.removeprefix("error: ") == said
