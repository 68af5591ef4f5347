"""`export: true`: every confirm cell of a grid is exported; what can't be is named, and stops nothing."""

from pathlib import Path

import numpy as np
import pytest

from har_ray import grid
from har_ray.errors import GridError
from har_ray.export.stage import export_confirmed
from har_ray.spec.grid import Export, load_grid
from har_ray.store.check import faults
from har_ray.store.results import load
from har_ray.store.stores import Stores
from tests.grids import write_grid


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("true", Export()),
        ("false", None),
        ("{qat_epochs: 20}", Export(qat_epochs=20)),
        ("{activations: int16}", Export(activations="int16")),
    ],
)
def test_what_a_grid_says_of_it(tmp_path, given, expected):
    spec, _ = load_grid(write_grid(tmp_path), [f"export={given}"])
    assert spec.export == expected


def test_a_misspelt_key_of_it_is_named(tmp_path):
    with pytest.raises(GridError, match=r"export\.epochs: key 'epochs' is unknown; did you mean 'qat_epochs'"):
        load_grid(write_grid(tmp_path), ["export={epochs: 3}"])


@pytest.mark.usefixtures("windows_made", "no_report")
def test_a_grid_exports_its_confirm_cells_once(ray_session, tmp_path, capsys):
    forest = {"name": "Forest", "architecture": "random-forest", "options": {"trees": 5}}
    path = write_grid(tmp_path, variants=["LM", forest], teacher=None, search=None, seeds=[0], train={"epochs": 1})
    stores = Stores(str(tmp_path / "results"), "tiny")
    results = stores.results
    assert grid.main([str(path)]) == 0
    capsys.readouterr()
    assert grid.main([str(path), "--set", "export=true"]) == 1  # how a grid is run, not what comes out of it
    said = capsys.readouterr().out
    rows = {row["variant"]: row for row in load(results.root.uri).to_dict("records")}
    assert {row["status"] for row in rows.values()} == {"completed"}
    assert f"[export] not exported: Forest seed 0 (cell {rows['Forest']['cell_id']}): " in said
    assert "[export] done: 1 of 2 cells, 0 of them earlier" in said
    model = Path(results.exports.folder(rows["LM"]["cell_id"]).uri, "model.tflite")
    assert model.stat().st_size == rows["LM"]["flash_bytes"] <= 4 * 1963 + 4096
    assert 0 < rows["LM"]["int8_agreement"] <= 1
    assert np.isnan(rows["Forest"]["int8_f1_macro"])
    assert list(faults(results)) == []
    written = model.stat().st_mtime_ns
    assert not export_confirmed(stores, Export())
    assert "[export] done: 1 of 2 cells, 1 of them earlier" in capsys.readouterr().out
    assert model.stat().st_mtime_ns == written
