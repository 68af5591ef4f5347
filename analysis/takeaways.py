"""What the reproduced study claims, each claim tested on the grid's own rows.

Source of the claims: see `analysis.published`; here in own words. The rules of the verdicts are in
`analysis.verdicts`. Where a claim is about "the best student", the student is chosen by its validation score: the best
of several test scores is best partly by luck.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from analysis.formats import Entry, TextTable, csv_text, points
from analysis.load import Results
from analysis.published import DOI
from analysis.scores import COSTS, UNCONVERGED, VariantResult, chosen_by_validation, variant_results
from analysis.statistics import MIN_SUBJECTS, Comparison, absence, adjusted, compare, interval
from analysis.verdicts import (
    CONTRADICTED,
    HOLDS,
    UNDECIDED,
    Outcome,
    all_of,
    gain,
    is_above,
    is_true,
    is_within,
    untested,
)
from har_ray.groups import Setting

CLAIMED_GAIN_PP = 4.0
"""The lower end of the 4 to 6 points that distillation alone is said to gain."""
CLAIMED_RATIO = 10
"""How many times fewer FLOPs than OM."""
MINIMAL_LOSS_PP = 2.0
"""Our reading of "minimal loss", the margin of non-inferiority; the study gives no number."""
A_THIRD = 0.4
"""Our reading of "a third to a quarter" of MM's cost: the study's own LM has 0.38 of MM's parameters on Opportunity."""

SIMPLER = ("LM-Att", "RB-KD", "RB-KD-Att")
"""What RAB-KD is said to be ahead of."""
COUNTS = ("flops_published", "macs")
"""The costs by which claims are tested."""

Variants = Mapping[str, VariantResult]


@dataclass(frozen=True)
class Verdict:
    """One claim in one setting: the outcome, and the numbers that it rests on."""

    outcome: Outcome
    evidence: str = ""


def _difference(variants: Variants, a: str, b: str) -> Comparison:
    """`a` minus `b`, each with the mark of an unconverged variant."""
    one, other = variants.get(a), variants.get(b)
    return compare(one, other, *(name + (found.doubt if found else "") for name, found in ((a, one), (b, other))))


def _sentences(*parts: str) -> str:
    return " ".join(f"{part}." for part in parts if part)


def teacher_is_better(variants: Variants) -> Verdict:
    """The premise of distillation: the original model scores above the lightweight one."""
    ahead = _difference(variants, "OM", "LM")
    return Verdict(is_above(ahead), _sentences(ahead.text()))


def distillation_gains(variants: Variants) -> Verdict:
    """RB-KD minus LM is at least the claimed gain."""
    ahead = _difference(variants, "RB-KD", "LM")
    return Verdict(is_above(ahead, CLAIMED_GAIN_PP / 100), _sentences(ahead.text()))


def attention_gains(variants: Variants) -> Verdict:
    """Attention helps, both without a teacher and on top of distillation."""
    ahead = [_difference(variants, "LM-Att", "LM"), _difference(variants, "RB-KD-Att", "RB-KD")]
    return Verdict(all_of(map(is_above, ahead)), _sentences(*(c.text() for c in ahead)))


def students_are_efficient(variants: Variants) -> Verdict:
    """The distilled student costs a tenth of OM by both counts and loses little."""
    distilled = [v for v in variants.values() if v.traits.taught and not v.traits.large]
    student, large = chosen_by_validation(distilled), variants.get("OM")
    if student is None:
        return Verdict(untested("no distilled student has a completed seed"))
    if large is None or not large.seeds:
        return Verdict(untested(absence("OM", large)))
    loss = _difference(variants, "OM", student.variant)
    parts = [f"{student.variant} was chosen on validation data", loss.text(), _cost_text(large, student)]
    if (moderate := variants.get("MM")) and moderate.seeds:
        parts += [_difference(variants, "MM", student.variant).text(), _cost_text(moderate, student)]
    is_cheap = [_costs(large, student, cost, lambda ratio: ratio >= CLAIMED_RATIO) for cost in COUNTS]
    return Verdict(all_of([is_within(loss, MINIMAL_LOSS_PP / 100), *is_cheap]), _sentences(*parts))


