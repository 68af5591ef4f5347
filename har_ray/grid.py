"""The command: `python -m har_ray.grid grids/quick.yaml` plans a grid, runs its stages and writes its report.

Run again, it continues where it stopped: what is finished is found by its hash. The same on one machine, on a running
Ray cluster (`--address`) and as `ray job submit -- python -m har_ray.grid ...`.
"""

import argparse
import logging
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from har_ray import overview, provenance
from har_ray.errors import HarRayError
from har_ray.plan.plan import places
from har_ray.spec.grid import GridSpec, load_grid
from har_ray.store.results import ResultStore, Row
from har_ray.store.storage import Storage

SOME_FAILED, BAD_GRID, INTERRUPTED = 1, 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 0 all planned cells ended well, 1 some failed, 2 the grid or its data is bad, 130 interrupted."""
    args = _parse(arguments)
    logging.getLogger("har_ray").setLevel(logging.INFO)
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    try:
        spec, file = load_grid(args.grid, args.set)
        if args.storage:
            spec = spec.model_copy(update={"storage": args.storage})
        storage = Storage(spec.storage)
        if args.plan:
            return _print(overview.plan_lines(spec, storage))
        if args.status:
            return _print(overview.status_lines(spec, storage))
        storage.check_writable()
        return _run(spec, storage, provenance.describe(spec, file, arguments), args.address)
    except HarRayError as error:
        print(error, file=sys.stderr)
        return BAD_GRID
    except KeyboardInterrupt:
        print("\ninterrupted; the same command continues where this one stopped", file=sys.stderr)
        return INTERRUPTED


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m har_ray.grid", description="Run every cell of a grid and write its report."
    )
    parser.add_argument("grid", type=Path, metavar="GRID.yaml")
    parser.add_argument("--plan", action="store_true", help="show what would run, and run nothing")
    parser.add_argument("--status", action="store_true", help="show how far a grid is, running or ended")
    parser.add_argument("--storage", metavar="PATH_OR_URI", help="instead of the grid's storage")
    parser.add_argument("--set", action="append", metavar="KEY.PATH=VALUE", help="change the grid; repeatable")
    parser.add_argument("--address", help="of a Ray cluster; default: the running one, else one of its own")
    return parser.parse_args(arguments)


def _print(lines: Iterator[str]) -> int:
    for line in lines:
        print(line)
    return 0


def _run(spec: GridSpec, storage: Storage, info: Row, address: str | None) -> int:
    """All stages, then the report."""
    # Ray and matplotlib take seconds to import, which a bad grid, --plan and --status need not wait for.
    from analysis.report import write_report
    from har_ray import cluster
    from har_ray.search.stages import Stages
    from har_ray.tracking.wandb import Tracker
    from har_ray.training.run import Place

    results = ResultStore(storage.child(spec.name))
    with cluster.connected(address):
        info |= {"expected": _expected(spec), "data": _prepare(spec, storage)}
        results.root.write_json("run.json", info)
        place = Place(storage.uri, spec.name, info["git_commit"])
        with Tracker(spec, place) as tracker:
            complete = Stages(spec, place, tracker).run_all()
    results.root.write_json("run.json", info | {"finished_at": provenance.now()})
    report = write_report(results.root.uri)
    _print(overview.ending_lines(spec, results))
    print(f"report: {report}")
    return 0 if complete else SOME_FAILED


def _expected(spec: GridSpec) -> list[Row]:
    """Every confirm cell that the tables should hold."""
    return [
        {
            "dataset": entry.name,
            "preset": entry.preset_label,
            "protocol": protocol.name,
            "fold": protocol.fold,
            "variant": variant,
            "seed": seed,
        }
        for entry, protocol in places(spec)
        for variant in spec.variants
        for seed in spec.seeds
    ]


def _prepare(spec: GridSpec, storage: Storage) -> list[Row]:
    """Make what windows are missing and try every split, before compute is spent; returns what there is."""
    from har_ray.data.raw.fetch import fetch
    from har_ray.data.shards import prepare
    from har_ray.data.tensors import check_split

    found = []
    for entry in spec.datasets:
        folder = None if entry.kind == "table" else fetch(entry.dataset, Path(spec.data), entry.path)
        manifest = prepare(entry.dataset, entry.windows, folder, storage)
        print(f"[windows] {entry.name}, {entry.preset_label}: {manifest['windows']} windows")
        for reason, count in manifest["rejects"].items():
            print(f"[windows]   left out: {count} × {reason}")
        folds = []
        for protocol in entry.protocols:
            parts = check_split(storage, entry.windows.id, protocol)
            fold: Row = {"protocol": protocol.name, "fold": protocol.fold}
            fold |= {part: summary.subjects for part, summary in parts.items()}
            fold |= {f"{part}_windows": summary.windows for part, summary in parts.items()}
            folds.append(fold)
        keys = ("windows_id", "rate_hz", "window", "windows", "classes", "rejects", "windows_per_subject_and_class")
        found.append(
            {"dataset": entry.name, "preset": entry.preset_label, "folds": folds}
            | {"channels": [channel["name"] for channel in manifest["channels"]]}
            | {key: manifest[key] for key in keys}
        )
    return found


if __name__ == "__main__":
    sys.exit(main())
