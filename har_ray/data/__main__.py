"""The command `python -m har_ray.data`: which datasets there are, their raw files and windows, and what is in them."""

import argparse
import logging
import sys
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from har_ray.data.by_name import dataset_of, preset_of
from har_ray.data.dataset import Dataset
from har_ray.data.datasets import CATALOG
from har_ray.data.describe import lines
from har_ray.data.guess import command as guess_command
from har_ray.data.raw.fetch import fetch, raw_folder
from har_ray.data.raw.identity import Identity, identify, warn_if_altered
from har_ray.data.soundness import checks
from har_ray.data.soundness.finding import Finding, refuse
from har_ray.data.windows import WindowSpec
from har_ray.errors import DataError, HarRayError
from har_ray.ray_address import answering
from har_ray.store.storage import Storage
from har_ray.store.windows import Manifest, WindowStore

BAD, INTERRUPTED = 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 0 done, 2 what was asked for does not exist or its files are bad, 130 interrupted."""
    parser = argparse.ArgumentParser(prog="python -m har_ray.data", description="Datasets, their files and windows.")
    add_commands(parser)
    args = parser.parse_args(arguments)
    logging.basicConfig(format="%(message)s")
    logging.getLogger("har_ray").setLevel(logging.INFO)
    try:
        args.action(args, arguments)
    except HarRayError as error:
        print(error, file=sys.stderr)
        return BAD
    except KeyboardInterrupt:
        print("\ninterrupted; the same command starts over and keeps what was finished", file=sys.stderr)
        return INTERRUPTED
    return 0


def add_commands(parser: argparse.ArgumentParser) -> None:
    """The subcommands; `action`, called with the arguments and what was typed, does what was asked for."""
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: Callable[[argparse.Namespace], None], what: str, *options: str) -> None:
        one = commands.add_parser(name, help=what, description=what)
        one.set_defaults(action=partial(_done, run))
        known: dict[str, dict[str, Any]] = {
            "NAME": {"help": "a dataset of `list`, or the path of a descriptor (.yaml) of your own recordings"},
            "--from": {"dest": "source", "metavar": "PATH_OR_URL", "help": "your own archive, folder or raw file"},
            "--preset": {"help": "how to cut; may be omitted where there is only one"},
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
    guess = commands.add_parser("guess", help=guess_command.WHAT, description=guess_command.WHAT)
    guess_command.add_arguments(guess)
    guess.set_defaults(action=guess_command.run)


def _done(run: Callable[[argparse.Namespace], None], args: argparse.Namespace, typed: Sequence[str] | None) -> int:
    run(args)
    return 0


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        print(line)


def _list(args: argparse.Namespace) -> None:
    _print(lines.list_lines(CATALOG.values()))


def _info(args: argparse.Namespace) -> None:
    _print(lines.info_lines(dataset_of(args.NAME)))


def _fetch(args: argparse.Namespace) -> None:
    dataset = dataset_of(args.NAME)
    if dataset.archive is not None:
        print(f"{dataset.name}: {dataset.title}\nterms: {dataset.terms}\ncite: {dataset.citation}", flush=True)
    folder = fetch(dataset, args.data, args.source)
    print(f"{dataset.name}: in {folder}" if folder else f"{dataset.name}: nothing to fetch")
    print(lines.source_line(identify(dataset, folder, args.data)))


def _prepare(args: argparse.Namespace) -> None:
    dataset = dataset_of(args.NAME)
    manifest, identity = _prepared(args, dataset)
    _print([*lines.prepared_lines(manifest), lines.source_line(identity)])
    findings = _say_findings(manifest)
    print(f"  in {WindowStore(Storage(args.storage)).folder(manifest['windows_id'])}")
    refuse(dataset.name, findings, dataset.strict)


def _describe(args: argparse.Namespace) -> None:
    # matplotlib takes a second to import, which the other commands need not wait for.
    from har_ray.data.describe import figures, numbers

    dataset = dataset_of(args.NAME)
    manifest, identity = _prepared(args, dataset)
    storage, preset = Storage(args.storage), preset_of(dataset, args.preset)
    _print([*lines.prepared_lines(manifest), lines.source_line(identity)])
    findings = _say_findings(manifest)
    found = numbers.describe(WindowStore(storage), manifest["windows_id"], dataset.rate_hz)
    _print(lines.description_lines(found))
    stem = f"{dataset.name}-{preset}"
    folder = args.out or (storage.local / "describe" / stem if storage.local else Path(f"describe-{stem}"))
    made_by = f"python -m har_ray.data describe {args.NAME} --preset {preset}; windows {manifest['windows_id']}"
    for path in figures.write_figures(found, f"{dataset.name}, {preset}", made_by, folder):
        print(f"figure: {path}")
    refuse(dataset.name, findings, dataset.strict)


def _say_findings(manifest: Manifest) -> list[Finding]:
    """Prints what is wrong with the recordings, and returns it."""
    findings = checks.of_windows(manifest)
    _print(lines.finding_lines(findings, checks.looked_at_windows(manifest)))
    return findings


def _prepared(args: argparse.Namespace, dataset: Dataset) -> tuple[Manifest, Identity]:
    """The manifest of the windows, which are made first, with Ray, where they do not exist yet; and of which files."""
    preset = dataset.presets[preset_of(dataset, args.preset)]
    if dataset.archive and raw_folder(dataset, args.data) is None:
        raise DataError(
            f"{dataset.name}: no raw files in {args.data}; `python -m har_ray.data fetch {dataset.name}` first"
        )
    folder = fetch(dataset, args.data)
    identity = identify(dataset, folder, args.data)
    spec, windows = WindowSpec.of(dataset, identity.fingerprint, preset), WindowStore(Storage(args.storage))
    known = windows.manifest(spec.id)
    if known is not None:
        warn_if_altered(dataset, identity)
        return known, identity
    Storage(args.storage).check_writable()
    answering(None)  # before seconds are spent on importing Ray
    from har_ray import cluster
    from har_ray.data.shards import prepare

    with cluster.connected(None):
        return prepare(dataset, spec, identity, folder, windows), identity


if __name__ == "__main__":
    sys.exit(main())