def both_is_best(variants: Variants) -> Verdict:
    """RAB-KD is ahead of every simpler boost, and no variant is both cheaper and better."""
    best = variants.get("RAB-KD")
    if best is None or not best.seeds:
        return Verdict(untested(absence("RAB-KD", best)))
    ahead = [_difference(variants, "RAB-KD", other) for other in SIMPLER]
    fronts = {cost: _rivals(best, variants, cost) for cost in COUNTS}
    parts = [*(c.text() for c in ahead), *(_front_text(cost, rivals) for cost, rivals in fronts.items())]
    on_fronts = [_is_on_front(rivals) for rivals in fronts.values()]
    return Verdict(all_of([*map(is_above, ahead), *on_fronts]), _sentences(*parts))


def student_beats_moderate(variants: Variants) -> Verdict:
    """The best boosted student is above MM at about a third of its cost."""
    student, moderate = chosen_by_validation([v for v in variants.values() if v.traits.boosted]), variants.get("MM")
    if student is None:
        return Verdict(untested("no boosted student has a completed seed"))
    if moderate is None or not moderate.seeds:
        return Verdict(untested(absence("MM", moderate)))
    ahead = _difference(variants, student.variant, "MM")
    parts = [f"{student.variant} was chosen on validation data", ahead.text(), _cost_text(moderate, student)]
    is_small = [
        _costs(student, moderate, cost, lambda ratio: ratio <= A_THIRD) for cost in ("flops_published", "params")
    ]
    return Verdict(all_of([is_above(ahead), *is_small]), _sentences(*parts))


CLAIMS: list[tuple[str, str, Callable[[Variants], Verdict]]] = [
    ("premise", "The original model (OM) scores above the lightweight one (LM)", teacher_is_better),
    ("distillation", "Distillation alone gains 4 to 6 points of F1 (RB-KD over LM)", distillation_gains),
    ("attention", "Attention raises F1 further, with and without a teacher", attention_gains),
    ("efficiency", "Distilled students need up to 10 times fewer FLOPs than the large models, at minimal loss",
     students_are_efficient),
    ("best", "RAB-KD is the best trade-off, ahead of LM-Att, RB-KD and RB-KD-Att", both_is_best),
    ("mm", "A boosted lightweight model beats MM at a third to a quarter of its FLOPs and parameters",
     student_beats_moderate),
]  # fmt: skip


def _costs(a: VariantResult, b: VariantResult, cost: str, is_enough: Callable[[float], bool]) -> Outcome:
    """Whether the ratio of a cost is as claimed."""
    ratio = a.times(b, cost)
    return untested("a cost is missing") if ratio is None else is_true(is_enough(ratio))


def _cost_text(large: VariantResult, student: VariantResult) -> str:
    ratios = {name: large.times(student, cost) for cost, name in COSTS.items()}
    parts = [f"{ratio:.1f} × the {name}" for name, ratio in ratios.items() if ratio is not None]
    return f"{large.variant} has {', '.join(parts)} of {student.variant}" if parts else ""


def _rivals(best: VariantResult, variants: Variants, cost: str) -> list[Comparison]:
    """The variants that cost no more and score higher per subject; p-values adjusted over those that cost no more."""
    own = best.typical_cost(cost)
    costs = {name: other.typical_cost(cost) for name, other in variants.items() if other is not best}
    cheaper = [name for name, price in costs.items() if own is not None and price is not None and price <= own]
    compared = adjusted(compare(variants[name], best, name, best.variant) for name in cheaper)
    return [c for c in compared if c.subject_difference is not None and c.subject_difference > 0]


def _is_on_front(rivals: list[Comparison]) -> Outcome:
    """Contradicted where a variant that costs no more is ahead beyond chance; undecided where one is ahead."""
    if not rivals:
        return Outcome(HOLDS)
    return Outcome(UNDECIDED if all(c.could_be_chance for c in rivals) else CONTRADICTED)


