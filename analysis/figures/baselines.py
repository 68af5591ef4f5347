"""The baselines: how well the plain variants recognise, without attention or distillation, and what that costs."""

from collections.abc import Iterator, Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.figures.looks import Look, looks, names, signs_explained
from analysis.figures.parts import (
    MARK_SIZE,
    SHORT_TITLES,
    ends_percent,
    interval_said,
    log_axis,
    rows,
    small_ticks,
    without,
)
from analysis.load import Results
from analysis.scores import VariantResult, variant_results
from har_ray.figures import INK, SMALL, new_figure
from har_ray.groups import Setting

OPERATIONS = ("flops_published", "macs")


def baseline_bars(results: Results, setting: Setting) -> Figure | None:
    """Macro F1 as bars, parameters and FLOPs beside them on log axes; None below two baselines.

    MACs stand in for FLOPs where the published count knows less than they do.
    """
    shown = {name: result for name, result in variant_results(results, setting).items() if _is_plain(result)}
    if len(shown) < 2:
        return None
    costs = _costs(shown)
    title = f"Baselines: {setting.title}"
    notes = [*_notes(results, setting, shown, costs), results.made_by_short]
    figure = new_figure(title, notes, 0.26 * len(shown) + 0.75)
    ratios = [2.4, *[1.0] * len(costs)]
    bars, *panels = figure.subplots(1, 1 + len(costs), width_ratios=ratios, squeeze=False)[0]
    rows([bars, *panels], names(results, setting), list(shown))
    bars.set_xlim(0, 100)
    bars.set_title("test macro F1 per subject (%)", fontsize=SMALL + 1)
    for row, (name, result) in enumerate(shown.items()):
        _bar(bars, row, result, looks(results)[name])
    for cost, panel in zip(costs, panels, strict=True):
        panel.set_title(SHORT_TITLES[cost].partition(" (")[0], fontsize=SMALL + 1)
        known = {name: value for name, result in shown.items() if (value := result.typical_cost(cost)) is not None}
        log_axis(panel, list(known.values()), share=0.15)
        for row, name in enumerate(shown):
            if name in known:
                look = looks(results)[name]
                panel.plot([known[name]], [row], marker=look.mark, markersize=MARK_SIZE, color=look.colour)
    small_ticks(figure)
    figure.set_label(f"{title}. {'; '.join(_said(name, result, costs) for name, result in shown.items())}.")
    return figure


def _is_plain(result: VariantResult) -> bool:
    traits = result.traits
    return bool(result.complete) and not (traits.attention or traits.losses or traits.taught)


def _costs(shown: Mapping[str, VariantResult]) -> list[str]:
    """Parameters, and the count of operations that knows more of the models; of those that any model has."""
    known = {cost: sum(result.cost(cost) is not None for result in shown.values()) for cost in ("params", *OPERATIONS)}
    operations = max(OPERATIONS, key=known.__getitem__)
    return [cost for cost in ("params", operations) if known[cost]]


def _bar(bars: Axes, row: int, result: VariantResult, look: Look) -> None:
    mean = result.subject_mean()
    bars.barh(row, 100 * mean, height=0.5, color=look.colour, alpha=0.45)
    bars.hlines(row, *ends_percent(result), color=INK, linewidth=1.2, zorder=5)
    bars.plot([100 * mean], [row], marker=look.mark, markersize=MARK_SIZE, color=look.colour, markeredgecolor="white",
              markeredgewidth=0.6, clip_on=False)  # fmt: skip


def _notes(
    results: Results, setting: Setting, shown: Mapping[str, VariantResult], costs: Sequence[str]
) -> Iterator[str]:
    first = next(iter(shown.values()))
    yield interval_said(setting, len(first.seeds), len(first.subjects()))
    yield "The variants without attention or distillation. " + signs_explained(results, setting, shown)
    yield from without(shown, costs)


def _said(name: str, result: VariantResult, costs: Sequence[str]) -> str:
    mean = result.subject_mean()
    low, high = ends_percent(result)
    known = [f"{value:,.0f} {SHORT_TITLES[cost]}" for cost in costs if (value := result.typical_cost(cost)) is not None]
    return ", ".join([f"{name} {100 * mean:.1f} % ({low:.1f} to {high:.1f})", *known])
