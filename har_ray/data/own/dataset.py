"""A user's own recordings, files described by a short YAML file, as a `Dataset`.

The parts: `descriptor.py`, what that file may say; `files.py`, columns of a file, of any kind in `formats/`;
`found.py`, which files there are; `look.py`, their first rows; `scan.py`, the words and the checksum of each, kept from
call to call; `contents.py`, who does what; `clock.py`, the time that a file tells; `rows.py`, whose rows it holds;
`streams.py`, these in the order of time; `reader.py`, recordings of one file; `join.py`, of several; `intervals.py`,
labels that stand in other files; `fingerprint.py`, what tells them from others. Users read docs/own-recordings.md.
"""

import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median

from har_ray.data.dataset import Channel, Dataset
from har_ray.data.own.contents import Contents
from har_ray.data.own.descriptor import Descriptor
from har_ray.data.own.fingerprint import fingerprint
from har_ray.data.own.formats.opening import exists, on_disk
from har_ray.data.own.found import SHOWN, find_files, grouped, some
from har_ray.data.own.intervals import IntervalFile, read_intervals
from har_ray.data.own.look import look
from har_ray.data.own.presets import context
from har_ray.data.own.reader import READING, read
from har_ray.data.own.scan import Scan, Wanted, kept_beside, scan_files
from har_ray.data.own.table import Table, TableFile
from har_ray.data.soundness.finding import refuse
from har_ray.errors import DataError, GridError, unknown
from har_ray.yaml_check import load
from har_ray.yaml_file import KeyPath, YamlFile

log = logging.getLogger(__name__)


def load_table(name: str, path: Path) -> Dataset:
    """The dataset that the descriptor `path` describes; a second call reads no file that has not changed.

    Raises:
        GridError: with all that is wrong with the descriptor, a line each.
        DataError: with all files that lack a column, cannot be read or hold a label of no class.
    """
    file = YamlFile.read(path)
    if {"datasets", "variants"} <= file.content.keys():
        raise GridError(f"{path}: a grid; expected a descriptor of recordings (docs/own-recordings.md)")
    spec = load(Descriptor, file, context(file.content))
    found = find_files(spec, file, path.absolute().parent)
    return described(name, file, spec, found, kept_beside(path))


def described(
    name: str, file: YamlFile, spec: Descriptor, found: Mapping[str, Sequence[Path]], kept: Path | None
) -> Dataset:
    """The dataset that a descriptor makes of the files of each source.

    Args:
        spec: what `file` says.
        kept: where what is known of the files is kept; None for nowhere.

    Raises:
        DataError: as `load_table`.
    """
    folder = file.path.absolute().parent
    unlabelled = Table(name, folder, spec, {}, grouped(spec, found, folder))
    files = [TableFile(unlabelled, source, path) for source, paths in found.items() for path in paths]
    _check_units(file, spec, files)
    scans = scan_files({one.name: _wanted(spec, one) for one in files}, kept)
    _check_rows(file, spec, files, scans)
    rate_hz = _rate_hz(spec, files, scans)
    intervals = _intervals(spec, folder, files)
    contents = Contents.of(file.path, spec, files, scans, intervals, rate_hz)
    if nobody := contents.unmatched():
        log.warning("%s: label.intervals: intervals of nobody: %s", file.path, nobody)
    refuse(str(file.path), contents.near_names(), spec.strict)
    table = replace(unlabelled, legend=contents.legend, intervals=intervals)
    return _dataset(table, contents, rate_hz, fingerprint(table, files, scans))


