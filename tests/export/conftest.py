"""Two confirm cells on SPAR's windows, trained for an epoch, in a grid of their own."""

import pytest

from har_ray.data.tensors import check_split
from har_ray.models.config import ModelConfig
from har_ray.plan.cells import Cell, Job
from har_ray.spec.training import TrainConfig
from har_ray.store.stores import Stores
from har_ray.training.run import run
from har_ray.variants import VARIANTS, Variant, traits

ABOUT = {"title": "SPAR", "homepage": "https://example.org", "terms": "BSD 3-Clause", "citation": "Burns et al. 2018"}
MODELS = {"LM": ModelConfig(options={"filters": 4, "units": 8}, sequence_axis="channels"),
          "DS-CNN": ModelConfig(architecture="ds-cnn", options={"width": 8})}  # fmt: skip


@pytest.fixture(scope="session")
def grid(spar_storage, spar_spec, holdout):
    """Its stores; `LM` and `DS-CNN` are completed, seed 1 of LM failed, seed 2 was searched with."""
    stores = Stores(spar_storage.uri, "exported", git_commit="0123456")
    cells = {
        (variant, seed): Cell(
            dataset="spar", preset="wrist", windows_id=spar_spec.id, protocol=holdout, variant=variant, seed=seed,
            model=model, training=TrainConfig(epochs=1, batch_size=64, lr=0.01),
        )
        for variant, model in MODELS.items() for seed in (0, 1, 2)
    }  # fmt: skip
    for variant in MODELS:
        *_, report = run(Job(cell=cells[variant, 0], stage="confirm"), stores)
        assert report.row["status"] == "completed", report.row["error"]
    failed = cells["LM", 1].columns()
    stores.results.write_row(stores.results.final_row(failed, "failed", error="TrainingError: the loss became nan"))
    stages = {("LM", 0): "confirm", ("LM", 1): "confirm", ("LM", 2): "search", ("DS-CNN", 0): "confirm"}
    known = [*VARIANTS.values(), Variant(name="DS-CNN", architecture="ds-cnn")]
    expected = [{**cells[one].group.columns(), "seed": one[1]} for one, stage in stages.items() if stage == "confirm"]
    stores.results.write_plan({
        "variants": [traits(variant, False).model_dump() for variant in known],
        "expected": expected,
        "cells": [{**cells[one].columns(), "stage": stage} for one, stage in stages.items()],
    })  # fmt: skip
    parts = check_split(spar_storage, spar_spec.id, holdout)
    fold = {"protocol": holdout.label, "fold": 0} | {name: part.subjects for name, part in parts.items()}
    fold |= {f"{name}_windows": part.windows for name, part in parts.items()}
    data = {"dataset": "spar", "preset": "wrist", "windows_id": spar_spec.id, "about": ABOUT, "folds": [fold]}
    info = {
        "grid": {"name": "exported", "variants": [variant.model_dump() for variant in known]},
        "command": "har-ray run it.yaml",
        "git_commit": "0123456",
        "grid_hash": "ab12",
    }
    stores.results.write_run_info(info | {"data": [data]})
    return stores


@pytest.fixture(scope="session")
def cell_of(grid):
    """The id of a variant's cell of a seed."""
    ids = {(cell["variant"], cell["seed"]): cell["cell_id"] for cell in grid.results.plan()["cells"]}
    return lambda variant, seed=0: ids[variant, seed]


@pytest.fixture(scope="session")
def exported(grid, cell_of, tmp_path_factory):
    """DS-CNN's folder, with its test windows, and what was measured of it."""
    from har_ray.export.folder import export
    from har_ray.spec.grid import Export

    folder = tmp_path_factory.mktemp("exported")
    row = grid.results.row(cell_of("DS-CNN"))
    return folder, export(grid.results, row, grid.results.run_info(), Export(), folder, with_windows=True)
