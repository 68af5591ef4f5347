"""What changed between two grids, where both have tested the same variant in the same setting.

A difference of scores is taken as everywhere, per test subject and seed by seed (`analysis.statistics`), and only where
both have tested the same windows of the same people. A cell that is in both was computed from the same things, so that
its results must be equal; a variant whose cells are all in both has not changed and is not tested.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

from analysis.formats import Entry, TextTable, csv_text, percent, plain, points, span
from analysis.load import Results
from analysis.recipe import differences, hyper_parameters, recipe
from analysis.scores import COSTS, VariantResult, unconverged_of, variant_results
from analysis.statistics import EXPLAINED, Comparison, adjusted, compare, interval, p_text, sampled, tested
from har_ray.errors import HarRayError
from har_ray.groups import Setting
from har_ray.store.results import ResultStore, Row
from har_ray.text import counted

SAME = "the very same cells"
DETERMINED = ("val_", "test_", "attention_", "epochs", "best_epoch", "converged", "params", "macs", "flops", "bytes")
"""How the columns of a row begin that follow from its cell: not where, when and how fast it was trained."""


@dataclass(frozen=True, eq=False)
class Grid:
    """A grid with a name that tells it from the others."""

    name: str
    results: Results

    @cached_property
    def chosen(self) -> dict[str, Row]:
        return hyper_parameters(self.results)


class Change(NamedTuple):
    """A variant in two grids.

    Attributes:
        shared: how many completed cells are in both.
        unequal: the ids of those with other results here than there.
        recipe: what differs in how it is made: dotted name → before, after.
    """

    setting: Setting
    before: VariantResult
    after: VariantResult
    compared: Comparison
    shared: int
    unequal: list[str]
    recipe: dict[str, tuple[str, str]]

    @property
    def variant(self) -> str:
        return self.after.variant

    @property
    def is_same(self) -> bool:
        return self.compared.note == SAME

    @property
    def both(self) -> bool:
        """Whether there is a completed cell on both sides."""
        return bool(self.before.completed and self.after.completed)


def named(loaded: Sequence[Results]) -> list[Grid]:
    """The grids under their names, those of one name numbered.

    Raises:
        HarRayError: one of them is there twice.
    """
    places = [ResultStore(results.path).root for results in loaded]
    paths = [str(place.local or place.uri.rstrip("/")) for place in places]
    if twice := {path for path in paths if paths.count(path) > 1}:
        raise HarRayError(f"{min(twice)}: given twice; a grid is compared with another one")
    names = [results.name for results in loaded]
    shown = [f"{name} ({n})" if names.count(name) > 1 else name for n, name in enumerate(names, 1)]
    return [Grid(name, results) for name, results in zip(shown, loaded, strict=True)]


@lru_cache(maxsize=64)
def changes(before: Grid, after: Grid) -> list[Change]:
    """Every variant of every setting that is in both, in the order of the first; p-values adjusted over all of them."""
    found = [
        _change(before, after, setting, old, new)
        for setting in _shared_settings(before, after)
        for name, old in variant_results(before.results, setting).items()
        if (new := variant_results(after.results, setting).get(name)) is not None
    ]
    compared = adjusted(change.compared for change in found)
    return [change._replace(compared=one) for change, one in zip(found, compared, strict=True)]


def _shared_settings(before: Grid, after: Grid) -> list[Setting]:
    return [setting for setting in before.results.settings() if setting in after.results.settings()]


def _change(before: Grid, after: Grid, setting: Setting, old: VariantResult, new: VariantResult) -> Change:
    rows, others = ({cell.row["cell_id"]: cell.row for cell in result.completed} for result in (old, new))
    shared = [cell_id for cell_id in rows if cell_id in others]
    unequal = [cell_id for cell_id in shared if not _equal(rows[cell_id], others[cell_id])]
    recipes = [recipe(grid.results, result, grid.chosen) for grid, result in ((before, old), (after, new))]
    here, there = (f"{result.variant} ({grid.name})" for grid, result in ((after, new), (before, old)))
    if reason := _why_not(before, after, old, new):
        compared = Comparison(here, there, 0, 0, note=reason)
    elif rows.keys() == others.keys() and rows and not unequal:
        compared = replace(compare(new, old, here, there), estimate=None, p_value=None, effect=None, note=SAME)
    else:
        compared = compare(new, old, here, there)
    unconverged = [f"{grid.name}: {setting.title}: {text}" for grid, result in ((before, old), (after, new))
                   if (text := result.unconverged())]  # fmt: skip
    compared = replace(compared, unconverged=tuple(unconverged))
    return Change(setting, old, new, compared, len(shared), unequal, differences(*recipes))


def _equal(row: Row, other: Row) -> bool:
    """Whether two rows agree in all that follows from the cell and that both know."""
    known = [name for name in row if name.startswith(DETERMINED)]
    return all(row[name] == other[name] for name in known if None not in (row[name], other.get(name)))


def _why_not(before: Grid, after: Grid, old: VariantResult, new: VariantResult) -> str:
    """Why two results can't be compared; empty where they can, or where one has no score."""
    if not old.complete or not new.complete:
        return ""
    ids = [grid.results.data(old.setting).get("windows_id") for grid in (before, after)]
    if None not in ids and ids[0] != ids[1]:
        return f"other windows ({ids[0]} in {before.name}, {ids[1]} in {after.name})"
    people = [set(result.subjects()) for result in (old, new)]
    if people[0] != people[1]:
        alone = ((before, people[0] - people[1]), (after, people[1] - people[0]))
        only = [f"{', '.join(sorted(names))} only in {grid.name}" for grid, names in alone if names]
        return f"other test subjects ({'; '.join(only)})"
    windows = [result.confusions()[0].sum(axis=1).tolist() for result in (old, new)]
    if windows[0] != windows[1]:
        return f"other test windows ({sum(windows[0]):,} in {before.name}, {sum(windows[1]):,} in {after.name})"
    return ""


