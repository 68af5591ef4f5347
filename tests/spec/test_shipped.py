"""The grids that come with the package, and the schema by which editors check one."""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from har_ray.forecast import stage_plans
from har_ray.plan.plan import Plan
from har_ray.spec.grid import GridSpec, load_grid
from har_ray.yaml_check import json_schema
from tests.spec.test_all_mistakes import TWENTY

GRIDS = Path(__file__).parents[2] / "grids"
SCHEMA = json.loads((GRIDS / "grid.schema.json").read_text())
SHIPPED = {
    # Teachers known beforehand, search, confirm cells without a search, in each of five folds: MM and MM-Att at the
    # search seed; two candidates of three variants; OM, MM, LM and LM-Att at one seed.
    "quick": (5 * 2, 5 * 6, 5 * 6),
    # Six variants at three seeds, in ten folds of four settings and four of Opportunity; nothing is searched.
    "arena": (0, 0, 6 * 3 * (4 * 10 + 4)),
    # Fifteen variants, and five, at three seeds in ten folds.
    "ablation": (0, 0, 15 * 3 * 5),
    "recommended": (0, 0, 6 * 3 * 10),
    # Two variants at two seeds, in five folds of twelve settings.
    "sweep": (0, 0, 2 * 2 * 5 * 12),
    "spar": None,
    "full": None,
    "paper": None,
}
"""Grid → the cells of each stage that are known beforehand; None: some of each."""


@pytest.mark.parametrize(("name", "cells"), SHIPPED.items())
def test_the_shipped_grids_are_good(name, cells):
    spec, _ = load_grid(GRIDS / f"{name}.yaml")
    assert spec.name == name
    stages = stage_plans(Plan(spec, [f"{entry.name} {entry.preset_label}" for entry in spec.datasets]))
    counts = tuple(len(stage.jobs) for stage in stages)
    assert counts == cells if cells else all(counts)
    text = (GRIDS / f"{name}.yaml").read_text()
    assert text.startswith("# yaml-language-server: $schema=grid.schema.json\n")
    jsonschema.validate(yaml.safe_load(text), SCHEMA)


def test_every_grid_is_looked_at():
    assert {path.stem for path in GRIDS.glob("*.yaml")} == set(SHIPPED)


def test_the_shipped_schema_is_that_of_the_code():
    assert json_schema(GridSpec) == SCHEMA, "har-ray schema grid > grids/grid.schema.json"


def leaves(error):
    """The errors that an `anyOf` consists of."""
    return [leaf for inner in error.context for leaf in leaves(inner)] if error.context else [error]


def test_the_schema_flags_the_mistakes_that_a_schema_can():
    """Values of one key: names, ranges, types, unknown keys. What is in other files or keys a schema can't know."""
    validator = jsonschema.Draft202012Validator(SCHEMA)
    errors = [leaf for error in validator.iter_errors(yaml.safe_load(TWENTY)) for leaf in leaves(error)]
    found = {tuple(error.absolute_path)[:2] for error in errors}
    assert {
        ("name",), ("datasets", 2), ("datasets", 6), ("variants", 1), ("search", "trials"),
        ("search", "space"), ("search", "asha"), ("resources", "student"), (),
    } <= found  # fmt: skip
    assert not {("datasets", 3), ("datasets", 4), ("teacher",), ("search", "seeds")} & found
