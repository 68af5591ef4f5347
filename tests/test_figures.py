"""Figures are written the same each time, fit what stands around them, and leave nothing set."""

import matplotlib
import pytest
from matplotlib.image import imread

from har_ray.figures import (
    ONE_COLUMN_IN,
    PNG_DPI,
    STYLE,
    TWO_COLUMNS_IN,
    new_figure,
    save,
    style,
)


@pytest.fixture
def figure():
    with style():
        drawn = new_figure("A title", ["A note.", "made by a command"], 2.0)
        drawn.subplots().plot([1, 2], [3, 4])
        drawn.set_label("two points")
        yield drawn


def test_three_files_of_a_figure(figure, tmp_path):
    assert save(figure, tmp_path / "figure.v1") == tmp_path / "figure.v1.svg"
    assert {path.name for path in tmp_path.iterdir()} == {"figure.v1.png", "figure.v1.svg", "figure.v1.pdf"}
    assert imread(tmp_path / "figure.v1.png").shape[1] == int(TWO_COLUMNS_IN * PNG_DPI)
    svg = (tmp_path / "figure.v1.svg").read_text()
    assert all(f">{text}</text>" in svg for text in ("A title", "A note.", "made by a command"))
    assert "two points" in svg


def test_a_column_is_85_mm_wide_and_two_are_180():
    with style():
        assert new_figure("A title", [], 2.0, ONE_COLUMN_IN).get_figwidth() == pytest.approx(85 / 25.4)
        assert new_figure("A title", [], 2.0).get_figwidth() == pytest.approx(180 / 25.4)


def test_pdfs_embed_true_type_whatever_characters_they_have(tmp_path):
    """Cyrillic is not among the common characters."""
    with style():
        drawn = new_figure("Macro F1 ± 2 † Я", [], 2.0)
        drawn.subplots()
        save(drawn, tmp_path / "figure")
    content = (tmp_path / "figure.pdf").read_bytes()
    assert content.count(b"/Subtype /CIDFontType2") >= 2
    assert b"/Type3" not in content
    assert len(content) < 100_000
    assert "Я</text>" in (tmp_path / "figure.svg").read_text()


def test_the_same_figure_is_the_same_bytes(tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        with style():
            drawn = new_figure("A title", ["A note."], 2.0)
            drawn.subplots().plot([1, 2], [3, 4])
            save(drawn, tmp_path / folder / "figure")
    for kind in ("png", "svg", "pdf"):
        assert (tmp_path / "a" / f"figure.{kind}").read_bytes() == (tmp_path / "b" / f"figure.{kind}").read_bytes()


def test_no_file_has_a_date(figure, tmp_path):
    save(figure, tmp_path / "figure")
    assert b"dc:date" not in (tmp_path / "figure.svg").read_bytes()
    assert b"CreationDate" not in (tmp_path / "figure.pdf").read_bytes()


def test_long_titles_and_notes_are_broken_within_the_figure():
    with style():
        title = "Change in resources against DS-CNN+augment+KD: opportunity, wrist (stride_s=2), random split (LEAKS: "
        title += "same recordings in train and test)"
        drawn = new_figure(title, ["Not shown: DS-CNN+augment+KD, RB-KD-Att, MM-Att, OM-Att. " * 3], 2.0)
        drawn.subplots()
        drawn.draw_without_rendering()
        width = drawn.bbox.width
        assert all(text.get_window_extent().x1 <= width for text in drawn.texts)


def test_notes_add_to_the_height_and_leave_the_body_as_it_was():
    with style():
        heights = []
        for notes in ([], ["many small words " * 30]):
            drawn = new_figure("A title", notes, 2.0)
            drawn.subplots()
            drawn.draw_without_rendering()
            heights.append(drawn.axes[0].get_window_extent().height)
    assert heights[1] == pytest.approx(heights[0], abs=8)


def test_nothing_stays_set():
    before = dict(matplotlib.rcParams)
    with style():
        assert matplotlib.rcParams["svg.fonttype"] == STYLE["svg.fonttype"]
    assert dict(matplotlib.rcParams) == before