def sentences(before: Grid, after: Grid) -> str:
    """What changed, and what of that could be chance."""
    found = changes(before, after)
    lead = f"{after.name} against {before.name}:"
    if not found:
        return f"{lead} no variant was tested in both in the same setting (dataset, preset and protocol)."
    settings = {change.setting for change in found}
    what = f"{counted(len(found), 'variant')} of {counted(len(settings), 'setting')} in both"
    groups: dict[str, dict[Setting, list[str]]] = {}
    for change in found:
        said, by = _outcome(change.compared)
        groups.setdefault(said, {}).setdefault(change.setting, []).append(change.variant + by)
    parts = [f"{said}: {_listed(names, len(settings) > 1)}." for said, names in groups.items()]
    return " ".join([lead, f"{what}.", *parts])


def _listed(names: Mapping[Setting, Sequence[str]], several: bool) -> str:
    return "; ".join((f"{setting.title}: " if several else "") + ", ".join(own) for setting, own in names.items())


def _outcome(c: Comparison) -> tuple[str, str]:
    """In words; of a difference beyond chance, how large it is."""
    if c.note:
        return (SAME[0].upper() + SAME[1:], "") if c.note == SAME else ("Not tested", "")
    if c.could_be_chance or c.estimate is None:
        return "Could be chance", ""
    return "Beyond chance", f" {points(c.estimate.mean)} points per subject ({interval(c.estimate)})"


def _title(change: Change, settings: int) -> str:
    return change.variant if settings == 1 else f"{change.variant} ({change.setting.title})"


def changes_table(before: Grid, after: Grid) -> TextTable:
    """What changed, for readers."""
    found = changes(before, after)
    settings = {change.setting for change in found}
    columns = ["variant", f"{before.name}: F1 macro (%)", f"{after.name}: F1 macro (%)", "Δ per subject",
               "95 % interval", "detectable", "p (Holm)", "seeds", "subjects", "cells in both", "cost",
               "recipe"]  # fmt: skip
    made_by = f"{before.name}: {before.results.made_by} | {after.name}: {after.results.made_by}"
    title, align = f"What changed: {after.name} against {before.name}", "lrrrrrrrrrll"
    rows, notes = list(map(_row, found)), list(_notes(before, after, found))
    if len(settings) == 1:
        return TextTable(f"{title}: {found[0].setting.title}", columns, align, rows, notes, made_by)
    rows = [[Entry(change.setting.title), *row] for change, row in zip(found, rows, strict=True)]
    return TextTable(title, ["setting", *columns], f"l{align}", rows, notes, made_by)


def _row(change: Change) -> list[Entry]:
    c = change.compared
    return plain(
        change.variant,
        *(percent(result.mean(), result.sd()) for result in (change.before, change.after)),
        "–" if c.subject_difference is None else points(c.subject_difference),
        *tested(c),
        p_text(c),
        *((str(c.seeds), str(c.subjects)) if c.seeds else ("–", "–")),
        _cells(change),
        *(_arrows(pairs) if change.both else "–" for pairs in (_costs(change), change.recipe)),
    )


