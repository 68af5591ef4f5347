"""Timeline of the run: which slot of which node ran cells of which stage when."""

from matplotlib.figure import Figure
from matplotlib.patches import Patch

from analysis.load import Results
from har_ray.figures import INK, PALETTE, SMALL, SMALLEST, new_figure
from har_ray.text import counted, duration
from har_ray.timeline import busy, length_s

STAGES = {"teachers": INK, "search": PALETTE[5], "confirm": PALETTE[0]}
"""Colours that are dark, light and between in grey too."""
UNITS = ((3 * 3600, 3600, "hours"), (180, 60, "minutes"), (0, 1, "seconds"))
"""From how many seconds on an axis has which unit, of so many seconds."""
MANY = 300
"""More cells than these are drawn as pixels in SVG and PDF too."""


def run_timeline(results: Results) -> Figure | None:
    """A row for each slot, a bar for each stretch in which a cell was trained; None where no cell has ended."""
    slots = results.slots
    if not slots:
        return None
    total = length_s(slots)
    unit_s, unit = next((size, name) for least, size, name in UNITS if total >= least)
    title, row_in = f"Timeline: {results.name}", 0.2 if len(slots) <= 30 else 0.1
    cells = sum(map(len, slots.values()))
    notes = [
        f"{counted(len(slots), 'slot')} in {duration(total)}, busy {100 * busy(slots):.1f} % of that time. A bar is a "
        "cell, or a stretch of one that paused.",
        results.made_by_short,
    ]
    figure = new_figure(title, notes, row_in * len(slots) + 0.9)
    panel = figure.subplots()
    for stage, colour in STAGES.items():
        for row, spans in enumerate(slots.values()):
            bars = [(span.start / unit_s, (span.end - span.start) / unit_s) for span in spans if span.stage == stage]
            panel.broken_barh(bars, (row - 0.38, 0.76), facecolor=colour, edgecolor="white", linewidth=0.3,
                              rasterized=cells > MANY)  # fmt: skip
    panel.set(xlim=(0, total / unit_s or 1), ylim=(len(slots) - 0.4, -0.6), xlabel=f"{unit} since the first cell began")
    panel.set_yticks(range(len(slots)), list(slots), fontsize=SMALL if row_in > 0.15 else SMALLEST)
    panel.tick_params(axis="x", labelsize=SMALL)
    stages = [stage for stage in STAGES if any(span.stage == stage for spans in slots.values() for span in spans)]
    keys = [Patch(facecolor=STAGES[stage]) for stage in stages]
    panel.legend(keys, stages, ncols=3, fontsize=SMALL, loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.2)
    figure.set_label(f"{title}. {counted(cells, 'bar')}: {', '.join(stages)}. {notes[0]}")
    return figure
