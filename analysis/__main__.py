"""`python -m analysis RESULTS [--out FOLDER]`: the tables, figures and report of a grid, also while it runs.

With `--budget`: what fits it. With `--watch`: again every minute until the grid has ended.
With several RESULTS: what changed from the first to each other one, in one report.
`python -m analysis wandb RESULTS --project P`: the same in W&B; a folder of the name `wandb` is `./wandb`.
"""

import argparse
import gc
import sys
from pathlib import Path

from har_ray.errors import HarRayError

BAD_INPUT = 2
WANDB = "wandb"


def main(arguments: list[str] | None = None) -> int:
    """The exit status: 0, 2 with a message where the options or what they name can't work, 130 after Ctrl-C."""
    parser = argparse.ArgumentParser(
        prog="python -m analysis", description=__doc__.partition(":")[2].partition("\n")[0]
    )
    add_arguments(parser)
    return run(parser.parse_args(arguments))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    text = (
        "STORAGE/<grid name>, a path or a URI; of several, each is compared with the first; "
        f"with the word `{WANDB}` before it, it is sent to W&B"
    )
    parser.add_argument("results", nargs="+", metavar="RESULTS", help=text)
    text = "folder for the report (default: RESULTS/report; of several grids there is none)"
    parser.add_argument("--out", type=Path, help=text)
    parser.add_argument(
        "--budget",
        metavar="COST=MOST,…",
        help="instead of a report: the best model within it, e.g. params=10000,macs=300000,latency_ms=0.5",
    )
    parser.add_argument("--watch", action="store_true", help="make it again every minute until the grid has ended")
    wandb = parser.add_argument_group("W&B")
    wandb.add_argument("--project", metavar="P", help="where to send it")
    wandb.add_argument("--entity", metavar="E", help="who owns the project (default: that of the key)")


def run(options: argparse.Namespace) -> int:
    """Write the report, or what was asked for instead; the exit status."""
    if wrong := _mistake(options):
        print(f"error: {wrong}", file=sys.stderr)
        return BAD_INPUT
    if options.results[0] == WANDB:
        return _send(options)
    # Figures and statistics take seconds to import, which the other commands of `har-ray` need not wait for.
    from analysis.budget import budget_lines, parse
    from analysis.load import load_results
    from analysis.report import write_report
    from analysis.side_by_side import write_side_by_side
    from analysis.watch import watch

    try:
        if options.watch:
            return watch(options.results[0], options.out)
        budget = None if options.budget is None else parse(options.budget)
        loaded = [load_results(path) for path in options.results]
        gc.freeze()  # all of it stays, so that no collection need look at it again
        if budget:
            print("\n".join(budget_lines(loaded[0], budget)))
            return 0
        several = len(loaded) > 1
        page = write_side_by_side(loaded, options.out) if several else write_report(loaded[0], options.out)
    except (HarRayError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return BAD_INPUT
    print(f"report: {page}")
    return 0


def _send(options: argparse.Namespace) -> int:
    """The command `wandb`."""
    from analysis.load import load_results
    from analysis.wandb import send

    try:
        for line in send(load_results(options.results[1]), options.project, options.entity):
            print(line)
    except (HarRayError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return BAD_INPUT
    return 0


def _mistake(options: argparse.Namespace) -> str:
    """What is wrong with options that contradict each other; empty where nothing is."""
    count = len(options.results)
    if options.out and options.out.is_file():
        return f"--out {options.out}: found a file; expected a folder"
    if options.results[0] == WANDB:
        if count == 2 and options.project and not (options.out or options.budget or options.watch):
            return ""
        return f"{WANDB}: expected {WANDB} RESULTS --project P [--entity E]; a folder of that name is ./{WANDB}"
    if options.project or options.entity:
        return f"--project, --entity: go with the word {WANDB} before RESULTS"
    if count == 1:
        return ""
    for option, is_given in (("--budget", options.budget), ("--watch", options.watch)):
        if is_given:
            return f"{option}: found {count} RESULTS; expected one"
    return "" if options.out else f"--out FOLDER is missing: the report of {count} grids is in none of them"


if __name__ == "__main__":
    sys.exit(main())
