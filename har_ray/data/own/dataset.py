"""A user's own recordings, files described by a short YAML file, as a `Dataset`.

The parts: `descriptor.py`, what that file may say; `files.py`, columns of a file, of any kind in `formats/`;
`found.py`, which files there are; `look.py`, their first rows; `scan.py`, who and what is in them, kept from call to
call; `clock.py`, the time that they tell; `streams.py`, whose rows they hold; `reader.py`, recordings of one file;
`join.py`, of several; `intervals.py`, labels that stand in other files. Users read docs/own-recordings.md.
"""

import hashlib
import json
import logging
from collections.abc import Mapping, Sequence, Set
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from pydantic import BaseModel

from har_ray.data.cleaning import natural_key
from har_ray.data.dataset import NULL, Channel, Dataset
from har_ray.data.own.descriptor import Descriptor, WordSource, context
from har_ray.data.own.formats.opening import exists, on_disk
from har_ray.data.own.found import SHOWN, find_files, grouped, some
from har_ray.data.own.intervals import IntervalFile, read_intervals
from har_ray.data.own.look import look
from har_ray.data.own.near_names import Seen, near_labels, near_subjects
from har_ray.data.own.paths import word_in
from har_ray.data.own.reader import READING, read
from har_ray.data.own.scan import Scan, Wanted, scan_files
from har_ray.data.own.streams import Table, TableFile
from har_ray.errors import DataError, GridError, unknown
from har_ray.yaml_check import load
from har_ray.yaml_file import YamlFile

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
    folder = path.absolute().parent
    found = find_files(spec, file, folder)
    unlabelled = Table(name, folder, spec, {}, grouped(spec, found, folder))
    files = [TableFile(unlabelled, source, path) for source, paths in found.items() for path in paths]
    _check_units(file, spec, files)
    wanted = {one.name: _wanted(spec, one) for one in files}
    scans = scan_files(wanted, folder / f".{path.name}.scan.json")
    first = [one for one in files if one.is_labelled]
    rates = [rate_hz for one in files if (rate_hz := scans[one.name].rate_hz)]
    rate_hz = spec.rate_hz if isinstance(spec.rate_hz, float) else median(rates or [1.0])
    intervals = _intervals(spec, folder, files)
    labelled: Sequence[TableFile | IntervalFile] = first
    if intervals:
        labelled = [intervals[one.relative] for one in first]
        labels = [intervals[one.relative].words(rate_hz) for one in first]
    else:
        labels = _words(spec.label, first, scans)
    subjects = _words(spec.subject, files, scans)
    classes = spec.label.class_names(word for words in labels for word in words)
    legend = dict.fromkeys(spec.label.no_class, NULL) | {c: i for i, c in enumerate(classes)}
    legend |= {label: classes.index(c) for label, c in spec.label.map.items()}
    _check(path, labelled, labels, files, subjects, legend)
    decided = {*spec.label.map, *spec.label.classes}
    near = [
        *near_subjects(_seen(files, subjects), from_path=spec.subject.column is None),
        *near_labels(_seen(labelled, labels), legend, decided),
    ]
    if near and spec.strict:
        raise DataError("\n".join(f"{path}: {one}" for one in near))
    for one in near:
        log.warning("%s: %s", path, one)
    table = replace(unlabelled, legend=legend, intervals=intervals)
    return Dataset(
        name=name,
        title=f"own recordings: {len(files)} files {_globs(spec)}, described by {path}",
        homepage=str(path),
        terms="your own",
        citation="your own",
        archive=None,
        reading=READING,
        fingerprint=_fingerprint(table, files, scans),
        origin=str(path.absolute()),
        rate_hz=rate_hz,
        channels=tuple(Channel(name, channel.unit) for name, channel in spec.all_channels.items()),
        classes=classes,
        null_name=next((label for label in spec.label.no_class if label), None),
        subjects=tuple(sorted({subject for words in subjects for subject in words}, key=natural_key)),
        samples=sum(n for words in labels for label, (_, n) in words.items() if legend[label] != NULL),
        presets={preset: spec.preset(preset) for preset in spec.presets},
        locate=partial(_locate, [one.path for one in files], list(table.groups)),
        read=partial(read, table),
        files=partial(_disk_files, [one.path for one in files]),
        first=partial(read, table, batches=1),
        labelled=_labelled(labels, _words(spec.subject, first, scans), classes, legend),
        strict=spec.strict,
    )


def _labelled(
    labels: Sequence[Any], subjects: Sequence[Any], classes: Sequence[str], legend: Mapping[str, int]
) -> dict[str, dict[str, int]] | None:
    """Samples by subject and class; None where a file holds several of both, whose rows nobody has counted together."""
    found: dict[str, dict[str, int]] = {}
    for words, people in zip(labels, subjects, strict=True):
        if len(words) > 1 and len(people) > 1:
            return None
        for subject, (_, of_subject) in people.items():
            for word, (_, of_word) in words.items():
                if legend[word] != NULL:
                    counts, name = found.setdefault(subject, {}), classes[legend[word]]
                    counts[name] = counts.get(name, 0) + min(of_subject, of_word)
    return found


def _globs(spec: Descriptor) -> str:
    return " and ".join(part.files for part in spec.parts.values())


def _wanted(spec: Descriptor, file: TableFile) -> Wanted:
    said = spec.model_dump_json(include={"rate_hz", "recording", "subject", "units", "time", "sources", "channels"})
    return Wanted(
        path=file.path,
        words=spec.scanned_words(file.source),
        spec=file.spec,
        said=hashlib.sha256(said.encode()).hexdigest(),
        look=partial(look, file, spec.sources is None),
    )


