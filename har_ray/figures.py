"""How all figures look, and how they are written."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from textwrap import fill

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

PNG_DPI = 200
GREY, INK = "#767676", "#222222"

STYLE = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],  # comes with matplotlib
    "font.size": 9.5,
    "axes.titlesize": 10.5,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.axisbelow": True,
    "grid.color": "#E4E4E4",
    "text.color": INK,
    "legend.frameon": False,
    "svg.fonttype": "none",  # text stays text: it can be searched, and scales with the page
    "svg.hashsalt": "har-ray",  # the same figure is the same file
}


@contextmanager
def style() -> Iterator[None]:
    """Figures made and saved inside look alike; nothing stays set afterwards."""
    with matplotlib.rc_context(STYLE):  # type: ignore[arg-type]
        yield


def grid_of_panels(count: int, columns: int, panel: tuple[float, float]) -> tuple[Figure, list[Axes]]:
    """A figure of `count` panels of (width, height) inches, in rows of `columns`, as wide with few as with many."""
    rows = -(-count // columns)
    figure = Figure(figsize=(panel[0] * columns, panel[1] * rows + 0.9), layout="constrained")
    axes = [figure.add_subplot(rows, columns, index + 1) for index in range(count)]
    return figure, axes


def save(figure: Figure, stem: Path, made_by: str) -> Path:
    """Write `stem`.png and `stem`.svg with the provenance in small print below; returns the path of the SVG."""
    lines = fill(made_by, int(17 * figure.get_figwidth()))
    figure.supxlabel(lines, fontsize=6.5, color=GREY, x=0.01, ha="left")
    figure.savefig(stem.with_name(stem.name + ".png"), dpi=PNG_DPI)
    svg = stem.with_name(stem.name + ".svg")
    figure.savefig(svg, metadata={"Date": None, "Title": stem.name})
    return svg
