"""`python -m analysis.results_page RESULTS… --out PAGE.md [--not-run TEXT…]`: what grids have found, in one page.

It begins with a table of the students that validation data choose. For each grid it says how it was made, for each
setting what was found, with the tables of scores and differences, what others published beside ours, and a figure;
then the verdicts on published claims that can be tested, where the grid has two variants of that study or more.
Settings of a sweep share one table and figure, and no claim is tested in them. What several grids' tables would repeat
below them stands once, at the end; so does what was not run: `--not-run`, beside what a grid itself has left open.
Figures lie in a folder named like the page.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from matplotlib.figure import Figure

from analysis.arena import arena_table
from analysis.figures.bubble import bubble_chart
from analysis.figures.sweep import sweep_figure
from analysis.formats import Entry, TextTable, markdown, markdown_text, plain, span
from analysis.load import Results, load_results
from analysis.pictures import Task, picture
from analysis.relative import published_table
from analysis.scores import VariantResult, variant_results
from analysis.statistics import statistics_table
from analysis.student import Choice, per_subject_texts, sentences
from analysis.summary import standing
from analysis.sweep import Sweep, sentence, sweep_table, sweeps
from analysis.tables import results_table
from analysis.takeaways import takeaways_table
from analysis.verdicts import UNTESTED
from har_ray.errors import HarRayError
from har_ray.groups import Setting
from har_ray.variants import VARIANTS

BAD_INPUT = 2
Block = str | TextTable


def page(grids: Sequence[Results], not_run: Sequence[str], figures: Path) -> Iterator[str]:
    """The page's blocks of Markdown; its figures are written to `figures`."""
    found = [list(_grid(results, figures)) for results in grids]
    shared = _shared(found)
    yield "# Results"
    yield "Made by `python -m analysis.results_page` from result rows; nothing here was typed in."
    yield _markdown(_chosen_table(grids), shared)
    for blocks in found:
        yield from (_markdown(block, shared) for block in blocks)
    if shared:
        yield from ("## How to read the tables", "\n".join(f"- {markdown_text(note)}" for note in shared))
    left = [*filter(None, map(_left, grids)), *not_run]
    if left:
        yield from ("## Not run", "\n".join(f"- {text}" for text in left))


def _shared(grids: Sequence[Sequence[Block]]) -> list[str]:
    """The notes that tables of two grids or more have, in the order of their first mention."""
    counts = Counter(
        note
        for blocks in grids
        for note in dict.fromkeys(note for block in blocks if isinstance(block, TextTable) for note in block.notes)
    )
    return [note for note, count in counts.items() if count > 1]


def _markdown(block: Block, shared: Sequence[str]) -> str:
    if isinstance(block, str):
        return block
    return markdown(replace(block, notes=[note for note in block.notes if note not in shared], made_by="")).rstrip()


def _grid(results: Results, figures: Path) -> Iterator[Block]:
    info, made = results.info, results.provenance
    yield f"## {results.name}"
    yield f"    {made['command']}"
    when = f"Started {info.get('started_at')}, ended {info.get('finished_at') or 'not yet'}"
    yield f"{when}; commit {made['git_commit']}, grid {made['grid_hash']}."
    swept, alone = _settings(results)
    for sweep in swept:
        yield from (f"### {sweep.title}, rate and window", _without(sweep.title, sentence(sweep)))
        yield from _drawn(results, partial(sweep_figure, slug=sweep.slug), figures, f"{sweep.slug}-sweep")
        yield _untitled(sweep.title, sweep_table(results, sweep))
    for setting in alone:
        yield from (f"### {setting.title}", _without(setting.title, sentences(results, setting)))
        chart = partial(bubble_chart, setting=setting, cost="macs")
        yield from _drawn(results, chart, figures, f"{setting.slug}-f1-macs")
        for table_of in (results_table, arena_table, statistics_table, published_table):
            if (table := table_of(results, setting)) is not None:
                yield _untitled(setting.title, table)
    if len(VARIANTS.keys() & {name for setting in alone for name in results.variants(setting)}) > 1:
        claims = takeaways_table(results)
        verdict = claims.columns.index("verdict")
        claims = replace(claims, rows=[row for row in claims.rows if not row[verdict].text.startswith(UNTESTED)])
        yield claims if len(alone) > 1 else claims.without("setting")


