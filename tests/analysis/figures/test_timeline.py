"""Timeline of the run: bars in slots, in the unit that suits."""

from matplotlib.patches import Patch

from analysis.figures.timeline import run_timeline
from har_ray.figures import style


def ran(grid, variant, seed, start, end, node="a"):
    times = {"started_at": f"2026-01-01T00:{start:02d}:00", "finished_at": f"2026-01-01T00:{end:02d}:00"}
    grid.completed(variant, seed, 0.5, row=times | {"node": node})


def drawn(grid):
    with style():
        figure = run_timeline(grid.load())
    assert figure is not None
    return figure


def test_a_bar_lies_where_its_cell_ran(grid):
    """Two cells at a time on one node, from 0 to 10 and from 5 to 8 minutes."""
    ran(grid, "LM", 0, 0, 10)
    ran(grid, "LM", 1, 5, 8)
    figure = drawn(grid)
    (panel,) = figure.axes
    bars = [path.get_extents() for kind in panel.collections for path in kind.get_paths()]
    assert [(bar.x0, bar.x1) for bar in bars] == [(0, 10), (5, 8)]
    assert [label.get_text() for label in panel.get_yticklabels()] == ["a #1", "a #2"]
    assert panel.get_xlabel() == "minutes since the first cell began"
    assert "2 slots in 10:00 min, busy 65.0 % of that time" in " ".join(figure.get_supxlabel().split())


def test_stages_that_ran_are_in_the_legend(grid):
    ran(grid, "LM", 0, 0, 10)
    legend = drawn(grid).axes[0].get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["confirm"]
    assert all(isinstance(key, Patch) for key in legend.legend_handles)


def test_rows_of_an_older_version_without_times_have_no_timeline(grid):
    grid.completed("LM", 0, 0.5)
    assert run_timeline(grid.load()) is None
