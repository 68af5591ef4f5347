"""The tables of results as a run's terminal shows them: what has room in it, the most needed first.

Below each table stand the student that was chosen and what limits the scores; how all is computed says the report.
"""

from collections.abc import Iterator
from textwrap import wrap

from analysis.formats import TextTable
from analysis.load import Results
from analysis.scores import UNCONVERGED
from analysis.student import CHOSEN, sentences
from analysis.tables import limits, results_table
from har_ray.text import aligned

WIDTH = 100
"""Of a terminal, in characters."""
INDENT = "  "
NEEDED = ("n (seeds)", "params", "MACs", "latency (ms)")
"""The columns that go before others, behind the variant and the grid's first score."""


def console_lines(results: Results) -> Iterator[str]:
    """The lines of all settings, none longer than `WIDTH` but for a name that is."""
    for setting in results.settings():
        table = results_table(results, setting)
        lines, left_out = _columns_with_room(table)
        chosen = sentences(results, setting).removeprefix(f"{setting.title}: ")
        doubt = f"{UNCONVERGED} still improving; " if any(UNCONVERGED in row[0].mark for row in table.rows) else ""
        signs = f"{CHOSEN} chosen on validation data; {doubt}* highest mean on test data, which chooses nothing."
        more = f"In the report too: {', '.join(left_out)}." if left_out else ""
        yield from wrap(table.title, WIDTH, break_on_hyphens=False)
        yield from (INDENT + line for line in lines)
        for text in filter(None, (chosen, signs, *limits(results, setting), more)):
            yield from wrap(text, WIDTH, initial_indent=INDENT, subsequent_indent=INDENT, break_on_hyphens=False)


def _columns_with_room(table: TextTable) -> tuple[list[str], list[str]]:
    """The table in lines, and the titles of the columns that are left out."""
    columns = [
        [title, *(row[place].text + "*" * row[place].bold + row[place].mark for row in table.rows)]
        for place, title in enumerate(table.columns)
    ]
    room, kept = WIDTH - len(INDENT), set[int]()
    for place in sorted(range(len(columns)), key=lambda place: place > 1 and table.columns[place] not in NEEDED):
        width = max(map(len, columns[place])) + len(INDENT) * bool(kept)
        if place < 2 or width <= room:
            kept.add(place)
            room -= width
    header, *rows = zip(*(columns[place] for place in sorted(kept)), strict=True)
    return list(aligned(header, rows)), [title for place, title in enumerate(table.columns) if place not in kept]
