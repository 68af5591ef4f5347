"""Figures of what windows hold: how many of each class and subject, the channels' ranges, a window of each class."""

import re
from itertools import zip_longest
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from har_ray.data.describe.numbers import Description
from har_ray.figures import GREY, INK, caption, save, style

COUNTED = 12
"""With more subjects a cell is too narrow for its number."""
ROWS, COLUMNS = 6, 4
"""Of panels of examples. With more classes than rows, two sensors at most are shown, and classes side by side."""
BLUE, EMPTY = "#0072B2", "#EDEDED"
LINES = (BLUE, "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#F0E442", INK)
"""Distinguishable with every common colour blindness (Okabe and Ito 2008, jfly.uni-koeln.de/color)."""


def write_figures(found: Description, title: str, made_by: str, folder: Path) -> list[Path]:
    """Write `windows`, `ranges` and `examples` as PNG, SVG and PDF into `folder`; returns the paths of the PNGs."""
    folder.mkdir(parents=True, exist_ok=True)
    drawn = {"windows": windows_figure, "ranges": ranges_figure, "examples": examples_figure}
    with style():
        return [_write(draw(found, title), folder / name, made_by) for name, draw in drawn.items()]


def _write(figure: Figure, stem: Path, made_by: str) -> Path:
    caption(figure, made_by)
    return save(figure, stem).with_suffix(".png")


def windows_figure(found: Description, title: str) -> Figure:
    """A cell per class and subject; grey where there is no window."""
    classes, subjects = found.windows.shape
    figure = Figure(figsize=(3.2 + max(3.0, min(0.45, 9 / subjects) * subjects), 1.6 + 0.3 * classes))
    figure.set_layout_engine("constrained")
    panel = figure.add_subplot()
    panel.set_title(f"{title}: {found.windows.sum():,} windows, {found.hours.sum():.1f} hours (grey: none)")
    panel.set_facecolor(EMPTY)
    counts = np.ma.masked_equal(found.windows, 0)
    mesh = panel.pcolormesh(counts, cmap="Blues", vmin=0, edgecolors="white", linewidth=0.5)
    figure.colorbar(mesh, ax=panel, label="windows", shrink=0.8).outline.set_visible(False)
    panel.set_xticks(np.arange(subjects) + 0.5, found.manifest["subjects"], fontsize=8, rotation=_turn(found))
    panel.set_yticks(np.arange(classes) + 0.5, found.manifest["classes"], fontsize=8)
    panel.set_xlabel("subject")
    panel.spines[:].set_visible(False)
    panel.tick_params(length=0)
    panel.invert_yaxis()
    if subjects <= COUNTED:
        for row, column in np.argwhere(found.windows):
            count = found.windows[row, column]
            colour = "white" if count > 0.6 * found.windows.max() else INK
            panel.text(column + 0.5, row + 0.5, f"{count:,}", ha="center", va="center", fontsize=7.5, color=colour)
    return figure


def _turn(found: Description) -> int:
    names = found.manifest["subjects"]
    return 90 if len(names) > COUNTED or max(map(len, names)) > 4 else 0


def ranges_figure(found: Description, title: str) -> Figure:
    """A row per channel, a panel per unit: median, 1 to 99 %, minimum to maximum."""
    channels = found.manifest["channels"]
    units = list(dict.fromkeys(channel["unit"] for channel in channels))
    members = [[i for i, channel in enumerate(channels) if channel["unit"] == unit] for unit in units]
    figure = Figure(figsize=(8, 0.9 + 0.6 * len(units) + 0.21 * len(channels)), layout="constrained")
    figure.suptitle(f"{title}: range of each channel (bar: 1 to 99 %, line: all, tick: median)", x=0.01, ha="left")
    heights = [len(rows) + 1.5 for rows in members]
    panels = np.ravel(figure.subplots(len(units), 1, height_ratios=heights, squeeze=False))
    for panel, unit, rows in zip(panels, units, members, strict=True):
        low, first, median, last, high = found.ranges[rows].T
        y = np.arange(len(rows))
        panel.hlines(y, low, high, color=GREY, linewidth=0.8)
        panel.hlines(y, first, last, color=BLUE, linewidth=6)
        panel.plot(median, y, "|", color="white", markersize=6, markeredgewidth=1.5)
        panel.set_yticks(y, [channels[i]["name"] for i in rows], fontsize=8)
        panel.set_ylim(len(rows) - 0.4, -0.6)
        panel.set_xlabel(unit)
        panel.grid(axis="x")
        panel.tick_params(axis="y", length=0)
    return figure


