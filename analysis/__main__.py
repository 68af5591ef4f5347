"""`python -m analysis RESULTS [--out FOLDER]`: the tables, figures and report of a grid, also while it runs.

With `--budget`: what fits it. With several RESULTS: what changed from the first to each other one, in one report.
"""

import argparse
import sys
from pathlib import Path

from har_ray.errors import HarRayError

BAD_INPUT = 2


def main(arguments: list[str] | None = None) -> int:
    """The exit status: 0, 1 with a message where there are no results to read, 2 for options that can't work."""
    parser = argparse.ArgumentParser(
        prog="python -m analysis", description=__doc__.partition(":")[2].partition("\n")[0]
    )
    add_arguments(parser)
    return run(parser.parse_args(arguments))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    text = "STORAGE/<grid name>, a path or a URI; of several, each is compared with the first"
    parser.add_argument("results", nargs="+", metavar="RESULTS", help=text)
    text = "folder for the report (default: RESULTS/report; of several grids there is none)"
    parser.add_argument("--out", type=Path, help=text)
    parser.add_argument(
        "--budget",
        metavar="COST=MOST,…",
        help="instead of a report: the best model within it, e.g. params=10000,macs=300000",
    )


def run(options: argparse.Namespace) -> int:
    """Write the report; the exit status."""
    # Figures and statistics take seconds to import, which the other commands of `har-ray` need not wait for.
    from analysis.budget import budget_lines, parse
    from analysis.load import load_results
    from analysis.report import write_report
    from analysis.side_by_side import write_side_by_side

    if wrong := _mistake(options):
        print(f"error: {wrong}", file=sys.stderr)
        return BAD_INPUT
    try:
        budget = parse(options.budget) if options.budget else None
        loaded = [load_results(path) for path in options.results]
        if budget:
            print("\n".join(budget_lines(loaded[0], budget)))
            return 0
        several = len(loaded) > 1
        page = write_side_by_side(loaded, options.out) if several else write_report(loaded[0], options.out)
    except (HarRayError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"report: {page}")
    return 0


def _mistake(options: argparse.Namespace) -> str:
    """What is wrong with options that contradict each other; empty where nothing is."""
    if len(options.results) < 2:
        return ""
    if options.budget:
        return f"--budget: found {len(options.results)} RESULTS; expected one"
    return (
        "" if options.out else f"--out FOLDER is missing: the report of {len(options.results)} grids is in none of them"
    )


if __name__ == "__main__":
    sys.exit(main())
