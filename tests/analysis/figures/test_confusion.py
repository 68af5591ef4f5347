"""Confusion matrices: shares of rows, the panels of interest, and what is not written out."""

import numpy as np
import pytest

from analysis.confusions import confusions_csv, row_shares
from analysis.figures.confusion import confusion_matrices
from tests.analysis.figures.conftest import caption_of


def test_seeds_are_pooled_and_classes_named(grid, draw):
    grid.completed("LM", 0, 0.5, predictions=[("4", 0, 0), ("4", 0, 1), ("4", 1, 1)])
    grid.completed("LM", 1, 0.5, predictions=[("4", 0, 0), ("4", 0, 0), ("4", 1, 1)])
    figure = draw(confusion_matrices)
    (panel,) = figure.axes
    assert [text.get_text() for text in panel.texts] == ["75", "25", "100"]
    assert [label.get_text() for label in panel.get_yticklabels()][:3] == ["sit 1", "stand 2", "walk 3"]
    assert "sit is taken for stand most often (25 %)" in figure.get_label()


def test_of_many_variants_those_of_interest_are_shown_and_the_others_named(grid, draw):
    """RAB-KD is the best small model on validation data, LM the baseline, OM the best large one."""
    for variant, score in {"OM": 0.9, "MM": 0.8, "LM": 0.5, "LM-Att": 0.55, "RB-KD": 0.6, "RAB-KD": 0.7}.items():
        grid.completed(variant, 0, score)
    figure = draw(confusion_matrices)
    assert [panel.get_title(loc="left") for panel in figure.axes] == ["RAB-KD†", "LM", "OM"]
    assert "Left to confusions.csv: MM, LM-Att, RB-KD." in caption_of(figure)


def test_small_shares_are_said_to_be_left_out(grid, draw):
    """One window of 300 is 0.3 %."""
    grid.completed("LM", 0, 0.5, predictions=[("4", 0, 0)] * 299 + [("4", 0, 1), ("4", 1, 1)])
    figure = draw(confusion_matrices)
    assert [text.get_text() for text in figure.axes[0].texts] == ["100", "100"]
    assert "Shares under 0.5 % are shaded, not written." in caption_of(figure)


def test_no_matrix_before_a_cell_is_completed(grid, draw):
    grid.failed("LM", 0, "out of memory")
    assert draw(confusion_matrices) is None


def test_a_class_without_windows_is_blank():
    shares = row_shares(np.array([[3, 1], [0, 0]]))
    assert shares[0] == pytest.approx([75, 25])
    assert np.isnan(shares[1]).all()


def test_the_csv_has_every_confusion_that_occurs(grid):
    grid.completed("LM", 0, 0.5, predictions=[("4", 0, 0), ("4", 0, 1), ("4", 1, 1)])
    header, *lines = confusions_csv(grid.load()).splitlines()
    columns = header.split(",")
    found = [dict(zip(columns, line.split(","), strict=True)) for line in lines]
    assert [(one["label"], one["predicted"], one["windows"], one["share"]) for one in found] == [
        ("sit", "sit", "1", "0.5"), ("sit", "stand", "1", "0.5"), ("stand", "stand", "1", "1.0"),
    ]  # fmt: skip