def examples_figure(found: Description, title: str) -> Figure:
    """One window of each class, a panel for each of the first sensors: channels whose names differ only in the axis."""
    sensors = _sensors(found)
    shown = dict(list(sensors.items())[: COLUMNS if len(found.examples) <= ROWS else COLUMNS // 2])
    blocks = max(1, min(COLUMNS // len(shown), -(-len(found.examples) // ROWS)))  # of classes, side by side
    depth = -(-len(found.examples) // blocks)
    columns = blocks * len(shown)
    figure = Figure(figsize=(max(6.0, 3 * columns), 0.9 + 1.15 * depth), layout="constrained")
    left_out = f" (the first {len(shown)} of {len(sensors)} sensors)" if len(shown) < len(sensors) else ""
    figure.suptitle(f"{title}: one window of each class{left_out}", x=0.01, ha="left")
    first: dict[str, Axes] = {}
    for number, example in enumerate(found.examples):
        block, row = divmod(number, depth)
        for at, (sensor, members) in enumerate(shown.items()):
            index = row * columns + block * len(shown) + at + 1
            panel = figure.add_subplot(depth, columns, index, sharey=first.get(sensor))
            _example(panel, found, example.x, sensor, members)
            if at == 0:
                name = found.manifest["classes"][example.label]
                panel.set_title(f"{name} (subject {example.subject})", fontsize=8)
            first.setdefault(sensor, panel)
            is_last = row == depth - 1 or number == len(found.examples) - 1
            panel.tick_params(labelsize=7, labelbottom=is_last)
            if is_last:
                panel.set_xlabel("s", fontsize=7.5)
    _legend(figure, found, shown)
    return figure


def _legend(figure: Figure, found: Description, sensors: dict[str, list[int]]) -> None:
    """What the colours are: `x`, or `x, 1` where sensors name their axes differently."""
    names = [[_axis(found, sensor, member) for member in members] for sensor, members in sensors.items()]
    labels = [", ".join(dict.fromkeys(filter(None, same))) for same in zip_longest(*names)]
    lines = [Line2D([], [], color=LINES[i % len(LINES)]) for i in range(len(labels))]
    figure.legend(lines, labels, loc="upper right", ncols=len(labels), fontsize=8, handlelength=1, borderpad=0.2)


def _axis(found: Description, sensor: str, member: int) -> str:
    name: str = found.manifest["channels"][member]["name"]
    return name.removeprefix(sensor).lstrip("_") or name


def _sensors(found: Description) -> dict[str, list[int]]:
    """Channels that belong together, `wrist_acc_x`, `_y`, `_z` under `wrist_acc`: name → their indices."""
    sensors: dict[str, list[int]] = {}
    for i, channel in enumerate(found.manifest["channels"]):
        sensors.setdefault(re.sub(r"_([a-z]|\d{1,2})$", "", channel["name"]), []).append(i)
    return sensors


def _example(panel: Axes, found: Description, x: np.ndarray, sensor: str, members: list[int]) -> None:
    """The channels `members` of a window `[T, C]`."""
    time = np.arange(len(x)) / found.manifest["rate_hz"]
    for i, member in enumerate(members):
        panel.plot(time, x[:, member], color=LINES[i % len(LINES)], linewidth=0.9)
    panel.set_ylabel(f"{sensor}\n{found.manifest['channels'][members[0]]['unit']}", fontsize=7)
    panel.margins(x=0)
    panel.grid(axis="y")
