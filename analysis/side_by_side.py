"""Several grids in one report: what changed from the first to each other one, then the sections of each.

report.html                  what changed, and the sections of all grids
changes.csv                  raw numbers of what changed
tables/changes.md, .tex
1-<grid>/, 2-<grid>/, …      the report of each grid by itself
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path

from analysis.changes import Grid, changes_csv, changes_table, named, sentences
from analysis.facts import facts
from analysis.formats import TextTable, plain
from analysis.load import Results
from analysis.page import PAGE, Section, background, page, write_page
from analysis.report import write_files, write_tables
from analysis.summary import standing, summary
from har_ray.variants import in_order

QUESTION = "What changed from the first grid to the others?"


def write_side_by_side(loaded: Sequence[Results], out: Path) -> str:
    """Write the report of several grids, finished or not; returns where its page is.

    Raises:
        HarRayError: a grid is there twice.
    """
    grids = named(loaded)
    first, *others = grids
    (out / "tables").mkdir(parents=True, exist_ok=True)
    tables = [changes_table(first, other) for other in others]
    write_tables({f"-{n}": table for n, table in enumerate(tables, 2)}, out / "tables", "changes")
    (out / "changes.csv").write_text(changes_csv(grids), encoding="utf-8")
    sections = [Section("What changed", "changes", tables, [])]
    for n, grid in enumerate(grids, 1):
        sections += _sections(grid, out, f"{n}-{grid.results.name}")
    write_page(out, _page(grids, sections))
    return str(out / PAGE)


def _sections(grid: Grid, out: Path, folder: str) -> list[Section]:
    """A grid's own, whose files are written to a folder of `out`, and how it was made."""
    own = write_files(grid.results, out / folder)
    own.append(Section("how it was made", "made", _background(grid.results, folder), []))
    return [replace(one, title=f"{grid.name}: {one.title}", slug=f"{folder}-{one.slug}") for one in own]


def _background(results: Results, folder: str) -> list[TextTable]:
    known = {"page by itself": f"{folder}/{PAGE}", "results": results.path, **facts(results.info)}
    rows = [plain(name, text) for name, text in known.items()]
    made = TextTable("How it was made", ["what", "of this grid"], "ll", rows, [], results.made_by)
    return [*chain.from_iterable(section.tables for section in background(results)), made]


def _page(grids: Sequence[Grid], sections: list[Section]) -> str:
    first, *others = grids
    found = [f"{grid.name}: {said}" for grid in grids for said in summary(grid.results)]
    left = [f"{grid.name}: {said}" for grid in grids if (said := standing(grid.results))]
    return page(
        name=", ".join(grid.name for grid in grids),
        question=QUESTION,
        summary=[sentences(first, other) for other in others] + found,
        standing=" ".join(left),
        progress="",
        made_at="",
        budget={"costs": {}},
        variants=in_order(cell.key.variant for grid in grids for cell in grid.results.cells),
        sections=sections,
        own=None,
        made_by=" | ".join(f"{grid.name}: {grid.results.made_by}" for grid in grids),
    )
