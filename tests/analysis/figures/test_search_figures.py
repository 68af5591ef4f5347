"""Candidates of the search: where they stand, which are the front, what temperature and α gave."""

import numpy as np
import pytest

from analysis.candidates import candidates
from analysis.figures.candidates import search_front
from analysis.figures.heat import heat_map, heat_maps
from tests.analysis.conftest import SETTING
from tests.analysis.figures.conftest import caption_of


def tried(grid, score, temperature=4.0, alpha=0.5, variant="RB-KD", fold=0, status="completed", **row):
    """A search cell."""
    grid.completed("LM", 0, 0.5, cell_id="LM") if not grid.plan else None
    cell = {**SETTING, "fold": fold, "variant": variant, "seed": 100, "temperature": temperature, "alpha": alpha}
    cell_id = f"search{len(grid.plan)}"
    grid.plan.append({**cell, "cell_id": cell_id, "stage": "search"})
    end = {"status": status, "val_f1_macro": score, "macs": 1000, "files": {}} | row
    grid.store.write_row({**cell, "cell_id": cell_id, "stage": "search", **end})


def test_a_candidate_is_the_mean_of_its_folds(grid):
    tried(grid, 0.6, fold=0)
    tried(grid, 0.7, fold=1)
    tried(grid, 0.5, temperature=8.0)
    results = grid.load()
    found = candidates(results, results.settings()[0])
    assert [(one.variant, one.hyper, one.was_cut) for one in found] == [
        ("RB-KD", {"temperature": 4.0, "alpha": 0.5}, False),
        ("RB-KD", {"temperature": 8.0, "alpha": 0.5}, False),
    ]
    assert [one.score for one in found] == pytest.approx([0.65, 0.5])


def test_the_front_is_of_candidates_that_were_never_cut(grid, draw):
    tried(grid, 0.6, macs=1000)
    tried(grid, 0.9, temperature=8.0, macs=1000, status="stopped")
    tried(grid, 0.5, temperature=2.0, macs=2000)
    tried(grid, 0.7, temperature=1.0, macs=3000)
    figure = draw(search_front)
    chart = figure.axes[0]
    (steps,) = [line for line in chart.lines if line.get_drawstyle() == "steps-post"]
    assert steps.get_xydata()[:2] == pytest.approx(np.array([[1000, 60], [3000, 70]]))
    hollow = [line.get_xydata()[0] for line in chart.lines if line.get_markerfacecolor() == "none"]
    assert np.array(hollow) == pytest.approx(np.array([[1000, 90]]))
    assert chart.get_ylabel() == "val. F1 macro (%)"
    assert "Hollow: cut by the search in one fold or more (1 of 4)" in caption_of(figure)


def test_a_search_without_a_choice_has_no_figure(grid, draw):
    grid.completed("LM", 0, 0.5)
    assert draw(search_front) is None
    tried(grid, 0.6)
    assert draw(search_front) is None
    assert draw(heat_maps) is None


def test_a_heat_map_has_the_best_of_the_other_hyper_parameters(grid):
    for beta, score in ((0.1, 0.6), (1.0, 0.8)):
        tried(grid, score, beta=beta)
    tried(grid, 0.5, temperature=8.0, alpha=0.9)
    grid.winners.append({**SETTING, "fold": 0, "variant": "RB-KD", "hyper": {"temperature": 4.0, "alpha": 0.5}})
    results = grid.load()
    found = heat_map(results, results.settings()[0], "RB-KD")
    assert found is not None
    assert (found.temperatures, found.alphas) == ([4, 8], [0.5, 0.9])
    assert found.scores == pytest.approx(np.array([[80, np.nan], [np.nan, 50]]), nan_ok=True)
    assert found.chosen.tolist() == [[1, 0], [0, 0]]


def test_a_heat_map_writes_its_numbers_and_what_was_chosen(grid, draw):
    for temperature, alpha, score in ((4.0, 0.5, 0.8), (4.0, 0.9, 0.6), (8.0, 0.5, 0.7)):
        tried(grid, score, temperature, alpha)
    winner = {"monitor": "val_f1_macro", "hyper": {"temperature": 4.0, "alpha": 0.5}}
    grid.winners = [{**SETTING, "fold": fold, "variant": "RB-KD", **winner} for fold in (0, 1)]
    figure = draw(heat_maps)
    assert [text.get_text() for text in figure.axes[0].texts] == ["80.0\n2×", "70.0", "60.0"]
    assert "RB-KD: 3 pairs tried, best at temperature 4 and α 0.5 (80.0 %)" in figure.get_label()


def test_a_single_temperature_is_no_map(grid, draw):
    tried(grid, 0.6, alpha=0.5)
    tried(grid, 0.7, alpha=0.9)
    assert draw(heat_maps) is None
