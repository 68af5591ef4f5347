"""The stage `windows`: raw files found or fetched, identified, and cut into windows; then every split is tried."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from har_ray.data.account import left_out_lines, summed
from har_ray.data.protocol import Protocol
from har_ray.data.raw.fetch import fetch, raw_folder
from har_ray.data.raw.identity import identify
from har_ray.data.soundness import checks
from har_ray.data.soundness.finding import Finding, refuse
from har_ray.data.splits import VAL_WINDOWS_SHARE, subject_parts
from har_ray.data.tensors import check_split
from har_ray.data.windows import WindowSpec
from har_ray.errors import DataError
from har_ray.spec.dataset import DatasetSpec
from har_ray.spec.grid import GridSpec
from har_ray.store.results import Row
from har_ray.store.stores import Stores

NOT_FETCHED = "not fetched"
"""Stands for the fingerprint of raw files that nobody has seen yet, in a plan."""
RANDOM_TRAIN, RANDOM_VAL = 0.72, 0.13
"""The parts of windows that the random protocol leaves for training and validation: 0.85², 0.85 · 0.15."""


class PartSizes(NamedTuple):
    """How many windows a fold has for training and for validation."""

    train: int
    val: int


def window_specs(spec: GridSpec) -> list[WindowSpec]:
    """What the windows of each dataset are made of, as far as its raw files are here; nothing is fetched."""
    specs = []
    for entry in spec.datasets:
        folder = raw_folder(entry.dataset, Path(spec.data)) if entry.dataset.archive else None
        there = folder is not None or entry.dataset.archive is None
        found = identify(entry.dataset, folder, Path(spec.data)).fingerprint if there else NOT_FETCHED
        specs.append(WindowSpec.of(entry.dataset, found, entry.cut))
    return specs


def prepare_all(spec: GridSpec, stores: Stores) -> tuple[list[WindowSpec], list[Row]]:
    """Fetch what is missing, cut it, and try every split, before compute is spent. Needs a running Ray.

    Returns:
        What the windows of each dataset are made of, and what a report says of them.

    Raises:
        DataError: recordings cannot be read, or no honest result can follow from them.
    """
    # Ray takes seconds to import, which a plan need not wait for.
    from har_ray.data.shards import prepare

    specs, found, said = [], [], set[tuple[str, Finding]]()
    for entry in spec.datasets:
        folder = None if entry.own else fetch(entry.dataset, Path(spec.data), entry.path)
        identity = identify(entry.dataset, folder, Path(spec.data))
        windows = WindowSpec.of(entry.dataset, identity.fingerprint, entry.cut)
        manifest = prepare(entry.dataset, windows, identity, folder, stores.windows)
        if identify(entry.dataset, folder, Path(spec.data)) != identity:
            raise DataError(f"{entry.name}: {identity.origin} changed while it was read; run the same command again")
        print(f"[windows] {entry.name}, {entry.preset_label}: {manifest['windows']:,} windows")
        for line in left_out_lines(manifest):
            print(f"[windows]   {line}")
        findings = checks.of_windows(manifest, entry.protocols)
        refuse(entry.name, findings, entry.dataset.strict)
        for finding in (one for one in findings if (entry.name, one) not in said):
            print(f"[windows]   warning: {finding}")
            said.add((entry.name, finding))
        specs.append(windows)
        folds = [_fold(protocol, windows, stores) for protocol in entry.protocols]
        found.append(_description(entry, manifest, findings, folds))
    return specs, found


def planned_findings(spec: GridSpec, specs: Sequence[WindowSpec], stores: Stores) -> list[str]:
    """What is known before a run of what is wrong with the recordings, a line each, and how far they were looked at.

    Raises:
        DataError: with a line for each cause for which no honest result can follow, of all datasets.
    """
    lines, refused = dict[str, None](), dict[str, None]()
    for entry, windows in zip(spec.datasets, specs, strict=True):
        manifest = stores.windows.manifest(windows.id)
        if manifest is not None:
            looked, findings = checks.looked_at_windows(manifest), checks.of_windows(manifest, entry.protocols)
        else:
            looked, findings = checks.before_windows(entry.dataset, entry.cut, entry.protocols)
        lines |= dict.fromkeys(f"{entry.name}: warning: {finding}" for finding in findings)
        lines[f"{entry.name}: {looked}"] = None
        try:
            refuse(entry.name, findings, entry.dataset.strict)
        except DataError as error:
            refused |= dict.fromkeys(str(error).split("\n"))
    if refused:
        raise DataError("\n".join(refused))
    return list(lines)


def _fold(protocol: Protocol, windows: WindowSpec, stores: Stores) -> Row:
    parts = check_split(stores.storage, windows.id, protocol)
    fold: Row = {"protocol": protocol.label, "fold": protocol.fold}
    fold |= {part: summary.subjects for part, summary in parts.items()}
    return fold | {f"{part}_windows": summary.windows for part, summary in parts.items()}


def _description(entry: DatasetSpec, manifest: Row, findings: list[Finding], folds: list[Row]) -> Row:
    keys = ("windows_id", "source", "rate_hz", "window", "windows", "classes", "rejects")
    return {
        "dataset": entry.name,
        "preset": entry.preset_label,
        "about": {key: getattr(entry.dataset, key) for key in ("title", "homepage", "terms", "citation")},
        "folds": folds,
        "findings": [finding.as_row for finding in findings],
        "account": summed(manifest["files"]) if "files" in manifest else None,
        "channels": [channel["name"] for channel in manifest["channels"]],
        "stride_s": entry.cut.stride_s,
        **{key: manifest[key] for key in (*keys, "windows_per_subject_and_class")},
    }


def part_sizes(entry: DatasetSpec, windows_id: str, protocol: Protocol, stores: Stores) -> PartSizes:
    """Counted where the windows exist, else estimated from the dataset's nominal size."""
    if stores.windows.manifest(windows_id) is not None:
        parts = check_split(stores.storage, windows_id, protocol)
        return PartSizes(parts["train"].windows, parts["val"].windows)
    everything = entry.dataset.samples / entry.dataset.rate_hz / entry.cut.stride_s
    train, val = RANDOM_TRAIN, RANDOM_VAL
    if protocol.by_subject:
        parts_of = subject_parts(protocol, entry.all_subjects)
        train, val = (len(part) / len(entry.all_subjects) for part in (parts_of.train, parts_of.val))
        if protocol.val == "windows":
            train, val = (1 - VAL_WINDOWS_SHARE) * train, VAL_WINDOWS_SHARE * train
    return PartSizes(max(1, round(everything * train)), max(1, round(everything * val)))
