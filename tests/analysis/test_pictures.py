"""What a page embeds of its figures: the lighter form, as long as there is room, from several processes the same."""

import base64
from dataclasses import replace

from matplotlib.figure import Figure

from analysis import pictures as module
from analysis.inline import compressed, data_uri
from analysis.pictures import Picture, Task, pictures, within

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
    light, heavy = filter(None, pictures(grid.load(), tasks))
    head, _, content = light.uri.partition(",")
    assert head == "data:image/svg+xml;base64"
    assert base64.b64decode(content) == (tmp_path / "figures" / "dot.svg").read_bytes()
    assert heavy.uri.startswith("data:image/png;base64,")
    assert len(heavy.uri) < (tmp_path / "figures" / "crowd.svg").stat().st_size
    assert light.width_px == heavy.width_px == 192
    assert (light.alt, light.file) == ("tiny", "figures/dot.svg")
    assert heavy.alt == "two"


def test_what_has_nothing_to_show_leaves_no_file(grid, tmp_path):
    assert pictures(grid.load(), [Task("none", nothing, tmp_path / "none")]) == [None]
    assert not list(tmp_path.glob("none*"))


def test_several_processes_make_the_same_pictures_in_the_same_order(grid, tmp_path, monkeypatch):
    grid.completed("LM", 0, 0.5)
    results = grid.load()
    tasks = {name: [Task("dot", dot, tmp_path / name), Task("none", nothing, tmp_path / name)] for name in ("a", "b")}
    (alone,) = filter(None, pictures(results, tasks["a"]))
    monkeypatch.setattr(module, "MANY", 1)
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    together, absent = pictures(results, tasks["b"])
    assert absent is None
    assert together is not None
    assert together.alt == alone.alt == "tiny"
    assert (tmp_path / "b.pdf").stat().st_size == (tmp_path / "a.pdf").stat().st_size
