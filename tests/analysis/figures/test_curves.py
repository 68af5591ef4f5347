"""Learning curves: a mean in its band, and where the tested weights are from."""

import numpy as np
import pytest
from matplotlib.collections import PolyCollection

from analysis.figures.curves import learning_curves
from tests.analysis.figures.conftest import caption_of


def with_curve(grid, variant, seed, scores, **row):
    """A completed cell with these validation scores, one an epoch."""
    cell_id = grid.completed(variant, seed, 0.5, row=row)
    files = grid.store.write_curve(cell_id, [{"epoch": n, "val_f1_macro": s} for n, s in enumerate(scores, 1)])
    known = grid.store.row(cell_id)
    grid.store.write_row(known | {"files": known["files"] | files})


def lines_of(panel):
    """By width: of the cells together, of those left, of the best epochs."""
    return {line.get_linewidth(): line for line in panel.lines if line.get_linestyle() != "None"}


def test_mean_band_and_best_epochs(grid, draw):
    with_curve(grid, "LM", 0, [0.2, 0.4, 0.6])
    with_curve(grid, "LM", 1, [0.4, 0.8, 0.8])
    panel = draw(learning_curves).axes[0]
    assert panel.get_title(loc="left") == "LM†"
    assert lines_of(panel)[1.8].get_ydata() == pytest.approx([30, 60, 70])
    (whole,) = [band for band in panel.collections if isinstance(band, PolyCollection) and band.get_alpha() == 0.28]
    edges = np.asarray(whole.get_paths()[0].vertices)
    assert [(edges[edges[:, 0] == n, 1].min(), edges[edges[:, 0] == n, 1].max()) for n in (1, 2, 3)] == [
        pytest.approx((20, 40)), pytest.approx((40, 80)), pytest.approx((60, 80)),
    ]  # fmt: skip
    (best,) = [line.get_xydata() for line in panel.lines if line.get_linestyle() == "None"]
    assert best == pytest.approx(np.array([[2, 40], [2, 80]]))


def test_where_a_cell_has_ended_the_mean_is_dashed_and_of_those_left(grid, draw):
    with_curve(grid, "LM", 0, [0.2, 0.4])
    with_curve(grid, "LM", 1, [0.4, 0.6, 0.9])
    panel = draw(learning_curves).axes[0]
    assert lines_of(panel)[1.8].get_ydata() == pytest.approx([30, 50])
    assert lines_of(panel)[0.9].get_xydata() == pytest.approx(np.array([[2, 50], [3, 90]]))
    assert lines_of(panel)[0.9].get_linestyle() == "--"


def test_the_score_that_chose_the_epoch_is_named(grid, draw):
    grid.info["grid"]["train"] = {"monitor": "val_accuracy"}
    grid.completed("LM", 0, 0.5)
    results = grid.load()
    assert results.monitor == "val_accuracy"
    for cell in results.cells:
        cell.curve[:] = [0.1, 0.2, 0.3]
    figure = learning_curves(results, results.settings()[0])
    assert figure is not None
    assert "epoch with the best val. accuracy (%), whose weights are tested" in caption_of(figure)
    assert figure.axes[0].get_ylabel() == "val. accuracy (%)"


def test_panels_share_limits_that_percentages_keep(grid, draw):
    with_curve(grid, "LM", 0, [0.0, 1.0])
    with_curve(grid, "MM", 0, [0.5] * 9)
    limits = {(panel.get_xlim(), panel.get_ylim()) for panel in draw(learning_curves).axes}
    assert len(limits) == 1
    assert limits.pop()[1] == (0, 100)


def test_a_dot_at_the_top_is_whole(grid, draw):
    with_curve(grid, "LM", 0, [0.0, 1.0])
    (dots,) = [line for line in draw(learning_curves).axes[0].lines if line.get_linestyle() == "None"]
    assert (float(dots.get_ydata()[0]), dots.get_clip_on()) == (100, False)


def test_variants_without_a_curve_are_named(grid, draw):
    grid.completed("LM", 0, 0.5)
    with_curve(grid, "Forest", 0, [])
    grid.failed("OM", 0, "out of memory")
    figure = draw(learning_curves)
    assert len(figure.axes) == 1
    assert "No curve: OM (0/1, 1 failed), Forest (1/1)." in caption_of(figure)


def test_no_curves_before_a_cell_is_completed(grid, draw):
    grid.expect("LM", 0)
    assert draw(learning_curves) is None
