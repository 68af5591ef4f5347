"""What is exported of a cell counts as it was written, and as long as the cell's weights are those it was made of."""

import json

import pyarrow as pa
import pytest

from har_ray.errors import DamagedError
from har_ray.store.check import faults
from har_ray.store.results import WEIGHTS, ResultStore, load

INT8 = pa.table({"window_id": ["a", "b"], "label": [0, 1], "logits": [[1.0, 0.0], [0.5, 0.6]]})
MEASURED = {
    "int8_f1_macro": 0.75,
    "int8_agreement": 0.5,
    "flash_bytes": 1234,
    "arena_bytes": 800,
    "measured_on": "here",
}


@pytest.fixture
def exported(tmp_path):
    """A grid of one completed cell, which is exported."""
    store = ResultStore(tmp_path / "grid")
    files = store.write_weights("one", b"weights")
    cell = {"cell_id": "one", "stage": "confirm", "variant": "LM", "seed": 0}
    store.write_row(store.final_row(cell, "completed", files=files))
    store.write_plan({"variants": [], "expected": [], "cells": [cell]})
    folder = tmp_path / "made"
    folder.mkdir()
    (folder / "model.tflite").write_bytes(b"int8")
    (folder / "model.json").write_text("{}")
    store.exports.write({"cell_id": "one"} | MEASURED, files[WEIGHTS].sha256, folder, INT8)
    return store


def test_what_was_measured_stands_in_the_rows(exported):
    (row,) = load(exported.root.uri).to_dict("records")
    assert {name: row[name] for name in MEASURED} == MEASURED
    assert "onnx_f1_macro" not in row
    assert (exported.exports.folder("one").local / "model.tflite").read_bytes() == b"int8"
    assert exported.exports.int8(exported.exports.row("one")).equals(INT8)
    assert list(faults(exported)) == []


def test_of_a_cell_that_was_trained_again_the_export_counts_as_missing(exported):
    again = exported.write_weights("one", b"other weights")
    exported.write_row(exported.final_row({"cell_id": "one"}, "completed", files=again))
    assert "flash_bytes" not in load(exported.root.uri)


def test_a_grid_without_exports_has_no_columns_of_them(exported):
    exported.root.delete("exported")
    assert "flash_bytes" not in load(exported.root.uri)


@pytest.mark.parametrize("name", ["exports/one/model.tflite", "exported/one.json", "cells/one/int8.parquet"])
def test_every_damaged_file_is_found_and_named(exported, name):
    path = exported.root.local / name
    path.write_bytes(path.read_bytes()[:-3])
    assert [str(fault).removeprefix(f"{exported.root}: ").split()[0] for fault in faults(exported)] == [name]


def test_a_damaged_record_counts_as_missing_and_the_log_says_so(exported, caplog):
    path = exported.root.local / "exported" / "one.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"flash_bytes": 1}))
    assert "flash_bytes" not in load(exported.root.uri)
    assert "its export counts as missing" in caplog.text


def test_damaged_logits_are_refused(exported):
    (exported.root.local / "cells" / "one" / "int8.parquet").write_bytes(b"PAR1")
    with pytest.raises(DamagedError, match=r"cells/one/int8\.parquet is damaged"):
        exported.exports.int8(exported.exports.row("one"))


def test_exporting_again_leaves_nothing_of_before(exported, tmp_path):
    (tmp_path / "made" / "model.json").unlink()
    weights = exported.row("one")["files"][WEIGHTS][1]
    exported.exports.write({"cell_id": "one", "flash_bytes": 4}, weights, tmp_path / "made", INT8)
    assert exported.root.names("exports/one") == ["model.tflite"]
    assert load(exported.root.uri)["flash_bytes"].tolist() == [4]
