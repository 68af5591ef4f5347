"""Example windows and what a network attends to in them, beside the network called by hand."""

import numpy as np
import pytest
import torch

from har_ray.models.config import AttentionConfig
from har_ray.plan.cells import Job
from har_ray.training.examples import examples
from har_ray.training.run import run

ATTENTION = AttentionConfig(kind="cbam", ratio=2, kernel=3, position=2)


def network_of(cell, data):
    torch.manual_seed(0)
    return cell.model.build(data.shape, len(data.classes)).eval()


def stacked(table, name):
    return table[name].combine_chunks().to_numpy_ndarray()


def test_the_first_validation_window_of_each_class_in_the_units_of_the_dataset(make_cell, data):
    network = network_of(make_cell("LM-Att", attention=ATTENTION), data)
    table = examples(network, data, torch.device("cpu"))
    assert table is not None
    labels, first = np.unique(data.val.y.numpy(), return_index=True)
    assert table["label"].to_pylist() == labels.tolist() == list(range(7))
    assert table["window_id"].to_pylist() == data.val.window_id[first].tolist()
    assert np.allclose(stacked(table, "x"), (data.val.x[first] * data.std + data.mean).numpy())
    with torch.no_grad():
        _, maps = network.with_maps(data.val.x[first])
    assert set(table.column_names) == {"window_id", "label", "x", *maps}
    for name, values in maps.items():
        assert np.allclose(stacked(table, name), values.numpy(), atol=1e-6)


def test_a_network_without_attention_leaves_none(make_cell, data):
    assert examples(network_of(make_cell("LM"), data), data, torch.device("cpu")) is None


@pytest.mark.parametrize(("stage", "kept"), [("confirm", True), ("teachers", True), ("search", False)])
def test_they_are_kept_of_what_stands_in_the_report_and_of_its_teachers(stores, make_cell, stage, kept):
    *_, report = run(Job(cell=make_cell("LM-Att", attention=ATTENTION), stage=stage), stores)
    assert ("examples.parquet" in report.row["files"]) == kept
    found = stores.results.examples(report.row)
    assert (found is not None) == kept
