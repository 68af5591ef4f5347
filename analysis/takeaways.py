"""What the reproduced study claims, each claim tested on the grid's own rows.

Source of the claims: see `analysis.published`; here in own words. A difference counts only if it is positive and
the 95 % interval over test subjects excludes 0. Where a claim is about "the best student", the student is chosen by
its validation score: the best of several test scores is best partly by luck.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from analysis.formats import Entry, TextTable, csv_text, points
from analysis.load import Results
from analysis.published import DOI
from analysis.scores import COSTS, VariantResult, variant_results
from analysis.statistics import MIN_SUBJECTS, Comparison, absence, compare
from har_ray.groups import Setting

HOLDS, FAILS = "holds", "does not hold"

CLAIMED_GAIN_PP = 4.0
"""The lower end of the 4 to 6 points that distillation alone is said to gain."""
CLAIMED_RATIO = 10
"""How many times fewer FLOPs than OM."""
MINIMAL_LOSS_PP = 2.0
"""Our reading of "minimal loss"; the study gives no number."""
A_THIRD = 0.4
"""Our reading of "a third to a quarter" of MM's cost: the study's own LM has 0.38 of MM's parameters on Opportunity."""

SIMPLER = ("LM-Att", "RB-KD", "RB-KD-Att")
"""What RAB-KD is said to be ahead of."""

Variants = Mapping[str, VariantResult]


@dataclass(frozen=True)
class Verdict:
    """One claim in one setting: `holds`, `does not hold` or `not tested (why)`, and the numbers."""

    verdict: str
    evidence: str


def untested(why: str, evidence: str = "") -> Verdict:
    return Verdict(f"not tested ({why})", evidence)


def _difference(variants: Variants, a: str, b: str) -> Comparison:
    return compare(variants.get(a), variants.get(b), a, b)


def _all_above(comparisons: list[Comparison], also: bool = True, evidence: str = "") -> Verdict:
    """Holds if every comparison is above 0 and `also` is true; one that is not settles it, whatever is absent."""
    text = ". ".join([c.text() for c in comparisons] + ([evidence] if evidence else [])) + "."
    testable = [c for c in comparisons if c.low is not None]
    if not all(c.is_above for c in testable) or (testable and not also):
        return Verdict(FAILS, text)
    if len(testable) < len(comparisons):
        return untested("; ".join(dict.fromkeys(c.note for c in comparisons if c.low is None)), text)
    return Verdict(HOLDS, text)


def teacher_is_better(variants: Variants) -> Verdict:
    """The premise of distillation: the original model scores above the lightweight one."""
    teacher, student = variants.get("OM"), variants.get("LM")
    large, small = (result.mean() if result else None for result in (teacher, student))
    if large is None or small is None:
        reasons = (absence("OM", teacher), absence("LM", student))
        return untested("; ".join(filter(None, reasons)))
    evidence = f"Mean macro F1: OM {100 * large:.1f} %, LM {100 * small:.1f} % ({points(large - small)} points)."
    return Verdict(HOLDS if large > small else FAILS, evidence)


def distillation_gains(variants: Variants) -> Verdict:
    """RB-KD minus LM is at least the claimed gain, and above 0 beyond chance."""
    gain = _difference(variants, "RB-KD", "LM")
    enough = gain.difference is not None and round(100 * gain.difference, 1) >= CLAIMED_GAIN_PP
    return _all_above([gain], enough)


def attention_gains(variants: Variants) -> Verdict:
    """Attention helps, both without a teacher and on top of distillation."""
    return _all_above([_difference(variants, "LM-Att", "LM"), _difference(variants, "RB-KD-Att", "RB-KD")])


def students_are_efficient(variants: Variants) -> Verdict:
    """The distilled student costs a tenth of OM by both counts and loses little."""
    distilled = [v for v in variants.values() if v.traits.taught and not v.traits.large]
    student, large = chosen_by_validation(distilled), variants.get("OM")
    if student is None:
        return untested("no distilled student has a completed seed")
    if large is None or not large.seeds:
        return untested(absence("OM", large))
    loss = _difference(variants, "OM", student.variant)
    ratios = [_ratio(large, student, cost) for cost in ("flops_published", "macs")]
    if loss.difference is None or None in ratios:
        return untested(loss.note or "a cost is missing")
    parts = [f"{student.variant} (chosen on validation data)", loss.text(), _cost_text(large, student)]
    if (moderate := variants.get("MM")) and moderate.seeds:
        parts += [_difference(variants, "MM", student.variant).text(), _cost_text(moderate, student)]
    is_cheap = all(ratio is not None and ratio >= CLAIMED_RATIO for ratio in ratios)
    is_close = round(100 * loss.difference, 1) <= MINIMAL_LOSS_PP
    return Verdict(HOLDS if is_cheap and is_close else FAILS, ". ".join(parts) + ".")


