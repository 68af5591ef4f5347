"""How all figures look, and how they are written.

A figure is as wide as a column of text, so that it is printed as it is and its letters can still be read on a phone:
at 400 pixels of width a point of type is a pixel. What needs room grows downwards.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from textwrap import wrap

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

PNG_DPI = 200
WIDTH_IN = 5.4
GREY, INK = "#767676", "#222222"
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", INK)
"""Distinct with every common colour blindness (Okabe and Ito 2008, jfly.uni-koeln.de/color), without their yellow,
which is too light on white."""

TITLE, SMALL = 10, 8
"""Sizes of type, in points."""
LETTERS_PER_IN = {TITLE: 13.5, SMALL: 15.5}
"""Of a line, by size of type; measured with DejaVu Sans."""
LINE_IN = 1.4 / 72
"""Height of a line for each point of type."""

STYLE = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],  # comes with matplotlib
    "font.size": 9,
    "axes.titlesize": TITLE,
    "axes.titlelocation": "left",
    "axes.titley": 1.0,  # nothing of ours stands between a title and its panel, for which all would be measured
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.axisbelow": True,
    "grid.color": "#E4E4E4",
    "text.color": INK,
    "legend.frameon": False,
    "pdf.fonttype": 42,  # journals refuse what matplotlib embeds by default
    "svg.fonttype": "none",  # text stays text: it can be searched, and scales with the page
    "svg.hashsalt": "har-ray",  # the same figure is the same file
}


@contextmanager
def style() -> Iterator[None]:
    """Figures made and saved inside look alike; nothing stays set afterwards."""
    with matplotlib.rc_context(STYLE):  # type: ignore[arg-type]
        yield


def new_figure(title: str, notes: Iterable[str], body_in: float) -> Figure:
    """An empty figure `WIDTH_IN` wide: a title, a body as high as that many inches, notes below, a paragraph each."""
    figure = Figure(figsize=(WIDTH_IN, body_in), layout="constrained")
    heading = _wrapped(title, TITLE, WIDTH_IN)
    figure.suptitle(heading, x=0.01, ha="left", fontsize=TITLE)
    caption(figure, *notes)
    below = figure.get_supxlabel()
    extra = sum(text.count("\n") * size + size for text, size in ((heading, TITLE), (below, SMALL)) if text)
    figure.set_figheight(body_in + extra * LINE_IN)
    return figure


def caption(figure: Figure, *paragraphs: str) -> None:
    """Write small print below a figure."""
    text = "\n".join(_wrapped(paragraph, SMALL, figure.get_figwidth()) for paragraph in paragraphs if paragraph)
    figure.supxlabel(text, fontsize=SMALL, color=GREY, x=0.01, ha="left")


def _wrapped(text: str, size: int, width_in: float) -> str:
    return "\n".join(wrap(text, int(LETTERS_PER_IN[size] * width_in), break_on_hyphens=False))


def grid_of_panels(figure: Figure, count: int, columns: int) -> list[Axes]:
    """`count` panels in rows of `columns`, as wide with few as with many."""
    rows = -(-count // columns)
    return [figure.add_subplot(rows, columns, index + 1) for index in range(count)]


def save(figure: Figure, stem: Path) -> Path:
    """Write `stem`.png, .svg and .pdf, the same bytes for the same figure; returns the path of the SVG.

    A figure's label is its alternative text, which goes with the files.
    """
    paths = {kind: stem.with_name(f"{stem.name}.{kind}") for kind in ("png", "svg", "pdf")}
    about, alt = {"Title": stem.name}, str(figure.get_label())
    _lay_out(figure)
    figure.savefig(paths["png"], dpi=PNG_DPI, metadata=about | {"Description": alt})
    figure.savefig(paths["svg"], dpi=PNG_DPI, metadata=about | {"Description": alt, "Date": None})
    figure.savefig(paths["pdf"], dpi=PNG_DPI, metadata=about | {"Subject": alt, "CreationDate": None})
    return paths["svg"]


def _lay_out(figure: Figure) -> None:
    """Once, for all three files: with an engine left, even one that does nothing, each of them is drawn twice."""
    engine = figure.get_layout_engine()
    if engine is not None:
        figure.set_dpi(PNG_DPI)
        engine.execute(figure)
        figure.set_layout_engine(None)
