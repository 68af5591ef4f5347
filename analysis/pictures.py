"""Figures as the page shows them: embedded, each in the lighter of two forms, as long as the page stays small.

They are drawn one after the other: a second process would need another 200 MB for its imports, and takes a core from a
grid that trains beside the report.
"""

import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from matplotlib.figure import Figure
from PIL import Image

from analysis.inline import compressed, data_uri
from analysis.load import Results
from har_ray.figures import save, style

PAGE_BYTES = 1_500_000
"""Of all figures in a page, compressed."""
LIGHT_BYTES = 30_000
"""An SVG that is no larger than this has no need of another form."""
CSS_PX_PER_IN = 160
"""More than the 96 of print, since screens are looked at from further away."""
COLOURS = 64
"""Of the other form, a PNG with a palette."""


@dataclass(frozen=True)
class Picture:
    """A figure as the page shows it.

    Attributes:
        alt: what is drawn, with the numbers, for who cannot see it.
        width_px: how wide it is meant to be, in CSS pixels; the PNG has more.
        file: its SVG, relative to the page.
        uri: what the page embeds; empty where it would make the page too large, so that it links to the file.
    """

    title: str
    alt: str
    width_px: int
    file: str
    uri: str


class Task(NamedTuple):
    """A figure to be made: `draw` of the results gives it, or None where they have nothing to show."""

    title: str
    draw: Callable[[Results], Figure | None]
    stem: Path


def picture(results: Results, task: Task) -> Picture | None:
    """Draw a figure and write it into a folder beside the page."""
    with style():
        figure = task.draw(results)
        if figure is None:
            return None
        svg = save(figure, task.stem)
    alt = str(figure.get_label()) or task.title
    width_px = round(figure.get_figwidth() * CSS_PX_PER_IN)
    return Picture(task.title, alt, width_px, f"{task.stem.parent.name}/{svg.name}", _uri(svg))


def _uri(svg: Path) -> str:
    """A data URI of the SVG, or of the PNG beside it in few colours, whichever is shorter."""
    content, kind = svg.read_bytes(), "svg+xml"
    if len(content) > LIGHT_BYTES:
        buffer = io.BytesIO()
        with Image.open(svg.with_suffix(".png")) as image:
            image.convert("RGB").quantize(COLOURS, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE).save(
                buffer, "PNG", optimize=True
            )
        content, kind = min((content, kind), (buffer.getvalue(), "png"), key=lambda form: len(form[0]))
    return data_uri(content, f"image/{kind}")


def within(sections: Sequence[Iterable[Picture]], most: int = PAGE_BYTES) -> list[list[Picture]]:
    """The pictures of a page's sections, the first of each section before the second of any, as long as they fit.

    Those that do not fit any more, and all after them in their section, are links.
    """
    shown = [list(pictures) for pictures in sections]
    left = most
    for position in range(max(map(len, shown), default=0)):
        for pictures in shown:
            if position >= len(pictures):
                continue
            _, packed = compressed(pictures[position].uri)
            left -= len(packed)
            if left < 0:
                pictures[position] = replace(pictures[position], uri="")
    return shown