def _front_text(cost: str, rivals: list[Comparison]) -> str:
    names = [c.variant + (" could be chance" if c.could_be_chance else " beyond chance") for c in rivals]
    found = f" (what costs no more and scores higher: {', '.join(names)})" if names else ""
    return f"RAB-KD {'is not' if names else 'is'} on the Pareto front of F1 and {COSTS[cost]}{found}"


def especially_on_wisdm(results: Results, setting: Setting) -> Verdict | None:
    """Attention's gain on WISDM is above that on every other dataset of the preset and protocol; None elsewhere."""
    if setting.dataset != "wisdm":
        return None
    others = [other for other in results.settings() if other[1:] == setting[1:]]
    gains = {other.dataset: _difference(variant_results(results, other), "LM-Att", "LM") for other in others}
    own = gains.pop("wisdm")
    if own.estimate is None or not gains:
        reason = "needs LM-Att and LM on WISDM and another dataset, with the same preset and protocol"
        return Verdict(untested(reason))
    outcomes, texts = [], [f"wisdm: {own.text()}"]
    for name, other in gains.items():
        texts.append(f"{name}: {other.text()}")
        if other.estimate is None:
            outcomes.append(untested(other.note))
            continue
        more = own.estimate.minus(other.estimate)
        texts.append(f"wisdm − {name}: {points(more.mean)} points, 95 % interval {interval(more)}")
        outcomes.append(untested(own.note, other.note) if own.note or other.note else gain(more))
    return Verdict(all_of(outcomes), _sentences(*texts))


def judge(results: Results) -> list[tuple[str, str, Setting, Verdict]]:
    """Every claim in every setting: id, claim, setting, verdict."""
    variants = {setting: variant_results(results, setting) for setting in results.settings()}
    judged = [(name, claim, s, test(variants[s])) for name, claim, test in CLAIMS for s in variants]
    for setting in variants:
        if verdict := especially_on_wisdm(results, setting):
            judged.append(("attention-wisdm", "Attention helps especially on WISDM", setting, verdict))
    return judged


def takeaways_table(results: Results) -> TextTable:
    """The verdicts, for readers."""
    rows = [
        [Entry(claim), Entry(setting.title), Entry(str(verdict.outcome), bold=True), Entry(verdict.evidence)]
        for _, claim, setting, verdict in judge(results)
    ]
    notes = [
        f"Claims of doi {DOI}, in other words; the first row is their premise. Holds: the whole 95 % interval per test "
        "subject lies on the claimed side; contradicted: on the other side; undecided: neither, so these people and "
        f"seeds can't tell. Under {MIN_SUBJECTS} test subjects there is no verdict.",
        f"A gain of {CLAIMED_GAIN_PP:g} points holds if the interval is above 0 and the estimate at least "
        f"{CLAIMED_GAIN_PP:g}, and is contradicted if the whole interval is below {CLAIMED_GAIN_PP:g}. Minimal loss "
        f"holds if the whole interval of the loss is below {MINIMAL_LOSS_PP:g} points, our margin. A third is read as "
        f"at most {A_THIRD:g}. A claim of several parts holds if all do and is contradicted if one is.",
    ]
    if any(UNCONVERGED in verdict.evidence for *_, verdict in judge(results)):
        notes.append(f"{UNCONVERGED} some cells were still improving when their epochs ran out, see the test results.")
    return TextTable(
        "Published claims, each tested in every setting",
        ["claim", "setting", "verdict", "numbers"],
        "llll",
        rows,
        notes,
        results.made_by,
    )


def takeaways_csv(results: Results) -> str:
    """The verdicts as CSV."""
    return csv_text([
        {"id": name, "claim": claim, **setting.record, "verdict": verdict.outcome.state, "why": verdict.outcome.why,
         "evidence": verdict.evidence, **results.provenance}
        for name, claim, setting, verdict in judge(results)
    ])  # fmt: skip
