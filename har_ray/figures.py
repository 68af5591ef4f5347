"""How all figures look, and how they are written.

A figure is as wide as one column of a journal, or as two where its content needs them, and is printed as it is: no type
in it is smaller than `SMALLEST`. What needs more room grows downwards.
"""

import atexit
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from textwrap import wrap

import matplotlib
from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import fontManager

from har_ray.temporary import TemporaryFolder

PNG_DPI = 250
ONE_COLUMN_IN, TWO_COLUMNS_IN = 85 / 25.4, 180 / 25.4
"""85 and 180 mm: columns of IEEE are 89 and 182 mm wide (https://journals.ieeeauthorcenter.ieee.org), of Nature 89 and
183 (https://www.nature.com/nature/for-authors/final-submission)."""
GREY, INK = "#767676", "#222222"
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", INK)
"""Distinct with every common colour blindness (Okabe and Ito 2008, jfly.uni-koeln.de/color), without their yellow,
which is too light on white."""

TITLE, PLAIN, SMALL, SMALLEST = 9, 8, 7, 6
"""Sizes of type, in points."""
LETTERS_PER_IN = {TITLE: 14.2, SMALL: 16.8}
"""Of a line, by size of type; measured with DejaVu Sans."""
LINE_IN = 1.4 / 72
"""Height of a line for each point of type."""

FONT = "DejaVu Sans"
"""It comes with matplotlib."""
COMMON = (range(0x20, 0x180), range(0x370, 0x400), range(0x2010, 0x2045), range(0x2070, 0x208F), range(0x2190, 0x2194),
          range(0x2212, 0x2213), range(0x2248, 0x2249), range(0x2260, 0x2266))  # fmt: skip
"""Characters that figures are made of: Latin, Greek, punctuation, small digits, arrows, signs of arithmetic."""

STYLE = {
    "font.sans-serif": ["DejaVu Sans", "Verdana", "Arial", "Helvetica"],  # where an SVG is shown without the first
    "font.size": PLAIN,
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
    with matplotlib.rc_context(STYLE | {"font.family": [_common_font(), FONT, "sans-serif"]}):  # type: ignore[arg-type]
        yield


@cache
def _common_font() -> str:
    """The name of a font of the common characters of `FONT`, without kerning; all others come from `FONT` itself.

    For each PDF matplotlib reads a font twice to embed the glyphs that are used, 0.1 s each if it is all of `FONT`.
    """
    name, folder = f"{FONT} common", TemporaryFolder("font")
    atexit.register(folder.cleanup)
    font = TTFont(Path(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf"), recalcTimestamp=False)
    keep = Options(layout_features=[], drop_tables=[*Options().drop_tables, "FFTM", "MATH"])
    subset = Subsetter(keep)
    subset.populate(unicodes=[code for codes in COMMON for code in codes])
    subset.subset(font)
    for family in (1, 16):
        font["name"].removeNames(nameID=family)
    font["name"].setName(name, 1, 3, 1, 0x409)
    path = folder.path / "common.ttf"
    font.save(path)
    fontManager.addfont(path)
    return name


def new_figure(title: str, notes: Iterable[str], body_in: float, width_in: float = TWO_COLUMNS_IN) -> Figure:
    """An empty figure: a title, a body as high as that many inches, notes below, a paragraph each."""
    figure = Figure(figsize=(width_in, body_in), layout="constrained")
    heading = _wrapped(title, TITLE, width_in)
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
    lay_out(figure)
    figure.savefig(paths["png"], dpi=PNG_DPI, metadata=about | {"Description": alt})
    figure.savefig(paths["svg"], dpi=PNG_DPI, metadata=about | {"Description": alt, "Date": None})
    figure.savefig(paths["pdf"], dpi=PNG_DPI, metadata=about | {"Subject": alt, "CreationDate": None})
    return paths["svg"]


def lay_out(figure: Figure) -> None:
    """Once, for all files: with an engine left, even one that does nothing, each of them is drawn twice."""
    engine = figure.get_layout_engine()
    if engine is not None:
        figure.set_dpi(PNG_DPI)
        engine.execute(figure)
        figure.set_layout_engine(None)
