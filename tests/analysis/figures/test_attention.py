"""The figure of attention maps: the same windows for all, a map where it belongs on the time axis."""

import numpy as np
import pyarrow as pa
import pytest

from analysis.figures.attention import attention_maps
from har_ray.figures import style

T, C, F, LOST = 25, 2, 4, 8
"""Of a window of 25 samples two convolutions of 5 leave 17."""
RATE_HZ = 12.5


def examples(seed, ids=("a", "b"), **shapes):
    """Two windows of classes 0 and 2."""
    rng = np.random.default_rng(seed)

    def column(*shape):
        return pa.FixedShapeTensorArray.from_numpy_ndarray(rng.random((2, *shape)).astype(np.float32))

    known = {"window_id": list(ids), "label": pa.array([0, 2], pa.int16()), "x": column(T, C)}
    return pa.table(known | {name: column(*shape) for name, shape in shapes.items()})


def completed(grid, variant, table, seed=0, **row):
    cell_id = f"{variant}{seed}"
    grid.completed(variant, seed, 0.5, cell_id=cell_id, row=row)
    stored = grid.store.row(cell_id)
    stored["files"] |= {name: list(digest) for name, digest in grid.store.write_examples(cell_id, table).items()}
    grid.store.write_row(stored)
    return cell_id


def drawn(grid):
    results = grid.load()
    with style():
        return attention_maps(results, results.settings()[0])


def test_a_student_stands_beside_its_teacher_over_the_same_windows(grid):
    teacher = completed(grid, "OM-Att", examples(1, spatial=(T - LOST, C), channel=(64,)))
    completed(grid, "RAB-KD", examples(2, spatial=(T - LOST, C), channel=(F,)), teacher_id=teacher)
    figure = drawn(grid)
    panels = figure.axes
    assert [panel.get_ylabel() for panel in panels[::2]] == ["window", "OM-Att", "RAB-KD"]
    assert [panel.get_title(loc="left") for panel in panels[:2]] == ["sit", "walk"]  # classes 0 and 2
    window, student = panels[0], panels[4]
    assert len(window.lines) == C
    assert np.allclose(window.lines[0].get_xdata(), np.arange(T) / RATE_HZ)
    (mesh,) = student.collections
    stored = examples(2, spatial=(T - LOST, C), channel=(F,))["spatial"].combine_chunks().to_numpy_ndarray()
    assert np.allclose(np.asarray(mesh.get_array()).reshape(C, T - LOST), stored[0].T)
    # 17 of 25 samples: 4 are missing at either end, 0.32 s
    coordinates = mesh.get_coordinates()
    assert (coordinates[0, 0, 0], coordinates[0, -1, 0]) == pytest.approx((0.32, 1.68))
    assert student.get_xlim() == pytest.approx((0, 2))


def test_attention_to_filters_alone_is_drawn_as_bars(grid):
    completed(grid, "LM-Att", examples(3, channel=(F,)))
    bars = drawn(grid).axes[2].patches
    stored = examples(3, channel=(F,))["channel"].combine_chunks().to_numpy_ndarray()
    assert [bar.get_height() for bar in bars] == pytest.approx(stored[0].tolist())


def test_the_seed_that_most_have_completed_is_shown(grid):
    completed(grid, "LM-Att", examples(1, ids=("x", "y"), spatial=(T - LOST, C)), seed=0)
    for variant in ("LM-Att", "RAB-KD"):
        completed(grid, variant, examples(1, spatial=(T - LOST, C)), seed=1)
    assert [panel.get_ylabel() for panel in drawn(grid).axes[2::2]] == ["LM-Att", "RAB-KD"]


def test_without_attention_or_with_damaged_examples_there_is_no_figure(grid):
    grid.seeds("LM", 0.5)
    assert drawn(grid) is None
    cell_id = completed(grid, "LM-Att", examples(1, spatial=(T - LOST, C)))
    assert drawn(grid) is not None
    grid.store.root.write(f"cells/{cell_id}/examples.parquet", b"torn")
    assert drawn(grid) is None
