"""What networks attend to: attention maps of the variants and of their teacher over example windows."""

from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.load import Cell, Results
from analysis.scores import variant_results
from har_ray.errors import DamagedError
from har_ray.figures import GREY, INK, new_figure
from har_ray.groups import Setting
from har_ray.metrics import Floats
from har_ray.store.results import EXAMPLES, ResultStore, Row

CLASSES = 3
"""Example windows that are shown, each of another class."""
KNOWN = ("spatial", "channel")
"""Maps that can be drawn: of time steps and sensor channels (T', C), and of filters (F,)."""
ROW_IN = 0.9
NOTE = (
    "The first validation window of some classes, and what each network attends to in it: time across, sensor channels "
    "from the bottom to the top, each panel from its least weight (white) to its largest (blue); bars are weights of "
    "filters, where a network attends to these alone."
)


class Attending(NamedTuple):
    """A network and what it makes of the example windows, which have ids and labels (N,), x (N, T, C)."""

    name: str
    window_id: list[str]
    label: list[int]
    x: Floats
    maps: dict[str, Floats]


def attention_maps(results: Results, setting: Setting) -> Figure | None:
    """Windows in the first row, below them the map of each network over them; None where nothing attends.

    Of the first fold and seed that most of the variants with attention have completed. All see the same windows.
    """
    shown = _networks(results, setting)
    if not shown:
        return None
    first, count = shown[0], min(CLASSES, len(shown[0].label))
    names = results.class_names(setting, max(first.label) + 1)
    cut = results.cut(setting)
    rate_hz = cut[0] if cut else 1.0
    title = f"Attention: {setting.title}"
    figure = new_figure(title, [NOTE, results.made_by_short], ROW_IN * (1 + len(shown)) + 0.5)
    grid = figure.subplots(1 + len(shown), count, squeeze=False, sharex="row")
    for column, panel in enumerate(grid[0]):
        panel.plot(np.arange(first.x.shape[1]) / rate_hz, first.x[column], linewidth=0.7)
        panel.set(title=names[first.label[column]], xlim=(0, first.x.shape[1] / rate_hz))
    grid[0, 0].set_ylabel("window")
    for network, panels in zip(shown, grid[1:], strict=True):
        for column, panel in enumerate(panels):
            _map(panel, network, column, rate_hz, is_last=network is shown[-1])
        panels[0].set_ylabel(network.name)
    for panel in grid[-1]:
        panel.set_xlabel(panel.get_xlabel() or ("s" if cut else "time step"))
    figure.set_label(f"{title}. Maps of {', '.join(network.name for network in shown)} over {count} windows.")
    return figure


def _networks(results: Results, setting: Setting) -> list[Attending]:
    """The teacher first, then the variants, of one fold and seed."""
    store = ResultStore(results.path)
    cells: dict[tuple[int, int], list[Cell]] = {}
    for result in variant_results(results, setting).values():
        for cell in result.completed:
            if EXAMPLES in cell.row["files"]:
                cells.setdefault((cell.key.fold, cell.key.seed), []).append(cell)
    chosen = max(sorted(cells), key=lambda place: len(cells[place]), default=None)
    if chosen is None:
        return []
    rows = {cell.key.variant: cell.row for cell in cells[chosen]}
    taught = [str(row["teacher_id"]) for row in rows.values() if row.get("teacher_id")]
    teachers = [row for teacher_id in dict.fromkeys(taught) if (row := store.row(teacher_id)) is not None]
    others = [row for row in teachers if row["variant"] not in rows]
    found = [network for row in (*others, *rows.values()) if (network := _read(store, row)) is not None]
    return [network for network in found if network.window_id == found[-1].window_id]


def _read(store: ResultStore, row: Row) -> Attending | None:
    try:
        table = store.examples(row)
    except DamagedError:
        return None
    if table is None:
        return None
    values = {
        name: table[name].combine_chunks().to_numpy_ndarray() for name in ("x", *KNOWN) if name in table.column_names
    }
    x = values.pop("x")
    return Attending(str(row["variant"]), table["window_id"].to_pylist(), table["label"].to_pylist(), x, values)


def _map(panel: Axes, network: Attending, number: int, rate_hz: float, is_last: bool) -> None:
    kind = next((name for name in KNOWN if name in network.maps), None)
    if kind is None:
        panel.text(0.5, 0.5, "no map", transform=panel.transAxes, ha="center", color=GREY)
        panel.set(xticks=[], yticks=[])
        return
    weights = network.maps[kind][number]
    if kind == "channel":
        panel.bar(np.arange(1, len(weights) + 1), weights, color=INK)
        panel.set(xlabel="filter", ylim=(0, 1))
        return
    # Convolutions without padding leave fewer steps than the window has, the same number at both ends.
    window, steps = network.x.shape[1], len(weights)
    start = (window - steps) / 2 / rate_hz
    edges = start + np.arange(steps + 1) / rate_hz
    panel.pcolormesh(edges, np.arange(weights.shape[1] + 1) + 0.5, weights.T, cmap="Blues")
    panel.set(xlim=(0, window / rate_hz), yticks=[])
    panel.tick_params(labelbottom=is_last)
