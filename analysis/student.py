"""The student to put on the watch: chosen by validation score, then looked at on test data.

The test score of a student that was chosen by test score is too good: the best of several is best partly by luck. So
the validation score alone chooses. What is compared with the chosen one is compared in one go, so that the p-values are
adjusted over all of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from analysis.formats import Entry, TextTable, csv_text, percent, points
from analysis.load import Results
from analysis.scores import VariantResult, by_validation, unconverged, variant_results
from analysis.statistics import EXPLAINED, Comparison, adjusted, compare, p_text, sampled, size, tested
from har_ray.groups import Setting
from har_ray.text import counted

CHOSEN = "†"
"""Marks the chosen student in tables."""
NAMED = 3
"""So many models are named one by one in a sentence; the table has all."""


@dataclass(frozen=True)
class Choice:
    """A setting's small models, the best validation score first: the first one is chosen.

    Attributes:
        large: models of the size of OM or MM with a completed seed, for comparison.
        compared: the chosen one minus each of the others, small and large, by the other's name.
        baseline: what all variants of the grid are compared with.
    """

    students: list[VariantResult]
    large: list[VariantResult]
    compared: dict[str, Comparison]
    baseline: str

    @classmethod
    def of(cls, results: Results, setting: Setting) -> "Choice | None":
        """None where no small model has a completed seed."""
        variants = variant_results(results, setting)
        students = by_validation(result for result in variants.values() if not result.traits.large)
        if not students:
            return None
        large = [result for result in variants.values() if result.traits.large and result.seeds]
        chosen, *others = [*students, *large]
        compared = adjusted(compare(chosen, other, chosen.variant, other.variant) for other in others)
        return cls(students, large, {c.baseline: c for c in compared}, results.baseline)

    @property
    def chosen(self) -> VariantResult:
        return self.students[0]


def student_table(results: Results, setting: Setting) -> TextTable:
    """The small models in the order of their validation scores, then the large ones; the chosen one minus each."""
    choice = Choice.of(results, setting)
    columns = ["variant", results.title_of(results.monitor), "test F1 macro (%)", "per subject (%)", "95 % interval",
               "chosen − this", "95 % interval", "detectable", "p (Holm)"]  # fmt: skip
    rows = [] if choice is None else [_row(choice, result) for result in (*choice.students, *choice.large)]
    title = f"The student to put on the watch: {setting.title}"
    align = "l" + "r" * (len(columns) - 1)
    return TextTable(title, columns, align, rows, [] if choice is None else _notes(setting, choice), results.made_by)


def _row(choice: Choice, result: VariantResult) -> list[Entry]:
    compared = choice.compared.get(result.variant)
    texts = [percent(result.validation), percent(result.mean(), result.sd())]
    texts += per_subject_texts(result)
    if compared is None or compared.subject_difference is None:
        texts += ["–"] * 4
    else:
        texts += [points(compared.subject_difference), *tested(compared), p_text(compared)]
    return [Entry(result.variant, mark=CHOSEN * (result is choice.chosen) + result.doubt), *map(Entry, texts)]


def per_subject_texts(result: VariantResult) -> tuple[str, str]:
    """The mean score per subject and its interval, in percent."""
    found = result.subject_interval()
    interval = "–" if found is None else f"{100 * found[0]:.1f} to {100 * found[1]:.1f}"
    return f"{100 * result.subject_mean():.1f}", interval


def _notes(setting: Setting, choice: Choice) -> list[str]:
    notes = [
        f"{CHOSEN} chosen: the best mean validation score of the small models, whatever they score on test data; the "
        "large models stand below for comparison. Per subject: the mean of the test subjects' own macro F1. Chosen − "
        f"this: difference per subject, points. {EXPLAINED}"
    ]
    if tests := sum(c.p_value is not None for c in choice.compared.values()):
        notes.append(f"p: t test, adjusted by Holm over the {counted(tests, 'comparison')} of this table.")
    notes += sampled(setting, choice.compared)
    return [*notes, text] if (text := unconverged((*choice.students, *choice.large))) else notes


def sentences(results: Results, setting: Setting) -> str:
    """Which student was chosen, what it scores on test data, and what of that could be chance."""
    choice = Choice.of(results, setting)
    if choice is None:
        return f"{setting.title}: no lightweight model has a completed seed yet."
    return f"{setting.title}: " + " ".join([_chosen(choice), _tested(choice.chosen), *_relations(choice)])


def _chosen(choice: Choice) -> str:
    chosen, count = choice.chosen, len(choice.students)
    score = f"{100 * (chosen.validation or 0.0):.1f} %"
    if count == 1:
        return f"{chosen.variant} is the only small model with a completed seed (validation: {score})."
    helped = any(result.traits.boosted for result in choice.students)
    nothing = "; nothing that was added to it did better" if chosen.variant == choice.baseline and helped else ""
    return f"{chosen.variant} has the best validation score of the {count} small models ({score}){nothing}."


def _tested(chosen: VariantResult) -> str:
    text = f"On test data it has {percent(chosen.mean(), chosen.sd())} % macro F1 (seeds: {chosen.standing()})"
    return f"{text}, {subject_text(chosen)}."


def subject_text(result: VariantResult) -> str:
    """`68.3 % per subject (95 % interval 59.7 to 76.9)`."""
    mean, interval = per_subject_texts(result)
    return f"{mean} % per subject" + ("" if interval == "–" else f" (95 % interval {interval})")


def _relations(choice: Choice) -> list[str]:
    """How it stands to the baseline, MM and OM, and which of the other small ones may be as good."""
    main = main_relations(choice)
    found = [f"Per subject it is {main}."] if main else []
    others = [choice.compared[result.variant] for result in choice.students[1:] if result.variant != choice.baseline]
    if chance := [c for c in others if c.could_be_chance]:
        found.append(_perhaps_chance(chance))
    if clear := [c for c in others if not c.could_be_chance]:
        found.append(_beyond_chance(clear))
    return [*found, text] if (text := _unconverged((*choice.students, *choice.large))) else found


def _perhaps_chance(others: Sequence[Comparison]) -> str:
    if len(others) <= NAMED:
        return f"Its difference from {', '.join(c.baseline for c in others)} could be chance."
    nearest = ", ".join(c.baseline for c in _nearest(others))
    return f"Its difference from {len(others)} others could be chance, nearest {nearest}."


def _beyond_chance(others: Sequence[Comparison]) -> str:
    if len(others) <= NAMED:
        return f"Beyond chance it is {', '.join(map(_relation, others))}."
    return f"Beyond chance it differs from {len(others)} others, nearest {', '.join(map(_relation, _nearest(others)))}."


def _nearest(others: Sequence[Comparison]) -> list[Comparison]:
    return sorted(others, key=lambda c: abs(c.subject_difference or 0.0))[:NAMED]


def _unconverged(results: Sequence[VariantResult]) -> str:
    """Which variants were still improving; of many how many cells."""
    those = [result for result in results if result.still_improving]
    if len(those) <= NAMED:
        return unconverged(those)
    improving, cells = (
        sum(counts) for counts in zip(*((r.still_improving, len(r.completed)) for r in those), strict=True)
    )
    return f"Of {len(those)} models {improving} of {cells:,} cells were still improving when their epochs ran out."


def main_relations(choice: Choice) -> str:
    """`8.3 points above LM (could be chance), …`, also MM and OM; empty where there is none of them."""
    names = (choice.baseline, "MM", "OM")
    return ", ".join(_relation(choice.compared[name]) for name in names if name in choice.compared)


def _relation(c: Comparison) -> str:
    if c.subject_difference is None:
        return f"not comparable with {c.baseline} ({c.note})"
    gap, chance = size(c.subject_difference), " (could be chance)" if c.could_be_chance else ""
    where = "above" if c.subject_difference > 0 else "below"
    return (f"level with {c.baseline}" if gap == "0.0" else f"{gap} points {where} {c.baseline}") + chance


def student_csv(results: Results) -> str:
    """The tables of the students as one CSV: raw numbers, scores and differences as fractions."""
    choices = [(setting, choice) for setting in results.settings() if (choice := Choice.of(results, setting))]
    return csv_text([
        {**setting.record, **_record(choice, result), **results.provenance}
        for setting, choice in choices for result in (*choice.students, *choice.large)
    ])  # fmt: skip


def _record(choice: Choice, result: VariantResult) -> dict[str, Any]:
    (low, high), compared = result.subject_interval() or (None, None), choice.compared.get(result.variant)
    found = None if compared is None else compared.estimate
    record = {"variant": result.variant, "is_chosen": result is choice.chosen, "validation": result.validation}
    record |= {"test_f1_macro": result.mean(), "subject_f1": result.subject_mean()}
    record |= {"subject_low": low, "subject_high": high}
    record["chosen_minus_this"] = getattr(compared, "subject_difference", None)
    record |= {name: getattr(found, name, None) for name in ("low", "high", "detectable")}
    record |= {name: getattr(compared, name, None) for name in ("p_value", "p_holm", "note")}
    return record | {"unconverged": result.unconverged()}
