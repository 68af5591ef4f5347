"""The model sizes: parameters, MACs, FLOPs and bytes of each variant, on logarithmic axes."""

from collections.abc import Iterable, Iterator, Mapping

from matplotlib.figure import Figure

from analysis.figures.looks import looks, names, signs_explained
from analysis.figures.parts import MARK_SIZE, cost_panels, log_axis, small_ticks, without
from analysis.load import Results
from analysis.scores import COSTS, VariantResult, variant_results
from har_ray.groups import Setting


def model_sizes(results: Results, setting: Setting) -> Figure | None:
    """A row for each variant of which anything is known, a panel for each cost; None where nothing is known."""
    variants = variant_results(results, setting)
    shown = {name: result for name, result in variants.items() if any(result.cost(cost) for cost in COSTS)}
    if not shown:
        return None
    costs = [cost for cost in COSTS if any(result.cost(cost) for result in shown.values())]
    title = f"Model sizes: {setting.title}"
    notes = [*_notes(shown, costs, variants), signs_explained(results, setting, shown), results.made_by_short]
    figure, panels = cost_panels(title, notes, names(results, setting), list(shown), costs)
    for cost, panel in panels.items():
        log_axis(panel, [value for result in shown.values() for value in result.cost(cost) or ()])
        for row, (name, result) in enumerate(shown.items()):
            if (ends := result.cost(cost)) is not None:
                look = looks(results)[name]
                panel.hlines(row, *ends, color=look.colour, linewidth=1.5)
                at = ([result.typical_cost(cost) or 0], [row])
                panel.plot(*at, marker=look.mark, markersize=MARK_SIZE, color=look.colour, clip_on=False)
    small_ticks(figure)
    figure.set_label(f"{title}. {'; '.join(_said(name, result, costs) for name, result in shown.items())}.")
    return figure


def _notes(shown: Mapping[str, VariantResult], costs: Iterable[str], variants: Iterable[str]) -> Iterator[str]:
    ranges = [result.cost(cost) for result in shown.values() for cost in costs]
    if any(found is not None and found[0] < found[1] for found in ranges):
        yield "Line: the range over folds, whose winners differ; mark: the median."
    yield "MACs and FLOPs: of one window; the published count of FLOPs leaves out recurrent layers and the head."
    yield from without(shown, costs)
    if absent := [name for name in variants if name not in shown]:
        yield f"No completed cell: {', '.join(absent)}."


def _said(name: str, result: VariantResult, costs: Iterable[str]) -> str:
    known = [f"{value:,.0f} {COSTS[cost]}" for cost in costs if (value := result.typical_cost(cost)) is not None]
    return f"{name} {', '.join(known)}"
