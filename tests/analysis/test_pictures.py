"""What a page embeds of its figures: the lighter form, as long as there is room."""

import base64
from dataclasses import replace

from matplotlib.figure import Figure

from analysis.inline import compressed, data_uri
from analysis.pictures import Picture, Task, picture, within

ONE = Picture("title", "alt", 518, "figures/x.svg", data_uri(b"<svg></svg>", "image/svg+xml"))
WEIGHT = len(compressed(ONE.uri)[1])


def dot(results):
    """A figure of one dot, named like the grid."""
    figure = Figure(figsize=(2, 1))
    figure.subplots().plot([0], [0], "o")
    figure.set_label(results.name)
    return figure


def crowd(results):
    """A figure of so many shapes that its PNG is the lighter form."""
    figure = Figure(figsize=(2, 1))
    axes = figure.subplots()
    for number in range(400):
        axes.plot([number], [number % 7], "o")
    return figure


def nothing(results):
    return None


def test_the_first_of_each_section_is_embedded_before_the_second_of_any():
    shown = within([[ONE, ONE], [ONE]], most=2 * WEIGHT)
    assert [[bool(one.uri) for one in section] for section in shown] == [[True, False], [True]]


def test_all_are_embedded_where_they_fit_compressed():
    assert within([[ONE], []], most=WEIGHT) == [[ONE], []]
    assert within([[ONE]], most=WEIGHT - 1) == [[replace(ONE, uri="")]]


def test_a_light_figure_is_embedded_as_svg_and_a_crowded_one_as_png(grid, tmp_path):
    (tmp_path / "figures").mkdir()
    tasks = [Task("one", dot, tmp_path / "figures" / "dot"), Task("two", crowd, tmp_path / "figures" / "crowd")]
    results = grid.load()
    light, heavy = (picture(results, task) for task in tasks)
    assert light is not None
    assert heavy is not None
    head, _, content = light.uri.partition(",")
    assert head == "data:image/svg+xml;base64"
    assert base64.b64decode(content) == (tmp_path / "figures" / "dot.svg").read_bytes()
    assert heavy.uri.startswith("data:image/png;base64,")
    assert len(heavy.uri) < (tmp_path / "figures" / "crowd.svg").stat().st_size
    assert light.width_px == heavy.width_px == 320
    assert (light.alt, light.file) == ("tiny", "figures/dot.svg")
    assert heavy.alt == "two"


def test_what_has_nothing_to_show_leaves_no_file(grid, tmp_path):
    assert picture(grid.load(), Task("none", nothing, tmp_path / "none")) is None
    assert not list(tmp_path.glob("none*"))
