"""docs/networks.md says of every network what it costs, to the digit."""

import re
from pathlib import Path

import pytest
import yaml

from har_ray.models.architectures import ARCHITECTURES, fitted_at_once, min_window
from har_ray.models.config import BUILT_IN_ARCHITECTURE, AttentionConfig, ModelConfig
from har_ray.models.cost import cost
from har_ray.variants import SIZES
from tests.models.networks import model

SHAPE, CLASSES = (50, 6), 7
PAGE = (Path(__file__).parents[2] / "docs" / "networks.md").read_text()
ROW = re.compile(
    r"\| `(?P<architecture>[\w-]+)` \| (?P<options>.*?) \| (?P<counts>[\d,]+ \| [\d,]+ \| [\d,]+ \| \d+) \|"
)
ROWS = [match.groupdict() for match in ROW.finditer(PAGE)]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['architecture']} {row['options']}")
def test_a_row_of_the_table(row):
    options = re.search(r"\{.*\}", row["options"])
    axis = "time" if "along time" in row["options"] else "channels"
    config = ModelConfig.model_validate(
        {
            "architecture": row["architecture"],
            "options": yaml.safe_load(options[0]) if options else {},
            "sequence_axis": axis if row["architecture"] == BUILT_IN_ARCHITECTURE else None,
        }
    )
    found = cost(config.build(SHAPE, CLASSES), SHAPE)
    counts = (found.params, found.macs, found.bytes, min_window(config.architecture))
    assert row["counts"] == " | ".join(f"{count:,}" for count in counts)


def test_every_network_has_a_row_and_trees_are_named():
    trees = {name for name in ARCHITECTURES.names() if fitted_at_once(name)}
    assert {row["architecture"] for row in ROWS} == set(ARCHITECTURES.names()) - trees
    assert all(f"`{name}`" in PAGE for name in trees)


def test_what_attention_adds_to_the_smallest():
    configs = [AttentionConfig(kind="channel", ratio=ratio, position=1) for ratio in (2, 4)]
    configs += [AttentionConfig(kind="spatial", kernel=kernel, position=1) for kernel in (3, 5, 7)]
    configs += [AttentionConfig(kind="cbam", ratio=2, kernel=7, position=1)]
    plain = cost(model("LM").build(SHAPE, CLASSES), SHAPE).params
    added = [(cost(model("LM", one).build(SHAPE, CLASSES), SHAPE).params or 0) - (plain or 0) for one in configs]
    assert SIZES["LM"]["filters"] == 4
    assert f"adds {min(added)} to {max(added)} parameters to LM" in PAGE
