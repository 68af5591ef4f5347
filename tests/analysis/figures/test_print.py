"""Figures are printed as they are: as wide as a journal's columns, with type that can be read, and nothing cut off."""

import pytest
from matplotlib.text import Text

from analysis.report import FIGURES
from har_ray.figures import ONE_COLUMN_IN, SMALLEST, TWO_COLUMNS_IN
from tests.analysis.figures.conftest import TWENTY

WIDTHS = {ONE_COLUMN_IN, TWO_COLUMNS_IN}
LONG = "DS-CNN+class-weights"


def faults(figure):
    """Of a laid out figure: a width that is none of a journal, texts that are too small, what is drawn outside."""
    shown = [text for text in figure.findobj(Text) if text.get_text().strip() and text.get_visible()]
    small = [text.get_text() for text in shown if text.get_fontsize() < SMALLEST]
    drawn, width = figure.get_tightbbox(), figure.get_figwidth()
    cut = [] if drawn.x0 >= -0.02 and drawn.x1 <= width + 0.02 else [(drawn.x0, drawn.x1)]
    return ([] if width in WIDTHS else [width]) + small + cut


@pytest.mark.parametrize("name", FIGURES)
def test_three_models_of_long_names_fit(grid, draw, name):
    for number, variant in enumerate(("LM", "RB-KD", LONG)):
        found = [(subject, k, (k + number * (subject == "4")) % 3) for subject in ("4", "5") for k in range(3)]
        grid.seeds(variant, 0.5 + number / 10, 0.6, predictions=found)
    figure = draw(FIGURES[name][1])
    assert figure is None or not faults(figure)


@pytest.mark.parametrize("name", ["f1-macs", "recognition", "subjects", "sizes", "curves", "confusion"])
def test_twenty_models_fit(twenty, draw, name):
    twenty.info["grid"]["baseline"] = TWENTY[0]
    figure = draw(FIGURES[name][1])
    assert figure is not None
    assert not faults(figure)
