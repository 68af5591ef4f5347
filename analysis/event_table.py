"""What a user of the watch sees: events that are missed, broken up, made up and recognised late; a table and a file."""

from collections.abc import Iterator
from statistics import mean

from analysis.events import VOTES, EventScores
from analysis.formats import Entry, TextTable, csv_text
from analysis.load import Results
from analysis.scores import VariantResult, variant_results
from har_ray.groups import Setting
from har_ray.text import counted

SOURCE = "Ward et al. 2011, doi:10.1145/1889681.1889687"


def event_table(results: Results, setting: Setting) -> TextTable | None:
    """Each variant as it is and smoothed, means over seeds; None where no seed is complete."""
    variants = [result for result in variant_results(results, setting).values() if result.complete]
    if not variants:
        return None
    columns = ["variant", "votes", "correct (%)", "deletion / fragmentation / underfill (%)",
               "insertion / merge / overfill (%)", "missed (%)", "breaks per event", "made up per event",
               "late: mean / 90th percentile (windows)"]  # fmt: skip
    rows = [] if setting.leaks else [
        [Entry(result.variant), Entry(str(votes)), *map(Entry, _texts(record))]
        for result in variants for votes, record in event_means(result).items()
    ]  # fmt: skip
    align = "l" + "r" * (len(columns) - 1)
    notes = _notes(results, setting, variants)
    return TextTable(f"Events: {setting.title}", columns, align, rows, notes, results.made_by)


def event_means(result: VariantResult) -> dict[int, dict[str, float | None]]:
    """The fields of `EventScores` by how many labels vote, means over the complete seeds that know them."""
    found = {}
    for votes in VOTES:
        seeds = [seed.events[votes] for seed in result.complete.values() if votes in seed.events]
        if seeds:
            found[votes] = {name: _mean(seeds, name) for name in EventScores._fields}
    return found


def _mean(seeds: list[EventScores], name: str) -> float | None:
    values = [value for seed in seeds if (value := getattr(seed, name)) is not None]
    return mean(values) if values else None


def _texts(of: dict[str, float | None]) -> Iterator[str]:
    yield _percent(of["correct"])
    for names in (("deletion", "fragmentation", "underfill"), ("insertion", "merge", "overfill")):
        yield " / ".join(_percent(of[name]) for name in names)
    yield _percent(of["missed"])
    yield from (f"{of[name]:.2f}" for name in ("breaks", "insertions"))
    yield "–" if of["late"] is None else f"{of['late']:.1f} / {of['late_90']:.1f}"


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f}"


def _notes(results: Results, setting: Setting, variants: list[VariantResult]) -> list[str]:
    if setting.leaks:
        return ["No test recording is whole: its other windows are in training. So there are no events to look at."]
    return [
        "A user sees events, not windows: what became of each stretch of one activity in the test recordings "
        f"({SOURCE}){_count(variants)}. Votes: the majority of so many of the latest labels is said; {VOTES[-1]} was "
        "fixed beforehand, not chosen on these windows.",
        "In percent of all windows. Those not recognised, from the true class: deletion (of a whole event), "
        "fragmentation (within one), underfill (at its ends); the same windows from the class that was said: insertion "
        "(of an event), merge (of two), overfill (at the ends of one).",
        "Missed: events never recognised. Late: how many windows after its first one an event was recognised."
        f"{_steps(results, setting)} What is said while an activity changes counts only where windows hold changes.",
    ]


def _count(variants: list[VariantResult]) -> str:
    """How many events there are, as every seed has the same test windows."""
    counts = {seed.events[1].events for result in variants for seed in result.complete.values() if seed.events}
    return f", {counted(counts.pop(), 'event')}" if len(counts) == 1 else ""


def _steps(results: Results, setting: Setting) -> str:
    """How long a window and a step are, as far as the results say it."""
    cut, stride_s = results.cut(setting), results.data(setting).get("stride_s")
    if cut is None or stride_s is None:
        return ""
    return f" A window takes {cut[1]:g} s, and another begins every {stride_s:g} s."


def events_csv(results: Results) -> str:
    """The tables of events as one CSV: raw numbers, shares as fractions, a row for each setting, variant and vote."""
    return csv_text([
        {**setting.record, "variant": result.variant, "votes": votes, **record, "seeds": len(result.seeds),
         **results.provenance}
        for setting in results.settings() if not setting.leaks
        for result in variant_results(results, setting).values() for votes, record in event_means(result).items()
    ])  # fmt: skip
