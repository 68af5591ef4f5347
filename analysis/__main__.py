"""`python -m analysis RESULTS [--out FOLDER]`: the tables, figures and report of a grid, also while it runs.

With `--budget`: what fits it.
"""

import argparse
import sys
from pathlib import Path

from har_ray.errors import HarRayError


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit status: 0, or 1 with a message where there are no results to read."""
    parser = argparse.ArgumentParser(
        prog="python -m analysis", description=__doc__.partition(":")[2].partition("\n")[0]
    )
    add_arguments(parser)
    return run(parser.parse_args(arguments))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("results", metavar="RESULTS", help="STORAGE/<grid name>, a path or a URI")
    parser.add_argument("--out", type=Path, help="folder for the report (default: RESULTS/report)")
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

    try:
        if options.budget:
            budget = parse(options.budget)
            print("\n".join(budget_lines(load_results(options.results), budget)))
            return 0
        page = write_report(load_results(options.results), options.out)
    except (HarRayError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"report: {page}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
