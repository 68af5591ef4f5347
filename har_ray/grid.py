"""The command: `python -m har_ray.grid grids/quick.yaml` plans a grid, runs its stages and writes its report.

Run again, it continues where it stopped: what is finished is found by its hash. The same on one machine, on a running
Ray cluster (`--address`) and as `ray job submit -- python -m har_ray.grid ...`. `har-ray run GRID` does the same.
"""

import argparse
import logging
import math
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType

from har_ray import provenance
from har_ray.errors import HarRayError
from har_ray.ray_address import answering
from har_ray.spec.grid import GridSpec, load_grid
from har_ray.store.storage import Storage
from har_ray.store.stores import Stores
from har_ray.yaml_file import YamlFile

SOME_FAILED, BAD_GRID, INTERRUPTED = 1, 2, 130
ENDING_S = 15.0
"""How long a command may take to end before another Ctrl-C is heard."""

Command = Sequence[str]
"""What was typed, for the report."""


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 0 all planned cells ended well, 1 some failed, 2 the grid or its data is bad, 130 interrupted."""
    parser = argparse.ArgumentParser(
        prog="python -m har_ray.grid", description="Run every cell of a grid and write its report."
    )
    add_arguments(parser)
    add_run_arguments(parser)
    add_status_arguments(parser)
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--plan", action="store_true", help="show what would run and about how long; run nothing")
    mode.add_argument("--status", action="store_true", help="show how far a grid is, running or ended")
    args = parser.parse_args(arguments)
    given = list(sys.argv[1:] if arguments is None else arguments)
    action = plan if args.plan else status if args.status else run
    return guarded(lambda: action(args, ["python", "-m", "har_ray.grid", *given]))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What every command about a grid takes."""
    parser.add_argument("grid", type=Path, metavar="GRID.yaml", help="what to run, such as grids/quick.yaml")
    parser.add_argument("--storage", metavar="PATH_OR_URI", help="instead of the grid's storage")
    parser.add_argument(
        "--set", action="append", metavar="KEY.PATH=VALUE", help="change the grid, e.g. train.epochs=5; repeatable"
    )


def add_run_arguments(parser: argparse.ArgumentParser) -> None:
    """What only a run takes."""
    text = "of a Ray cluster; by default the running one, otherwise a local one is started"
    parser.add_argument("--address", help=text)
    text = "let this grid take the place of one of the same name that differs from it"
    parser.add_argument("--continue", dest="goes_on", action="store_true", help=text)
    text = "for how long to wait for a storage that fails in the middle of a run (default: %(default)g)"
    parser.add_argument("--storage-wait", type=_seconds, default=600.0, metavar="SECONDS", help=text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise argparse.ArgumentTypeError(f"expected a number of seconds, 0 or more; found {text!r}")
    return seconds


def add_status_arguments(parser: argparse.ArgumentParser) -> None:
    """What only the status takes."""
    text = "draw which cell ran when on which node, and where a slot was empty"
    parser.add_argument("--timeline", action="store_true", help=text)


def guarded(action: Callable[[], int]) -> int:
    """Run a command; what a user can mend ends in a message and exit code 2, Ctrl-C and SIGTERM in 130.

    Either leaves no temporary files behind, nor a claim on the grid.
    """
    logging.getLogger("har_ray").setLevel(logging.INFO)
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    try:
        with _interrupts():
            return action()
    except HarRayError as error:
        print(error, file=sys.stderr)
        return BAD_GRID
    except KeyboardInterrupt:
        print("\ninterrupted; the same command continues where this one stopped", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader, such as `head`, has seen enough. Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


@contextmanager
def _interrupts() -> Iterator[None]:
    """Ctrl-C and SIGTERM raise KeyboardInterrupt, once: an impatient second one would disturb what the first has ended.

    Where Ctrl-C is ignored, as behind `nohup` in a script, it still is.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    last_s = -math.inf

    def interrupt(number: int, frame: FrameType | None) -> None:
        nonlocal last_s
        if (now_s := time.monotonic()) - last_s > ENDING_S:
            last_s = now_s
            raise KeyboardInterrupt

    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    heard = [number for number, handler in before.items() if handler != signal.SIG_IGN]
    for number in heard:
        signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number in heard:
            signal.signal(number, before[number])


def plan(args: argparse.Namespace, command: Command) -> int:
    """Show what would run and about how long."""
    from har_ray.forecast import plan_lines
    from har_ray.plan.plan import Plan
    from har_ray.windows_stage import planned_findings, window_specs

    spec, _ = _grid(args)
    windows, stores = window_specs(spec), _stores(spec)
    findings = planned_findings(spec, windows, stores)
    _print(plan_lines(Plan(spec, [one.id for one in windows]), stores))
    _print(f"  checked   {line}" for line in findings)
    return 0


def status(args: argparse.Namespace, command: Command) -> int:
    """Show how far a grid is."""
    from har_ray.status import status_lines, timeline_lines

    spec, _ = _grid(args, together=False)
    results = _stores(spec).results
    _print(status_lines(results, spec.train.monitor))
    if args.timeline:
        _print(timeline_lines(results))
    return 0


def run(args: argparse.Namespace, command: Command) -> int:
    """All stages, then the report."""
    answering(args.address)  # before seconds are spent on imports
    # Ray and matplotlib take seconds to import, which a bad grid need not wait for.
    from analysis.console import console_lines
    from analysis.load import load_results
    from analysis.report import write_report
    from har_ray import cluster
    from har_ray.claim import claimed
    from har_ray.export.installed import check_installed
    from har_ray.export.stage import export_confirmed
    from har_ray.extensions import check_on_workers
    from har_ray.plan.plan import Plan
    from har_ray.search import dispatch
    from har_ray.stage_report import StageReport
    from har_ray.tracking import Tracking
    from har_ray.windows_stage import prepare_all

    spec, file = _grid(args)
    info = provenance.describe(spec, file, command)
    stores = _stores(spec, info["git_commit"])
    stores.storage.check_writable()
    if spec.export:
        check_installed()
    stores = replace(stores, patience_s=args.storage_wait)
    results = stores.results
    with (
        claimed(results, info, args.goes_on),
        cluster.connected(args.address) as own_cluster,
        Tracking(spec.tracking, spec.name, info["grid"], results) as tracking,
        closing(StageReport(results.root.uri)) as stage_report,
    ):
        check_on_workers(spec)
        windows, data = prepare_all(spec, stores)
        info |= {"data": data, "starts": provenance.starts(info, results)}
        results.write_run_info(info)
        planned = Plan(spec, [one.id for one in windows])
        complete = dispatch.run(planned, stores, tracking, own_cluster, stage_report)
        if spec.export:
            complete &= export_confirmed(stores, spec.export)
        results.write_run_info(provenance.ended(info))
    shown = load_results(results.root.uri)
    report = write_report(shown)
    _print(console_lines(shown))
    print(f"report: {report}")
    return 0 if complete and shown.complete else SOME_FAILED


def _grid(args: argparse.Namespace, together: bool = True) -> tuple[GridSpec, YamlFile]:
    spec, file = load_grid(args.grid, args.set, together)
    return (spec.model_copy(update={"storage": args.storage}) if args.storage else spec), file


def _stores(spec: GridSpec, git_commit: str | None = None) -> Stores:
    return Stores(Storage(spec.storage).uri, spec.name, git_commit)


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        print(line)


if __name__ == "__main__":
    sys.exit(main())
