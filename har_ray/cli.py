"""The command `har-ray`: every command of the project as a subcommand.

har-ray run GRID.yaml        the same as `python -m har_ray.grid GRID.yaml`
har-ray plan GRID.yaml       what would run and about how long
har-ray status GRID.yaml     how far a grid is
har-ray report RESULTS ...   tables, figures and report of a grid again, or of several (`python -m analysis`)
har-ray export RESULTS       a trained model as files that a watch runs (`python -m har_ray.export`)
har-ray check RESULTS        whether every file of a grid is as it was written
har-ray data COMMAND ...     datasets, their files and windows (`python -m har_ray.data`)
har-ray schema WHAT          the JSON Schema of a grid or a descriptor, for editors
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import shtab

from analysis import __main__ as report_command
from har_ray import __version__, grid
from har_ray.data import __main__ as data_command
from har_ray.errors import StorageError
from har_ray.export import __main__ as export_command
from har_ray.text import counted


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code, as that of the command that is run."""
    # `python -m` puts the working directory first, so that modules of one's own beside the grid are found.
    sys.path.insert(0, str(Path.cwd()))
    parser = make_parser()
    given = list(sys.argv[1:] if arguments is None else arguments)
    args = parser.parse_args(given)
    return grid.guarded(lambda: int(args.action(args, ["har-ray", *given])))


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="har-ray", description="Which small model for the watch? Experiments in wearable activity recognition."
    )
    parser.add_argument("--version", action="version", version=f"har-ray {__version__}")
    shtab.add_argument_to(parser, "--print-completion", help="a completion script for this shell")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, action, text in (
        ("run", grid.run, "run every cell of a grid and write its report; run again, it continues"),
        ("plan", grid.plan, "show what a grid would run and about how long"),
        ("status", grid.status, "show how far a grid is, running or ended"),
    ):
        command = commands.add_parser(name, help=text, description=text)
        grid.add_arguments(command)
        if action is grid.run:
            grid.add_run_arguments(command)
        if action is grid.status:
            grid.add_status_arguments(command)
        command.set_defaults(action=action)
    text = "make the tables, figures and report of a grid again, also while it runs"
    report = commands.add_parser("report", help=text, description=text)
    report_command.add_arguments(report)
    report.set_defaults(action=lambda args, command: report_command.run(args))
    text = "write a trained model as files that a watch, a phone or a PC runs, and what it scores there"
    export = commands.add_parser("export", help=text, description=text)
    export_command.add_arguments(export)
    export.set_defaults(action=lambda args, command: export_command.run(args))
    text = "whether every file of a grid and of its windows is as it was written"
    check = commands.add_parser("check", help=text, description=text)
    check.add_argument("results", metavar="RESULTS", help="STORAGE/<grid name>, a path or a URI")
    check.add_argument("--repair", action="store_true", help="delete what is not; the next run makes it again")
    check.set_defaults(action=check_results)
    data_command.add_commands(commands.add_parser("data", help="datasets, their raw files and windows"))
    schema = commands.add_parser("schema", help="print the JSON Schema of what a YAML file may say")
    schema.add_argument("what", choices=("grid", "descriptor"))
    schema.set_defaults(action=print_schema)
    return parser


def check_results(args: argparse.Namespace, command: Sequence[str]) -> int:
    """A line for each file that is missing or damaged; the exit code is 1 where there are any and none is repaired."""
    from har_ray.store.check import faults
    from har_ray.store.results import STARTED, ResultStore, no_grid

    results, found = ResultStore(args.results), 0
    if not STARTED & set(results.root.names()):
        raise StorageError(no_grid(results.root, args.results, "no grid here"))
    for fault in faults(results):
        found += 1
        print(f"{fault}{'; deleted' if args.repair else ''}")
        if args.repair:
            fault.repair()
    if found and not args.repair:
        print(f"{counted(found, 'file')} to be made again: run the grid again, or --repair deletes what is damaged")
    elif not found:
        print("every file is as it was written")
    return 0 if args.repair or not found else 1


def print_schema(args: argparse.Namespace, command: Sequence[str]) -> int:
    """The schema that editors check YAML files with; `grids/*.schema.json` are made by this."""
    from har_ray.data.own.descriptor import Descriptor
    from har_ray.spec.grid import GridSpec
    from har_ray.yaml_check import json_schema

    print(json.dumps(json_schema(GridSpec if args.what == "grid" else Descriptor), indent=1, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
