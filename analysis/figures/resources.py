"""Change in resources: what each variant costs relative to the grid's baseline, in percent."""

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from analysis.figures.looks import Look, looks, names, signs_explained
from analysis.figures.parts import MARK_SIZE, cost_panels, small_ticks, without
from analysis.figures.ticks import RoundTicks
from analysis.load import Results
from analysis.scores import COSTS, variant_results
from har_ray.figures import INK, SMALL
from har_ray.groups import Setting

LEFT, RIGHT = 0.12, 0.7
"""Room beside the bars, of their span: on the right for the text."""


def change_in_resources(results: Results, setting: Setting) -> Figure | None:
    """Bars on a logarithmic scale of ratios, which starts at the baseline; None where nothing can be compared."""
    found = {cost: ratios for cost in COSTS if len(ratios := _ratios(results, setting, cost)) > 0}
    if not found:
        return None
    baseline, order = results.baseline, variant_results(results, setting)
    shown = [name for name in order if any(name in ratios for ratios in found.values())]
    title = f"Change in resources against {baseline}: {setting.title}"
    notes = [
        f"Axes: multiples of what {baseline} costs, logarithmic; beside each bar the change in percent.",
        *without({name: order[name] for name in shown}, found),
        signs_explained(results, setting, shown),
    ]
    if lost := [name for name in order if name not in (*shown, baseline)]:
        notes.append(f"Not shown: {', '.join(lost)}.")
    figure, panels = cost_panels(title, [*notes, results.made_by_short], names(results, setting), shown, list(found))
    for cost, panel in panels.items():
        _scale(panel, list(found[cost].values()))
        for row, name in enumerate(shown):
            if name in found[cost]:
                _bar(panel, row, found[cost][name], looks(results)[name])
    small_ticks(figure)
    said = [f"{COSTS[cost]}: " + ", ".join(f"{name} {percent_change(ratio)}" for name, ratio in ratios.items())
            for cost, ratios in found.items()]  # fmt: skip
    figure.set_label(f"{title}. {'; '.join(said)}.")
    return figure


def _ratios(results: Results, setting: Setting, cost: str) -> Mapping[str, float]:
    """What each other variant costs over what the baseline costs."""
    variants = variant_results(results, setting)
    baseline = variants.get(results.baseline)
    if baseline is None:
        return {}
    times = {name: result.times(baseline, cost) for name, result in variants.items() if result is not baseline}
    return {name: found for name, found in times.items() if found is not None}


def _bar(panel: Axes, row: int, ratio: float, look: Look) -> None:
    panel.barh(row, ratio - 1, left=1, height=0.3, color=look.colour)
    panel.plot([ratio], [row], marker=look.mark, markersize=MARK_SIZE, color=look.colour)
    # Beside the baseline's line where the bar lies on its other side, which may be as far as the names.
    panel.annotate(percent_change(ratio), (max(ratio, 1), row), (6, 0), textcoords="offset points", va="center",
                   fontsize=SMALL - 0.5)  # fmt: skip


def percent_change(ratio: float) -> str:
    """`+12 %`, `−3.5 %`, `0 %`: with a digit after the point below 10."""
    value = 100 * (ratio - 1)
    text = f"{value:+,.0f} %" if abs(value) >= 9.95 else f"{value:+.1f} %"
    return "0 %" if text in ("+0.0 %", "-0.0 %") else text.replace("-", "−")


def _scale(panel: Axes, ratios: Sequence[float]) -> None:
    low, high = min(1.0, *ratios), max(1.0, *ratios)
    span = max(high / low, 2.0)
    panel.set_xscale("log")
    panel.set_xlim(low / span**LEFT, high * span**RIGHT)
    panel.xaxis.set_major_locator(RoundTicks(_times))
    panel.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _times(value)))
    panel.xaxis.set_minor_formatter(NullFormatter())
    panel.axvline(1, color=INK, linewidth=0.8)


def _times(ratio: float) -> str:
    return f"{ratio:,g}×"
