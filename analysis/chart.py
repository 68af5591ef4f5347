"""The page's interactive chart of a setting: each variant's score against its cost, axes to choose, as Vega-Lite.

What is drawn and said of a variant comes from the functions that fill the tables. `chart.js` puts the chosen axes in
and draws; a model stands where its numbers are, and what has no number on an axis is named below the chart. The area of
a bubble is proportional to parameters. Vega-Lite: https://vega.github.io/vega-lite.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from analysis.figures.looks import Look, looks
from analysis.figures.parts import COST_TITLES
from analysis.formats import number, percent, span
from analysis.load import Results
from analysis.scores import COSTS, WATCH_COSTS, VariantResult, shared_device, variant_results
from analysis.search import HEADINGS
from analysis.seeds import F1
from analysis.student import per_subject_texts
from analysis.tables import attention
from har_ray.figures import GREY, INK
from har_ray.groups import Group, Setting
from har_ray.models.config import AttentionConfig

Spec = dict[str, Any]

LATENCY = "latency_ms"
SUBJECT = "subject_f1"
LARGEST = 2500
"""Area of the largest bubble, in square pixels."""


def chart(results: Results, setting: Setting) -> Spec | None:
    """What the page needs to draw a setting, as JSON; None where no variant has a complete seed.

    Returns:
        `models`: of each its name, parameters, costs by axis, scores by axis as [mean, low, high] in percent,
        and `details`, texts by heading. `x`, `y`: title of each axis that some model has a number on. `spec`, `labels`:
        the chart in Vega-Lite, and the names beside the points, which are a mark of Vega.
    """
    complete = [result for result in variant_results(results, setting).values() if result.complete]
    if not complete:
        return None
    device = shared_device(complete)
    models = [_model(results, result, device) for result in complete]
    costs = COST_TITLES | {LATENCY: f"{COST_TITLES[LATENCY]}, {device}"}
    x = {cost: {"title": title, "format": "~g" if cost == LATENCY else "~s"} for cost, title in costs.items()
         if any(cost in model["costs"] for model in models)}  # fmt: skip
    shown = {result.variant: looks(results)[result.variant] for result in complete}
    return {"title": setting.title, "models": models, "x": x, "y": _score_axes(results), "spec": _spec(shown),
            "labels": LABELS}  # fmt: skip


def _score_axes(results: Results) -> dict[str, str]:
    scores = {score.name: f"test {score.title}; bar: ± sd over seeds" for score in (F1, *results.scores)}
    return scores | {SUBJECT: "macro F1 per test subject (%); bar: 95 % interval"}


def _model(results: Results, result: VariantResult, device: str | None) -> Spec:
    params = result.typical_cost("params")
    costs = {name: cost for name in COSTS | WATCH_COSTS if (cost := result.typical_cost(name)) is not None}
    if device is not None and (latency_ms := result.latencies_ms().get(device)) is not None:
        costs[LATENCY] = latency_ms
    return {"variant": result.variant, "params": params, "costs": costs, "scores": _scores(results, result),
            "details": _details(results, result)}  # fmt: skip


def _scores(results: Results, result: VariantResult) -> dict[str, list[float | None]]:
    """By axis the mean, and the ends of its bar, in percent."""
    scores = {}
    for score in (F1, *results.scores):
        if (mean := result.mean(score.name)) is not None:
            sd = result.sd(score.name)
            scores[score.name] = _percents(mean, *((None, None) if sd is None else (mean - sd, mean + sd)))
    return scores | {SUBJECT: _percents(result.subject_mean(), *(result.subject_interval() or (None, None)))}


def _percents(*fractions: float | None) -> list[float | None]:
    return [None if fraction is None else 100 * fraction for fraction in fractions]


def _details(results: Results, result: VariantResult) -> dict[str, str]:
    """What is said of a variant beside its point, as the tables say it."""
    details = {f"test {score.title}": percent(result.mean(score.name), result.sd(score.name))
               for score in {one.name: one for one in (F1, *results.scores)}.values()}  # fmt: skip
    mean, interval = per_subject_texts(result)
    details |= {"per subject (%)": mean if interval == "–" else f"{mean} (95 % interval {interval})"}
    details |= {results.title_of(results.monitor): percent(result.validation), "n (seeds)": result.standing()}
    details |= {title: span(values) for cost, title in COSTS.items() if (values := result.cost(cost)) is not None}
    if latencies := result.latencies_ms():
        details["latency (ms)"] = ", ".join(f"{ms:.2f} ({device})" for device, ms in latencies.items())
    details |= _chosen(results, result)
    cells = [str(cell.row["cell_id"]) for cell in result.completed]
    details["cells"] = cells[0] if len(cells) == 1 else f"{len(cells)} completed"
    return details | ({"converged": text} if (text := result.unconverged()) else {})


def _chosen(results: Results, result: VariantResult) -> dict[str, str]:
    """The hyper-parameters that the search chose; where folds differ, of how many folds each value is."""
    chosen = [winner["hyper"] for winner in results.winners
              if (group := Group.of(winner)).setting == result.setting and group.variant == result.variant]  # fmt: skip
    texts: dict[str, Counter[str]] = {}
    for hyper in chosen:
        own = {HEADINGS.get(key, key): number(value) for key, value in hyper.items() if not _is_attention(key)}
        for heading, text in (own | {"attention": attention(hyper)}).items():
            texts.setdefault(heading, Counter())[text] += 1
    return {heading: _by_fold(counts) for heading, counts in texts.items() if set(counts) != {"–"}}


def _is_attention(key: str) -> bool:
    return key.removeprefix("attention_") in AttentionConfig.model_fields


def _by_fold(counts: Counter[str]) -> str:
    if len(counts) == 1:
        return next(iter(counts))
    return "; ".join(f"{text} in {count} of {counts.total()} folds" for text, count in counts.most_common())


def _spec(shown: Mapping[str, Look]) -> Spec:
    """Vega-Lite without data: rows have variant, params, x, y, low, high, details and said."""

    def by_variant(values: list[str]) -> Spec:
        return {"field": "variant", "type": "nominal", "title": None,
                "scale": {"domain": list(shown), "range": values}}  # fmt: skip

    colour = by_variant([look.colour for look in shown.values()])
    shape = by_variant([look.outline for look in shown.values()])
    size = {"field": "params", "type": "quantitative", "legend": None,
            "scale": {"type": "linear", "domainMin": 0, "range": [0, LARGEST]}}  # fmt: skip
    return {
        "width": "container",
        "height": 380,
        "autosize": {"type": "fit-x", "contains": "padding"},
        "background": "transparent",
        "padding": {"left": 4, "top": 8, "right": 24, "bottom": 4},
        "config": {
            "font": "system-ui, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif",
            "view": {"stroke": None},
            "axis": {"labelColor": INK, "titleColor": INK, "labelFontSize": 12, "titleFontSize": 12,
                     "titleFontWeight": "normal", "gridColor": "#e4e4e4"},
            "legend": {"orient": "bottom", "labelColor": INK, "labelFontSize": 12, "labelLimit": 300,
                       "symbolOpacity": 1, "symbolSize": 120, "symbolStrokeWidth": 0},
        },
        "encoding": {
            "x": {"field": "x", "type": "quantitative", "scale": {"type": "log", "nice": False, "padding": 40},
                  "axis": {"grid": False, "labelOverlap": True, "tickCount": 6}},
            "y": {"field": "y", "type": "quantitative", "scale": {"zero": False, "nice": False, "padding": 30},
                  "axis": {"tickCount": 6}},
        },
        "layer": [
            {"name": "front", "transform": FRONT, "mark": {"type": "line", "interpolate": "step-after", "color": GREY,
                                                           "strokeDash": [4, 3], "aria": False}},
            {"name": "bars", "transform": [{"filter": "isValid(datum.low)"}], "mark": {"type": "rule", "aria": False},
             "encoding": {"y": {"field": "low", "type": "quantitative"}, "y2": {"field": "high"}, "color": colour}},
            {"name": "bubbles", "transform": [{"filter": "isValid(datum.params)"}],
             "mark": {"type": "circle", "opacity": 0.25, "aria": False, "tooltip": {"content": "data"}},
             "encoding": {"size": size, "color": colour}},
            {"name": "points", "mark": {"type": "point", "filled": True, "opacity": 1, "size": 100, "stroke": "white",
                                        "strokeWidth": 0.6, "tooltip": {"content": "data"}},
             "encoding": {"color": colour, "shape": shape, "description": {"field": "said"}}},
        ],
    }  # fmt: skip


_CHEAPEST_FIRST = [{"field": "x"}, {"field": "y", "order": "descending"}]
FRONT = [
    {"window": [{"op": "max", "field": "y", "as": "best"}], "frame": [None, 0], "sort": _CHEAPEST_FIRST},
    {"window": [{"op": "lag", "field": "best", "as": "before"}], "sort": _CHEAPEST_FIRST},
    {"filter": "!isValid(datum.before) || datum.y > datum.before"},
]
"""The Pareto front: the models that score above all that cost less or the same."""

LABELS = {
    "type": "text", "name": "labels", "interactive": False, "aria": False,
    "from": {"data": "points_marks"},
    "encode": {"enter": {"text": {"field": "datum.variant"}, "fontSize": {"value": 12}, "fill": {"value": INK}}},
    "transform": [{
        "type": "label", "size": {"signal": "[max(1, width), max(1, height)]"},  # 0 while the window changes
        "avoidMarks": ["front_marks"], "offset": [6], "padding": 0,
        "anchor": ["right", "left", "top-right", "bottom-right", "top-left", "bottom-left", "top", "bottom"],
    }],
}  # fmt: skip
"""Names beside the points, none on another: what finds no room is said by its point alone. Vega-Lite has no such mark;
see https://vega.github.io/vega/docs/transforms/label."""