def _cells(change: Change) -> str:
    equal = f"{len(change.unequal)} not equal" if change.unequal else "identical"
    return f"{change.shared} of {len(change.after.completed)}" + (f", {equal}" if change.shared else "")


def _costs(change: Change) -> dict[str, tuple[str, str]]:
    """The costs that differ, of those that both know."""
    spans = {title: (change.before.cost(cost), change.after.cost(cost)) for cost, title in COSTS.items()}
    return {title: (span(old), span(new)) for title, (old, new) in spans.items() if old and new and old != new}


def _arrows(pairs: Mapping[str, tuple[str, str]]) -> str:
    """`params 1,963 → 3,487; MACs 21,456 → 46,080`"""
    different = [f"{name} {old} → {new}" for name, (old, new) in pairs.items()]
    return "; ".join(different) or "same"


def _notes(before: Grid, after: Grid, found: list[Change]) -> Iterator[str]:
    yield from (f"{grid.name}: {grid.results.path}." for grid in (before, after) if grid.name != grid.results.name)
    if found:
        yield from _explained(before, after, found)
    for one, other in ((before, after), (after, before)):
        if alone := list(_alone(one, other)):
            yield f"Only in {one.name}: {'; '.join(alone)}."


def _explained(before: Grid, after: Grid, found: list[Change]) -> Iterator[str]:
    yield (
        f"Δ per subject: {after.name} minus {before.name}, points of the test subjects' own macro F1, seed by seed, in "
        f"the mean of the seeds that both completed. {EXPLAINED}"
    )
    if tests := sum(change.compared.p_value is not None for change in found):
        yield f"p: t test of Δ per subject, adjusted by Holm over the {counted(tests, 'comparison')} of this table."
    yield (
        "Cells in both: the same windows, people, network, training and seed, so that results must be equal. Recipe: "
        "what differs in the grids' training, the variant's declaration and what was chosen, for one fold or another."
    )
    if unequal := [cell_id for change in found for cell_id in change.unequal]:
        yield f"Cells in both whose results are not equal, as on another kind of processor: {', '.join(unequal)}."
    settings = _shared_settings(before, after)
    titled = [(_title(change, len(settings)), change) for change in found if not change.is_same]
    notes: list[str] = []
    for setting in settings:
        notes += sampled(setting, {title: change.compared for title, change in titled if change.setting == setting})
    yield from dict.fromkeys(notes)
    both = [(f"{title} in {grid.name}", result) for title, change in titled
            for grid, result in ((before, change.before), (after, change.after))]  # fmt: skip
    if text := unconverged_of(both):
        yield text


def _alone(one: Grid, other: Grid) -> Iterator[str]:
    """The settings and variants that only one of two grids has."""
    shared = _shared_settings(one, other)
    yield from (setting.title for setting in one.results.settings() if setting not in shared)
    for setting in shared:
        there = other.results.variants(setting)
        names = [name for name in one.results.variants(setting) if name not in there]
        if names:
            yield ", ".join(names) + (f" ({setting.title})" if len(shared) > 1 else "")


def changes_csv(grids: Sequence[Grid]) -> str:
    """What changed between the first grid and each other one: raw numbers, scores and differences as fractions."""
    first, *others = grids
    return csv_text([_record(first, other, change) for other in others for change in changes(first, other)])


def _record(before: Grid, after: Grid, change: Change) -> dict[str, Any]:
    record: dict[str, Any] = {**change.setting.record, "variant": change.variant}
    record |= {"before": before.name, "after": after.name}
    record |= {"f1_macro_before": change.before.mean(), "f1_macro_after": change.after.mean()}
    record |= {name: value for name, value in change.compared.record().items() if name not in ("variant", "baseline")}
    record |= {"cells_in_both": change.shared, "cells_not_equal": len(change.unequal)}
    for cost in COSTS:
        for when, result in (("before", change.before), ("after", change.after)):
            low, high = result.cost(cost) or (None, None)
            record |= {f"{cost}_min_{when}": low, f"{cost}_max_{when}": high}
    record["recipe"] = _arrows(change.recipe)
    for when, grid in (("before", before), ("after", after)):
        record |= {f"{name}_{when}": value for name, value in grid.results.provenance.items()}
    return record