def both_is_best(variants: Variants) -> Verdict:
    """RAB-KD is ahead of every simpler boost, and no variant is both cheaper and better."""
    ahead = [_difference(variants, "RAB-KD", other) for other in SIMPLER]
    best = variants.get("RAB-KD")
    if best is None or not best.seeds:
        return untested(absence("RAB-KD", best))
    beaten = {name: _dominating(best, variants, cost) for cost, name in COSTS.items() if cost != "params"}
    front = [
        f"RAB-KD {'is' if not names else 'is not'} on the Pareto front of F1 and {cost}"
        + (f" ({', '.join(names)} cost no more and score higher)" if names else "")
        for cost, names in beaten.items()
    ]
    return _all_above(ahead, not any(beaten.values()), ". ".join(front))


def student_beats_moderate(variants: Variants) -> Verdict:
    """The best boosted student is above MM at about a third of its cost."""
    student, moderate = chosen_by_validation([v for v in variants.values() if v.traits.boosted]), variants.get("MM")
    if student is None:
        return untested("no boosted student has a completed seed")
    if moderate is None or not moderate.seeds:
        return untested(absence("MM", moderate))
    ratios = [_ratio(student, moderate, cost) for cost in ("flops_published", "params")]
    if None in ratios:
        return untested("a cost is missing")
    is_small = all(ratio is not None and ratio <= A_THIRD for ratio in ratios)
    evidence = f"{student.variant} was chosen on validation data. {_cost_text(moderate, student)}"
    return _all_above([_difference(variants, student.variant, "MM")], is_small, evidence)


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


def chosen_by_validation(students: Iterable[VariantResult]) -> VariantResult | None:
    """The one with the best mean validation score."""
    scored = [(score, student) for student in students if (score := student.validation()) is not None]
    return max(scored, key=lambda pair: pair[0])[1] if scored else None


def _ratio(a: VariantResult, b: VariantResult, cost: str) -> float | None:
    over, under = a.typical_cost(cost), b.typical_cost(cost)
    return over / under if over is not None and under else None


def _cost_text(large: VariantResult, student: VariantResult) -> str:
    ratios = {name: _ratio(large, student, cost) for cost, name in COSTS.items()}
    parts = [f"{'unknown' if ratio is None else f'{ratio:.1f}'} × the {name}" for name, ratio in ratios.items()]
    return f"{large.variant} has {', '.join(parts)} of {student.variant}"


def _dominating(best: VariantResult, variants: Variants, cost: str) -> list[str]:
    """The variants that cost no more and score higher."""
    own_cost, own_score = best.typical_cost(cost), best.mean()
    if own_cost is None or own_score is None:
        return []
    found = []
    for name, other in variants.items():
        other_cost, score = other.typical_cost(cost), other.mean()
        if other_cost is not None and score is not None and other_cost <= own_cost and score > own_score:
            found.append(name)
    return found


def especially_on_wisdm(results: Results, setting: Setting) -> Verdict | None:
    """Attention's gain on WISDM is above that on every other dataset of the preset and protocol; None elsewhere."""
    if setting.dataset != "wisdm":
        return None
    gains: dict[str, float] = {}
    for other in results.settings():
        if other[1:] == setting[1:]:
            gain = _difference(variant_results(results, other), "LM-Att", "LM").difference
            gains |= {} if gain is None else {other.dataset: gain}
    if "wisdm" not in gains or len(gains) < 2:
        return untested("needs LM-Att and LM on WISDM and another dataset, with the same preset and protocol")
    evidence = "LM-Att − LM: " + ", ".join(f"{name} {points(gain)}" for name, gain in gains.items()) + " points."
    largest = max(gain for name, gain in gains.items() if name != "wisdm")
    return Verdict(HOLDS if gains["wisdm"] > largest else FAILS, evidence)


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
        [Entry(claim), Entry(setting.title), Entry(verdict.verdict, bold=True), Entry(verdict.evidence)]
        for _, claim, setting, verdict in judge(results)
    ]
    notes = [
        f"Claims of doi {DOI}, in other words; the first row is their premise. A difference counts if it is positive "
        "and its 95 % interval over test subjects excludes 0; with fewer than "
        f"{MIN_SUBJECTS} subjects such an interval is itself rough.",
        f'"Minimal loss" is read as at most {MINIMAL_LOSS_PP:g} points, "a third" as at most {A_THIRD:g}.',
    ]
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
        {"id": name, "claim": claim, **setting._asdict(), "leaks": setting.leaks, **vars(verdict), **results.provenance}
        for name, claim, setting, verdict in judge(results)
    ])  # fmt: skip
