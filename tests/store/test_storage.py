"""The storage root: whole files or none, the same through a path and through a URI."""

import pickle
import threading

import pyarrow as pa
import pytest

from har_ray.errors import StorageError
from har_ray.store.results import FIRST_COLUMNS, LAST_COLUMNS, ResultStore, load
from har_ray.store.storage import Storage


@pytest.fixture(params=["path", "uri"])
def storage(request, tmp_path):
    return Storage(tmp_path if request.param == "path" else f"file://{tmp_path}")


def test_what_is_written_is_read(storage, tmp_path):
    child = storage.child("a", "b")
    child.write("c/d.bin", b"1")
    child.write("c/d.bin", b"2")
    child.write_table("t.parquet", pa.table({"x": [1, 2]}))
    child.write_json("j.json", {"x": [1.5, None]})
    assert (tmp_path / "a/b/c/d.bin").read_bytes() == b"2"
    assert child.read_table("t.parquet")["x"].to_pylist() == [1, 2]
    assert child.read_json("j.json") == {"x": [1.5, None]}
    assert child.names() == ["c", "j.json", "t.parquet"]
    assert child.names("nowhere") == []
    assert storage.exists("a/b/c")
    child.delete("c")
    child.delete("never there")
    assert not child.exists("c/d.bin")
    assert pickle.loads(pickle.dumps(child)).read_json("j.json") == {"x": [1.5, None]}


def test_a_reader_never_sees_half_a_file(storage):
    contents = [bytes([i]) * 300_000 for i in range(2)]
    storage.write("f", contents[0])
    done = threading.Event()

    def write():
        for i in range(100):
            storage.write("f", contents[i % 2])
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    while not done.is_set():
        assert storage.read("f") in contents
    writer.join()
    assert storage.names() == ["f"]


def test_rows_are_read_with_the_stage_of_the_plan_and_only_those_planned(tmp_path):
    store = ResultStore(tmp_path)
    cell = {"cell_id": "a", "variant": "LM", "seed": 3, "dataset": "spar"}
    cells = [cell | {"stage": "confirm"}, cell | {"cell_id": "b", "stage": "search", "Margin.weight": 0.1}]
    store.write_plan({"variants": [], "expected": [], "cells": cells})
    for cell_id in ("a", "old"):
        store.write_row(cell | {"cell_id": cell_id, "status": "completed", "epochs": 4, "test_f1_macro": 0.5})
    rows = load(tmp_path)
    # The grid's own hyper-parameters and scores stand between what every grid has.
    assert list(rows.columns) == [*FIRST_COLUMNS, "Margin.weight", "test_f1_macro", *LAST_COLUMNS]
    assert rows[["cell_id", "stage", "status", "epochs"]].values.tolist() == [["a", "confirm", "completed", 4]]
    assert load(tmp_path, pending=True)["status"].tolist() == ["completed", "pending"]
    assert load(f"file://{tmp_path}").equals(rows)


def test_no_grid_is_said(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no plan\.json here"):
        load(tmp_path)


def test_an_unwritable_place_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot write"):
        Storage(tmp_path / "file" / "below").check_writable()
