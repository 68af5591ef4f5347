"""What the grid found, in three sentences, and how far it is.

The first says which small model validation data choose and how good it is on test data, the second what became of the
published claims, or where none can be tested what differs from the baseline, the third what speaks against believing
it. Each number is one of the tables.
"""

from collections.abc import Callable, Iterator, Sequence

from analysis.formats import percent, points, span
from analysis.load import Results
from analysis.scores import absent_classes, variant_results
from analysis.statistics import MIN_SUBJECTS, Comparison, against_baseline, size
from analysis.student import Choice, main_relations, per_subject_texts, subject_text
from analysis.sweep import sentence, sweeps
from analysis.takeaways import judge
from analysis.verdicts import CONTRADICTED, HOLDS, UNDECIDED, UNTESTED
from har_ray.groups import Setting
from har_ray.text import counted

QUESTION = (
    "Which small model should go on the watch, and how well does it recognise what people do whom it has never seen?"
)
FEW_SETTINGS = 3
"""So many are named one by one."""
FEW_VARIANTS = 3
"""The same of variants."""


def summary(results: Results) -> list[str]:
    """The three sentences; one where the grid expects no cell."""
    if not results.cells:
        return ["The grid expects no cell yet."]
    return [_found(results), _claims(results), _doubts(results)]


def _found(results: Results) -> str:
    swept = sweeps(results)
    in_sweeps = {point.result.setting for sweep in swept for point in sweep.points}
    chosen = {setting: Choice.of(results, setting) for setting in results.settings() if setting not in in_sweeps}
    known = {setting: choice for setting, choice in chosen.items() if choice is not None}
    said = list(map(sentence, swept))
    if len(chosen) == len(known) == 1:
        said += [_alone(setting, choice) for setting, choice in known.items()]
    elif known:
        said += [_several(known, len(chosen))]
    elif chosen:
        said += ["No lightweight model has a completed seed yet."]
    return " ".join(said)


def _alone(setting: Setting, choice: Choice) -> str:
    chosen, against = choice.chosen, main_relations(choice)
    among = "the only small model" if len(choice.students) == 1 else (
        f"the best of {len(choice.students)} small models on validation data")  # fmt: skip
    text = (
        f"{_named(choice)}, {among}, has "
        f"{percent(chosen.mean(), chosen.sd())} % macro F1 {_tested_on(setting)}, {subject_text(chosen)}"
    )
    return text + (f"; per subject it is {against}." if against else ".")


def _named(choice: Choice) -> str:
    """`DS-CNN (3,487 params)`, or the name alone where these are not counted."""
    params = choice.chosen.cost("params")
    return choice.chosen.variant + (f" ({span(params)} params)" if params else "")


def _tested_on(setting: Setting) -> str:
    if setting.leaks:
        return "on windows of recordings that it was trained on"
    return f"on people it was {'' if setting.known_people else 'not '}trained on"


def _several(known: dict[Setting, Choice], count: int) -> str:
    """Setting by setting; of many how often each model is chosen."""
    if len(known) <= FEW_SETTINGS:
        each = (f"{setting.title}: {_named(choice)}, {subject_text(choice.chosen)}"
                for setting, choice in known.items())  # fmt: skip
        return f"Chosen on validation data, with test macro F1: {'; '.join(each)}."
    names = [choice.chosen.variant for choice in known.values()]
    times = ", ".join(f"{name} in {names.count(name)}" for name in dict.fromkeys(names))
    texts = [per_subject_texts(choice.chosen)[0] for choice in known.values()]
    low, high = min(texts, key=float), max(texts, key=float)
    return f"Of {count} settings validation data choose {times}; the test macro F1 per subject is {low} to {high} %."


def _claims(results: Results) -> str:
    """How many verdicts there are of each sort; in a single setting also which claims hold or are contradicted."""
    judged = judge(results)
    of = {state: [claim for _, claim, _, verdict in judged if verdict.outcome.state == state]
          for state in (HOLDS, CONTRADICTED, UNDECIDED, UNTESTED)}  # fmt: skip
    if len(of[UNTESTED]) == len(judged):
        return _against_baseline(results)
    settings = len(results.settings())
    where = "" if settings == 1 else f", each tested in {settings} settings"
    named = (HOLDS, CONTRADICTED) if settings == 1 else ()
    parts = [f"{len(claims)} {_is(state, len(claims))}" + (f" (“{'”, “'.join(claims)}”)" if state in named else "")
             for state, claims in of.items() if claims]  # fmt: skip
    return f"Of {len({name for name, *_ in judged})} published claims{where}: {', '.join(parts)}."