def _dataset(table: Table, contents: Contents, rate_hz: float, fingerprint: str) -> Dataset:
    spec, paths = table.spec, [one.path for one in contents.files]
    globs = " and ".join(part.files for part in spec.parts.values())
    return Dataset(
        name=table.name,
        title=f"own recordings: {len(paths)} files {globs}, described by {contents.path}",
        homepage=str(contents.path),
        terms="your own",
        citation="your own",
        archive=None,
        reading=READING,
        fingerprint=fingerprint,
        origin=str(contents.path.absolute()),
        rate_hz=rate_hz,
        channels=tuple(Channel(name, channel.unit) for name, channel in spec.all_channels.items()),
        classes=contents.classes,
        null_name=next((label for label in spec.label.no_class if label), None),
        subjects=contents.everybody,
        samples=contents.samples,
        presets={preset: spec.preset(preset) for preset in spec.presets},
        locate=partial(_locate, paths, list(table.groups)),
        read=partial(read, table),
        files=partial(_disk_files, paths),
        first=partial(read, table, batches=1),
        labelled=contents.by_subject_and_class(),
        findings=tuple(contents.near_names()),
        strict=spec.strict,
    )


def _wanted(spec: Descriptor, file: TableFile) -> Wanted:
    said = spec.model_dump_json(include={"rate_hz", "recording", "subject", "units", "time", "sources", "channels"})
    label, labelled = spec.label, file.is_labelled and spec.label.until_next
    return Wanted(
        path=file.path,
        words=spec.scanned_words(file.source),
        spec=file.spec,
        rows=file.part.rows,
        lasting=(label.column, spec.subject.column) if label.column is not None and labelled else None,
        said=hashlib.sha256(said.encode()).hexdigest(),
        look=partial(look, file, spec.sources is None),
    )


def _check_units(file: YamlFile, spec: Descriptor, files: Sequence[TableFile]) -> None:
    """Raises `DataError` for a rule of units that no file comes under."""
    for i, rule in enumerate(spec.units):
        if not any(rule.of_file(one.relative) for one in files):
            where = file.where(("units", i, "files"))
            raise DataError(f"{where}{unknown('file', rule.files, [one.relative for one in files][:SHOWN])}")


def _check_rows(file: YamlFile, spec: Descriptor, files: Sequence[TableFile], scans: Mapping[str, Scan]) -> None:
    """Raises `DataError` for a source of whose rows no file has one."""
    for name, part in spec.parts.items():
        found = [scans[one.name] for one in files if one.source == name]
        if part.rows and not any(scan.rows for scan in found):
            of, key = part.rows, "column" if part.rows.value is None else "value"
            known = dict.fromkeys(word for scan in found for word in scan.words[str(of.column)])
            empty = f"no row has a number in column {of.column!r}"
            at: KeyPath = ("sources", name, "rows", key) if name else ("rows", key)
            raise DataError(f"{file.where(at)}{empty if of.value is None else unknown('value', of.value, known)}")


def _rate_hz(spec: Descriptor, files: Sequence[TableFile], scans: Mapping[str, Scan]) -> float:
    """As the descriptor says, or in the middle of what the files' first rows tell."""
    if isinstance(spec.rate_hz, float):
        return spec.rate_hz
    return median([found for one in files if (found := scans[one.name].rate_hz)] or [1.0])


def _intervals(spec: Descriptor, folder: Path, files: Sequence[TableFile]) -> dict[str, IntervalFile]:
    """The intervals of each file, by its relative path; none where labels stand elsewhere."""
    if spec.label.intervals is None:
        return {}
    time = next(iter(spec.parts.values())).time
    return read_intervals(spec.label.intervals, folder, [one.relative for one in files], time.zone if time else None)


def _disk_files(files: Sequence[Path], folder: Path | None) -> list[Path]:
    """Every file that is read, of members of archives these."""
    return list(dict.fromkeys(map(on_disk, files)))


def _locate(files: Sequence[Path], sources: Sequence[str], folder: Path | None) -> list[str]:
    """A source for each recording or file; `folder` is not used, the descriptor says where they are."""
    if missing := [str(file) for file in files if not exists(file)]:
        raise DataError(f"{some(missing)}: no longer exists")
    return list(sources)