def _settings(results: Results) -> tuple[list[Sweep], list[Setting]]:
    """A grid's sweeps, and the settings that are in none."""
    swept = sweeps(results)
    in_sweeps = {point.result.setting for sweep in swept for point in sweep.points}
    return swept, [setting for setting in results.settings() if setting not in in_sweeps]


def _without(title: str, text: str) -> str:
    """A sentence that stands below a heading with its title."""
    text = text.removeprefix(f"{title}: ")
    return text[:1].upper() + text[1:]


def _untitled(title: str, table: TextTable) -> TextTable:
    return replace(table, title=table.title.removesuffix(f": {title}"))


def _chosen_table(grids: Sequence[Results]) -> TextTable:
    """The small model that validation data choose in each setting, beside the grid's baseline and largest model."""
    columns = ["grid", "setting", "chosen by validation", "of", "params", "macro F1 per subject (%)", "95 % interval",
               "people", "seeds", "beside it (%)"]  # fmt: skip
    rows = [row for results in grids for row in _chosen_rows(results)]
    notes = ["Of: so many small models. Beside it: the grid's baseline and the published OM and MM, per subject."]
    return TextTable("The small model that validation chooses", columns, "lllrrrrrrl", rows, notes)


def _chosen_rows(results: Results) -> Iterator[list[Entry]]:
    swept, alone = _settings(results)
    for sweep in swept:
        if (cheapest := sweep.cheapest) is not None:
            of = f"{len(sweep.points)} settings"
            yield _chosen_row(results, f"{sweep.title}, {cheapest.title}", cheapest.result, of, [])
    for setting in alone:
        if (choice := Choice.of(results, setting)) is not None:
            names = {choice.baseline, "MM", "OM"} - {choice.chosen.variant}
            variants = variant_results(results, setting)
            beside = [variants[name] for name in variants if name in names and variants[name].seeds]
            yield _chosen_row(results, setting.title, choice.chosen, str(len(choice.students)), beside)


def _chosen_row(
    results: Results, title: str, chosen: VariantResult, of: str, beside: Sequence[VariantResult]
) -> list[Entry]:
    others = ", ".join(f"{other.variant} {per_subject_texts(other)[0]}" for other in beside)
    people, seeds = len(chosen.subjects()), chosen.standing()
    texts = (results.name, title, chosen.variant, of, span(chosen.cost("params")), *per_subject_texts(chosen))
    return plain(*texts, str(people), seeds, others)


def _drawn(results: Results, draw: Callable[[Results], Figure | None], figures: Path, name: str) -> Iterator[str]:
    """Draw and write a figure; the line that shows its PNG, if there is anything to show."""
    figures.mkdir(parents=True, exist_ok=True)
    stem = figures / f"{results.name}-{name}"
    if (drawn := picture(results, Task(stem.name, draw, stem))) is not None:
        yield f"![{drawn.alt}]({Path(drawn.file).with_suffix('.png')})"


def _left(results: Results) -> str:
    """What a grid has left open."""
    text = standing(results)
    return f"{results.name}: {text}" if text else ""


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit status: 0, or 2 with a message where there are no results to read, or no file to write."""
    parser = argparse.ArgumentParser(prog="python -m analysis.results_page", description=__doc__.partition(":")[2])
    parser.add_argument("results", nargs="+", metavar="RESULTS", help="STORAGE/<grid name>, a path or a URI")
    parser.add_argument("--out", type=Path, required=True, help="the page, a Markdown file")
    parser.add_argument("--not-run", nargs="*", default=[], metavar="TEXT", help="what was planned and not run")
    options = parser.parse_args(arguments)
    if options.out.is_dir():
        parser.error(f"--out {options.out}: found a folder; expected a file, e.g. {options.out / 'results.md'}")
    try:
        grids = [load_results(path) for path in options.results]
        blocks = list(page(grids, options.not_run, options.out.with_suffix("")))
        options.out.write_text("\n\n".join(blocks) + "\n", encoding="utf-8")
    except (HarRayError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return BAD_INPUT
    print(options.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
