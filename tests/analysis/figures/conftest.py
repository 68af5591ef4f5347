"""Figures of a small store, laid out but not written."""

import pytest

from analysis.figures.looks import MARKS
from har_ray.figures import style
from har_ray.variants import Traits

TWENTY = [f"Net-{number}" for number in range(20)]


@pytest.fixture
def draw(grid):
    """The grid's figure by a function of its results and first setting, laid out; None as that gives it."""

    def drawn(figure_of, *arguments):
        results = grid.load()
        with style():
            figure = figure_of(results, results.settings()[0], *arguments)
            if figure is not None:
                figure.draw_without_rendering()
        return figure

    return drawn


@pytest.fixture
def twenty(grid):
    """Twenty variants of costs close to each other, three of them the same; two subjects, one seed."""
    for number, name in enumerate(TWENTY):
        grid.traits[name] = Traits(name=name)
        cost = {"macs": 10_000 + 400 * (number // 3), "params": 1000 + 100 * number}
        right = [("4", k, k if number % 4 else 0) for k in range(3)]
        grid.completed(
            name, 0, 0.6, row=cost, predictions=[*right, *[("5", k, (k + number % 2) % 3) for k in range(3)]]
        )
    return grid


def caption_of(figure):
    """The small print in one line."""
    return " ".join(figure.get_supxlabel().split())


def marks_of(axes):
    """Where the marks of variants stand in axes, in their order: [(x, y), …]."""
    known = [*MARKS]
    return [tuple(map(float, line.get_xydata()[0])) for line in axes.lines
            if line.get_marker() in known and len(line.get_xydata()) == 1]  # fmt: skip