def _check_units(file: YamlFile, spec: Descriptor, files: Sequence[TableFile]) -> None:
    """Raises `DataError` for a rule of units that no file comes under."""
    for i, rule in enumerate(spec.units):
        if not any(rule.of_file(one.relative) for one in files):
            where = file.where(("units", i, "files"))
            raise DataError(f"{where}{unknown('file', rule.files, [one.relative for one in files][:SHOWN])}")


def _intervals(spec: Descriptor, folder: Path, files: Sequence[TableFile]) -> dict[str, IntervalFile]:
    """The intervals of each file, by its relative path; none where labels stand elsewhere."""
    if spec.label.intervals is None:
        return {}
    time = next(iter(spec.parts.values())).time
    return read_intervals(spec.label.intervals, folder, [one.relative for one in files], time.zone if time else None)


def _words(
    source: WordSource, files: Sequence[TableFile], scans: Mapping[str, Scan]
) -> list[dict[str, tuple[int, int]]]:
    """Of each file: word → (first row, -1 where the word is in the file's path; number of rows)."""
    if source.column is not None:
        return [scans[file.name].words[str(source.column)] for file in files]
    found = [word_in(file.relative, source.pattern or "") for file in files]
    if missed := [str(file.path) for file, word in zip(files, found, strict=True) if not word]:
        raise DataError(f"{some(missed)}: the path does not match the pattern {source.pattern!r}")
    return [{word: (-1, scans[file.name].rows)} for file, word in zip(files, found, strict=True) if word]


def _check(
    path: Path,
    labelled: Sequence[TableFile | IntervalFile],
    labels: Sequence[Any],
    files: Sequence[TableFile],
    subjects: Sequence[Any],
    legend: Mapping[str, int],
) -> None:
    """Raises `DataError` for labels of no class, naming the first line of each, and for rows without a subject."""
    first: dict[str, str] = {}
    for file, words in zip(labelled, labels, strict=True):
        for label, (row, _) in words.items():
            if label not in legend and label not in first:
                first[label] = _where(file, row) if len(first) < SHOWN else ""
    faults = [f"{where}: {unknown('label', label, filter(None, legend))}" for label, where in first.items() if where]
    if len(first) > SHOWN:
        faults.append(f"... and {len(first) - SHOWN} more labels")
    if first:
        faults.append(f"{path}: label: add them to map, classes or no_class")
    for file, words in zip(files, subjects, strict=True):
        if "" in words:
            faults.append(f"{_where(file, words[''][0])}: no subject")
    if not set(legend.values()) - {NULL}:
        faults.append(f"{path}: label: no sample has a label")
    if faults:
        raise DataError("\n".join(faults))


def _seen(files: Sequence[TableFile | IntervalFile], words: Sequence[Mapping[str, tuple[int, int]]]) -> dict[str, Seen]:
    """Word → where it stands first and how often, of all files."""
    found: dict[str, Seen] = {}
    for file, of_file in zip(files, words, strict=True):
        for word, (row, n) in of_file.items():
            where, before = found.get(word, (partial(_where, file, row), 0))
            found[word] = Seen(where, before + n)
    return found


def _where(file: TableFile | IntervalFile, row: int) -> str:
    return f"{file.path}: {file.row_name(row)}" if row >= 0 else str(file.path)


def _fingerprint(table: Table, files: Sequence[TableFile], scans: Mapping[str, Scan]) -> str:
    described = _described(table.spec)
    content = [[file.relative, scans[file.name].size, scans[file.name].sha256] for file in files]
    found: list[Any] = [described, table.legend, content]
    if table.intervals:
        found += [
            [name, one.relative, [(mark.start_s, mark.end_s, mark.label) for mark in one.intervals]]
            for name, one in table.intervals.items()
        ]
    return hashlib.sha256(json.dumps(found).encode()).hexdigest()


def _described(spec: Descriptor) -> dict[str, Any]:
    """What is said of recordings: windows keep their id where nothing is said by keys that came later.

    Presets are in that id already: adding one must not make the windows of the others again.
    """
    described = _said(
        spec, {"rate_hz", "subject", "label", "channels", "time"}, {"presets", "files", "members", "strict"}
    )
    described["label"] = _said(spec.label, {"column", "pattern", "map", "classes", "no_class"})
    if spec.time:
        described["time"] = _said(spec.time, {"column", "unit"})
    if spec.channels:
        described["channels"] = {name: _said(one, {"column", "unit"}) for name, one in spec.channels.items()}
    return described


def _said(section: BaseModel, always: Set[str], never: Set[str] = frozenset()) -> dict[str, Any]:
    """The keys of a section that differ from their defaults, and those in `always`."""
    fields = type(section).model_fields
    given = {name for name, field in fields.items() if name in always or getattr(section, name) != field.default}
    return section.model_dump(include=given - never)


def _disk_files(files: Sequence[Path], folder: Path | None) -> list[Path]:
    """Every file that is read, of members of archives these."""
    return list(dict.fromkeys(map(on_disk, files)))


def _locate(files: Sequence[Path], sources: Sequence[str], folder: Path | None) -> list[str]:
    """A source for each recording or file; `folder` is not used, the descriptor says where they are."""
    if missing := [str(file) for file in files if not exists(file)]:
        raise DataError(f"{some(missing)}: no longer exists")
    return list(sources)
