"""`python -m analysis.results_page RESULTS… --out PAGE.md [--not-run TEXT…]`: what grids have found, in one page.

For each grid how it was made, for each setting the student that validation data choose, the tables of scores and
differences, what others published beside ours, and a figure; then the published claims with their verdicts, where the
grid has two variants of that study or more. Settings of a sweep share one table and figure, and no claim is tested in
them. What was not run is listed by `--not-run`, beside what a grid itself has left open. Figures lie in a folder named
like the page.
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from matplotlib.figure import Figure

from analysis.arena import arena_table
from analysis.figures.bubble import bubble_chart
from analysis.figures.sweep import sweep_figure
from analysis.formats import markdown
from analysis.load import Results, load_results
from analysis.pictures import Task, picture
from analysis.relative import published_table
from analysis.statistics import statistics_table
from analysis.student import sentences
from analysis.summary import standing
from analysis.sweep import sentence, sweep_table, sweeps
from analysis.tables import results_table
from analysis.takeaways import takeaways_table
from har_ray.errors import HarRayError
from har_ray.variants import VARIANTS

BAD_INPUT = 2


def page(grids: Sequence[Results], not_run: Sequence[str], figures: Path) -> Iterator[str]:
    """The page's lines; its figures are written to `figures`."""
    yield "# Results"
    yield ""
    yield "Made by `python -m analysis.results_page` from result rows; nothing here was typed in."
    for results in grids:
        yield from _grid(results, figures)
    left = [*filter(None, map(_left, grids)), *not_run]
    if left:
        yield from ("", "## Not run", "", *(f"- {text}" for text in left))


def _grid(results: Results, figures: Path) -> Iterator[str]:
    info = results.info
    yield from ("", f"## {results.name}", "")
    yield f"`{info.get('command')}`, started {info.get('started_at')}, ended {info.get('finished_at') or 'not yet'}."
    swept = sweeps(results)
    for sweep in swept:
        yield from ("", f"### {sweep.title}, rate and window", "", sentence(sweep), "")
        yield from _drawn(results, partial(sweep_figure, slug=sweep.slug), figures / f"{sweep.slug}-sweep")
        yield from ("", markdown(sweep_table(results, sweep)))
    in_sweeps = {point.result.setting for sweep in swept for point in sweep.points}
    alone = [setting for setting in results.settings() if setting not in in_sweeps]
    for setting in alone:
        yield from ("", f"### {setting.title}", "", sentences(results, setting), "")
        chart = partial(bubble_chart, setting=setting, cost="macs")
        yield from _drawn(results, chart, figures / f"{setting.slug}-f1-macs")
        for table_of in (results_table, arena_table, statistics_table, published_table):
            if (table := table_of(results, setting)) is not None:
                yield from ("", markdown(table))
    if len(VARIANTS.keys() & {name for setting in alone for name in results.variants(setting)}) > 1:
        yield markdown(takeaways_table(results))


def _drawn(results: Results, draw: Callable[[Results], Figure | None], stem: Path) -> Iterator[str]:
    """Draw and write a figure; the line that shows its PNG, if there is anything to show."""
    stem.parent.mkdir(parents=True, exist_ok=True)
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
        lines = list(page(grids, options.not_run, options.out.with_suffix("")))
        options.out.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")
    except (HarRayError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return BAD_INPUT
    print(options.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
