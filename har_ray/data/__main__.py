"""The command `python -m har_ray.data`: which datasets there are, their raw files, windows, and what is in them."""

import argparse
import logging
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from har_ray.data.dataset import Dataset
from har_ray.data.datasets import CATALOG
from har_ray.data.describe import lines
from har_ray.data.own.dataset import load_table
from har_ray.data.raw.fetch import fetch, raw_folder
from har_ray.data.windows import WindowSpec
from har_ray.errors import DataError, HarRayError, unknown
from har_ray.store.storage import Storage

BAD, INTERRUPTED = 2, 130
DESCRIPTOR_SUFFIXES = (".yaml", ".yml")


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 0 done, 2 what was asked for does not exist or its files are bad, 130 interrupted."""
    args = _parse(arguments)
    logging.basicConfig(format="%(message)s")
    logging.getLogger("har_ray").setLevel(logging.INFO)
    try:
        args.run(args)
    except HarRayError as error:
        print(error, file=sys.stderr)
        return BAD
    except KeyboardInterrupt:
        print("\ninterrupted; the same command begins anew, and keeps what was finished", file=sys.stderr)
        return INTERRUPTED
    return 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m har_ray.data", description="Datasets, their files and windows.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: Any, what: str, *options: str) -> None:
        one = commands.add_parser(name, help=what, description=what)
        one.set_defaults(run=run)
        known: dict[str, dict[str, Any]] = {
            "NAME": {"help": "a dataset of `list`, or the path of a descriptor (.yaml) of your own recordings"},
            "--from": {"dest": "source", "metavar": "PATH_OR_URL", "help": "an archive or folder of your own"},
            "--preset": {"help": "how to cut; may be left out where there is only one"},
            "--data": {"type": Path, "default": Path("data"), "help": "folder of all raw files (default: data)"},
            "--storage": {"default": "results", "metavar": "PATH_OR_URI", "help": "for windows (default: results)"},
            "--out": {"type": Path, "help": "folder of the figures (default: STORAGE/describe/NAME-PRESET)"},
        }
        for option in options:
            one.add_argument(option, **known[option])

    command("list", _list, "the datasets that a grid can name")
    command("info", _info, "what is known of a dataset: source, terms, channels, classes, presets", "NAME")
    command("fetch", _fetch, "get a dataset's raw files", "NAME", "--from", "--data")
    command("prepare", _prepare, "cut the recordings into windows", "NAME", "--preset", "--data", "--storage")
    command(
        "describe", _describe, "prepare, then tables and figures", *("NAME", "--preset", "--data", "--storage", "--out")
    )
    return parser.parse_args(arguments)


def _dataset(name: str) -> Dataset:
    if name in CATALOG:
        return CATALOG[name]
    path = Path(name)
    if path.suffix in DESCRIPTOR_SUFFIXES:
        return load_table(path.stem, path)
    raise DataError(f"{unknown('dataset', name, CATALOG)}; or give the path of a descriptor, such as my_data/har.yaml")


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        print(line)


def _list(args: argparse.Namespace) -> None:
    _print(lines.list_lines(CATALOG.values()))


def _info(args: argparse.Namespace) -> None:
    _print(lines.info_lines(_dataset(args.NAME)))


def _fetch(args: argparse.Namespace) -> None:
    dataset = _dataset(args.NAME)
    if dataset.archive is None and args.source is None:
        files = dataset.locate(None)
        print(
            f"{dataset.name}: nothing to fetch; reads {files[0]}" + (f" and {len(files) - 1} more" * (len(files) > 1))
        )
        return
    print(f"{dataset.name}: {dataset.title}\nterms: {dataset.terms}\ncite: {dataset.citation}", flush=True)
    print(f"files: {fetch(dataset, args.data, args.source)}")


def _prepare(args: argparse.Namespace) -> None:
    spec, manifest = _prepared(args, _dataset(args.NAME))
    _print(lines.prepared_lines(manifest))
    print(f"  in {Storage(args.storage).child('windows', spec.id)}")


def _describe(args: argparse.Namespace) -> None:
    # matplotlib takes a second to import, which the other commands need not wait for.
    from har_ray.data.describe import figures, numbers

    dataset = _dataset(args.NAME)
    spec, manifest = _prepared(args, dataset)
    storage, preset = Storage(args.storage), _preset(dataset, args.preset)
    _print(lines.prepared_lines(manifest))
    found = numbers.describe(storage, spec.id, dataset.rate_hz)
    _print(lines.description_lines(found))
    stem = f"{dataset.name}-{preset}"
    folder = args.out or (storage.local / "describe" / stem if storage.local else Path(f"describe-{stem}"))
    made_by = f"python -m har_ray.data describe {args.NAME} --preset {preset}; windows {spec.id}"
    for path in figures.write_figures(found, f"{dataset.name}, {preset}", made_by, folder):
        print(f"figure: {path}")


def _preset(dataset: Dataset, name: str | None) -> str:
    if name is None and len(dataset.presets) > 1:
        raise DataError(f"{dataset.name}: choose with --preset among {', '.join(dataset.presets)}")
    name = name or next(iter(dataset.presets))
    if name not in dataset.presets:
        raise DataError(unknown(f"preset of {dataset.name}", name, dataset.presets))
    return name


def _prepared(args: argparse.Namespace, dataset: Dataset) -> tuple[WindowSpec, dict[str, Any]]:
    """The windows' spec and manifest; they are made first, with Ray, where they are not there yet."""
    spec = WindowSpec(dataset.name, dataset.fingerprint, dataset.presets[_preset(dataset, args.preset)])
    storage = Storage(args.storage)
    name = f"windows/{spec.id}/manifest.json"
    if storage.exists(name):
        return spec, storage.read_json(name)
    folder = raw_folder(dataset, args.data) if dataset.archive else None
    if dataset.archive and folder is None:
        raise DataError(
            f"{dataset.name}: no raw files in {args.data}; `python -m har_ray.data fetch {dataset.name}` first"
        )
    storage.check_writable()
    from har_ray import cluster
    from har_ray.data.shards import prepare

    with cluster.connected(None):
        return spec, prepare(dataset, spec, folder, storage)


if __name__ == "__main__":
    sys.exit(main())