def _against_baseline(results: Results) -> str:
    """How many of the others are shown to differ from the baseline, and which; else how large a gain may be."""
    compared = [c for setting in results.settings() for c in against_baseline(results, setting)]
    known = [c for c in compared if c.subject_difference is not None]
    if not known:
        return f"Nothing can be compared with {results.baseline} yet."
    settings = len(results.settings())
    lead = f"Of {counted(len(known), 'variant')} compared with {results.baseline}" + (
        f" in {settings} settings" if settings > 1 else "")  # fmt: skip
    clear = [c for c in known if not c.could_be_chance]
    better = [c for c in clear if (c.subject_difference or 0.0) > 0]
    worse = [c for c in clear if c not in better]
    if parts := [_shown(those, word) for those, word in ((better, "better"), (worse, "worse")) if those]:
        rest = "; the other differences could be chance" if len(clear) < len(known) else ""
        return f"{lead} {' and '.join(parts)}{rest}."
    least, most = (of(c.subject_difference or 0.0 for c in known) for of in (min, max))
    missed = [c.estimate.detectable for c in known if c.estimate is not None]
    text = (
        f"{lead} none shows a difference beyond chance: per subject they are {points(least)} to {points(most)} points"
    )
    return text + (f", and a difference of up to {size(max(missed))} could have been missed." if missed else ".")


def _shown(those: Sequence[Comparison], word: str) -> str:
    """`2 are shown to be better (DS-CNN+KD +3.1, RB-KD +2.0 points per subject)`, the largest difference first."""
    first = sorted(those, key=lambda c: -abs(c.subject_difference or 0.0))[:FEW_VARIANTS]
    named = ", ".join(f"{c.variant} {points(c.subject_difference or 0.0)}" for c in first)
    led = "the clearest " if len(those) > FEW_VARIANTS else ""
    return f"{len(those)} {'is' if len(those) == 1 else 'are'} shown to be {word} ({led}{named} points per subject)"


def _is(state: str, count: int) -> str:
    if state == HOLDS:
        return HOLDS if count == 1 else "hold"
    return f"{'is' if count == 1 else 'are'} {state}"


def _doubts(results: Results) -> str:
    doubts = list(_reasons(results))
    if doubts:
        return f"What speaks against believing it: {'; '.join(doubts)}."
    return "Nothing known speaks against believing it: all cells of the tables are completed, on several seeds."


def _reasons(results: Results) -> Iterator[str]:
    settings = results.settings()

    def where(is_so: Callable[[Setting], bool]) -> str | None:
        """In which settings something is so: nothing to add where in all, None where in none."""
        count = sum(map(is_so, settings))
        return None if not count else "" if count == len(settings) else f" (in {count} of {len(settings)} settings)"

    for text, is_so in (
        ("windows of one recording are in training and test, which leaks", lambda s: s.leaks),
        ("the test people have trained too", lambda s: s.known_people and not s.leaks),
        ("validation windows are the training people's", lambda s: s.known_validation),
        (f"there are fewer than {MIN_SUBJECTS} test subjects", lambda s: _is_small(results, s)),
    ):
        if (found := where(is_so)) is not None:
            yield text + found
    if len({cell.key.seed for cell in results.cells}) == 1:
        yield "there is one seed, and another may give something else"
    yield from _cells(results)
    absent = dict.fromkeys(name for setting in settings for name in absent_classes(results, setting))
    if absent:
        yield f"no test window of {', '.join(absent)}" + (where(lambda s: bool(absent_classes(results, s))) or "")


def _is_small(results: Results, setting: Setting) -> bool:
    """Whether too few people have tested a variant for a verdict."""
    counts = [len(result.subjects()) for result in variant_results(results, setting).values() if result.complete]
    return bool(counts) and max(counts) < MIN_SUBJECTS


def _cells(results: Results) -> Iterator[str]:
    """Cells that have no score, and such whose training was cut off."""
    total, ended = len(results.cells), results.count("completed")
    if ended < total:
        yield f"{total - ended} of {counted(total, 'cell')} of the tables {_what(results)}"
    completed = [cell for cell in results.cells if cell.state == "completed"]
    cut = sum(cell.row.get("converged") is False for cell in completed)
    if cut:
        were = "was" if cut == 1 else "were"
        yield f"{cut} of {counted(len(completed), 'completed cell')} {were} still improving when the epochs ran out"


def _what(results: Results) -> str:
    return " or ".join(state for state in ("failed", "stopped", "missing") if results.count(state))


def standing(results: Results) -> str:
    """How far the grid is; empty when every expected cell is completed."""
    total, completed = len(results.cells), results.count("completed")
    if completed == total:
        return ""
    others = [f"{count} {state}" for state in ("failed", "stopped", "missing") if (count := results.count(state))]
    lead = "This grid has ended" if results.info.get("finished_at") else "This grid has not ended yet"
    return f"{lead}: {completed} of {total} cells of the tables are completed, {', '.join(others)}."


def progress(results: Results) -> str:
    """What a grid that still runs has done of each stage, so far as cells are planned."""
    stages = ", ".join(f"{stage} {ended:,} of {planned:,}" for stage, (ended, planned) in results.stages.items())
    return "" if results.ended or not stages else f"Cells that have ended, of those planned so far: {stages}."
