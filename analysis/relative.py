"""What each variant changes against the baseline, in points of recognition and percent of cost, as the reproduced study
reports it, and what that study found of the same windows.
"""

from analysis.formats import Entry, TextTable, csv_text, percent, points
from analysis.load import Results
from analysis.published import DOI, Change, change, is_published, model
from analysis.scores import COSTS, VariantResult, variant_results
from har_ray.groups import Setting
from har_ray.variants import BASELINE

SCORES = ("f1_macro", "accuracy")
"""Those that the study reports."""


def relative_table(results: Results, setting: Setting) -> TextTable | None:
    """Every variant against the baseline, with the published change in brackets; None where there is nothing to compare
    with."""
    changes = _changes(results, setting)
    if not changes:
        return None
    names = [score.name for score in results.scores]
    costs = [cost for cost in COSTS if any(found[cost] is not None for found in changes.values())]
    columns = [f"Δ {score.title.replace('(%)', '(points)')}" for score in results.scores]
    columns += [f"Δ {COSTS[cost]} (%)" for cost in costs]
    rows = []
    for variant, found in changes.items():
        published = _published(results, setting, variant)
        texts = [_beside(found[name], published, name) for name in (*names, *costs)]
        rows.append([Entry(variant), *map(Entry, texts)])
    title = f"Change from {results.baseline}: {setting.title}"
    notes = [
        "Of means over the seeds that both completed, and of median costs. Differences with intervals and tests are in "
        "the table of differences."
    ]
    if results.baseline == BASELINE and is_published(setting):
        notes.append(f"In brackets what was published: doi {DOI}, one seed, the same windows and split.")
    return TextTable(title, ["variant", *columns], "l" + "r" * len(columns), rows, notes, results.made_by)


def published_table(results: Results, setting: Setting) -> TextTable | None:
    """Scores and costs of the study's variants beside ours; None where it has none of such windows and split."""
    known = {name: found for name in results.variants(setting) if (found := model(setting, name)) is not None}
    if not known:
        return None
    variants, rows = variant_results(results, setting), []
    for name, published in known.items():
        ours = variants[name]
        texts = [text for score in SCORES for text in (percent(ours.mean(score)), f"{getattr(published, score):.1f}")]
        for cost in ("params", "flops_published"):
            texts += [_count(ours.typical_cost(cost)), _count(getattr(published, cost))]
        rows.append([Entry(name), *map(Entry, texts)])
    heads = ["F1 macro (%)", "accuracy (%)", COSTS["params"], COSTS["flops_published"]]
    columns = ["variant", *(text for head in heads for text in (head, "published"))]
    notes = [
        f"Published: doi {DOI}, one seed, the configuration with the best validation accuracy; with attention or a "
        "teacher it is LM's value with the published change, in which parameters and FLOPs are rounded to 0.01 %."
    ]
    title = f"Published beside ours: {setting.title}"
    return TextTable(title, columns, "l" + "r" * (len(columns) - 1), rows, notes, results.made_by)


def relative_csv(results: Results) -> str:
    """The changes as one CSV: raw numbers, scores and costs as fractions, published ones where there are any."""
    return csv_text([
        {**setting.record, "variant": variant, "baseline": results.baseline,
         **{f"{name}_change": value for name, value in found.items()},
         **_published_fractions(results, setting, variant),
         **results.provenance}
        for setting in results.settings() for variant, found in _changes(results, setting).items()
    ])  # fmt: skip


def _changes(results: Results, setting: Setting) -> dict[str, dict[str, float | None]]:
    """By variant: the difference of each score and the relative change of each cost, fractions."""
    variants = variant_results(results, setting)
    baseline = variants.get(results.baseline)
    if baseline is None or not baseline.seeds:
        return {}
    return {
        name: {score.name: _difference(result, baseline, score.name) for score in results.scores}
        | {cost: None if (times := result.times(baseline, cost)) is None else times - 1 for cost in COSTS}
        for name, result in variants.items()
        if result is not baseline and result.seeds
    }


def _difference(result: VariantResult, baseline: VariantResult, score: str) -> float | None:
    shared = [seed for seed in result.seeds if seed in baseline.complete]
    pairs = [(result.complete[seed].scores.get(score), baseline.complete[seed].scores.get(score)) for seed in shared]
    known = [ours - theirs for ours, theirs in pairs if ours is not None and theirs is not None]
    return sum(known) / len(known) if known else None


def _published(results: Results, setting: Setting, variant: str) -> Change | None:
    """The study compares with LM, so that it says nothing of changes from another baseline."""
    return change(setting, variant) if results.baseline == BASELINE else None


def _published_fractions(results: Results, setting: Setting, variant: str) -> dict[str, float | None]:
    published = _published(results, setting, variant)
    return {
        f"{name}_change_published": None if published is None else getattr(published, name) / 100
        for name in Change._fields
    }


def _beside(found: float | None, published: Change | None, name: str) -> str:
    """`+1.2 (+2.0)`, in points or percent: what was found, and what was published."""
    value = getattr(published, name, None)
    return ("–" if found is None else points(found)) + ("" if value is None else f" ({points(value / 100)})")


def _count(value: float | None) -> str:
    return "–" if value is None else f"{value:,.0f}"
