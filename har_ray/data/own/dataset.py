"""A user's own recordings, files described by a short YAML file, as a `Dataset`.

The parts: `descriptor.py`, what that file may say; `files.py`, columns of a file, of any kind in `formats/`; `scan.py`,
who and what is in the files, kept from call to call; `reader.py`, a file's recordings. Users read
docs/own-recordings.md.
"""

import hashlib
import json
import os
import re
from collections.abc import Mapping, Sequence
from functools import partial
from glob import glob
from pathlib import Path
from typing import Any

from har_ray.data.cleaning import natural_key
from har_ray.data.dataset import NULL, Channel, Dataset
from har_ray.data.own.columns import Column
from har_ray.data.own.descriptor import Descriptor, context
from har_ray.data.own.files import row_name
from har_ray.data.own.format import AUTO, FileSpec
from har_ray.data.own.formats.opening import exists, with_members
from har_ray.data.own.reader import READING, Table, read
from har_ray.data.own.scan import Scan, scan_files
from har_ray.errors import DataError, unknown
from har_ray.yaml_check import load
from har_ray.yaml_file import YamlFile

SHOWN = 5
"""How many unknown labels or unmatched files an error lists."""


def load_table(name: str, path: Path) -> Dataset:
    """The dataset that the descriptor `path` describes; a second call reads no file that has not changed.

    Raises:
        GridError: with all that is wrong with the descriptor, a line each.
        DataError: with all files that lack a column, cannot be read or hold a label of no class.
    """
    file = YamlFile.read(path)
    spec = load(Descriptor, file, context(file.content))
    folder = path.absolute().parent
    # Unlike Path.glob, this skips hidden files, such as macOS leaves beside every copied one.
    found = sorted(glob(spec.files, root_dir=folder, recursive=True), key=natural_key)  # noqa: PTH207
    if not found:
        raise DataError(f"{path}:{file.lines['files',]}: files: no file matches {spec.files!r} below {folder}")
    files = with_members([Path(os.path.normpath(folder / one)) for one in found], spec.members)
    scans = scan_files(files, spec.words, spec.file_spec, folder / f".{path.name}.scan.json")
    labels = _words(spec.label.column, spec.label.pattern, files, scans, folder)
    subjects = _words(spec.subject.column, spec.subject.pattern, files, scans, folder)
    classes = spec.label.class_names(word for words in labels for word in words)
    legend = dict.fromkeys(spec.label.no_class, NULL) | {c: i for i, c in enumerate(classes)}
    legend |= {label: classes.index(c) for label, c in spec.label.map.items()}
    _check(path, spec.file_spec, files, labels, subjects, legend)
    table = Table(name, folder, spec, legend)
    return Dataset(
        name=name,
        title=f"own recordings: {len(files)} files {spec.files}, described by {path}",
        homepage=str(path),
        terms="your own",
        citation="your own",
        archive=None,
        reading=READING,
        fingerprint=_fingerprint(table, files, scans),
        origin=str(path.absolute()),
        rate_hz=spec.rate_hz,
        channels=tuple(Channel(name, channel.unit) for name, channel in spec.channels.items()),
        classes=classes,
        null_name=next((label for label in spec.label.no_class if label), None),
        subjects=tuple(sorted({subject for words in subjects for subject in words}, key=natural_key)),
        samples=sum(n for words in labels for label, (_, n) in words.items() if legend[label] != NULL),
        presets={preset: spec.preset(preset) for preset in spec.presets},
        locate=partial(_locate, files),
        read=partial(read, table),
        first=partial(read, table, batches=1),
        labelled=_labelled(labels, subjects, classes, legend),
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


def _words(
    column: Column | None, pattern: str | None, files: Sequence[Path], scans: Sequence[Scan], folder: Path
) -> list[dict[str, tuple[int, int]]]:
    """Of each file: word → (first row, -1 where the word is in the file's path; number of rows)."""
    if column is not None:
        return [scan.words[str(column)] for scan in scans]
    matches = [re.search(pattern or "", Path(os.path.relpath(file, folder)).as_posix()) for file in files]
    missed = [str(file) for file, match in zip(files, matches, strict=True) if not match or not match[1]]
    if missed:
        raise DataError(f"{_some(missed)}: the path does not match the pattern {pattern!r}")
    return [{match[1]: (-1, scan.rows)} for match, scan in zip(matches, scans, strict=True) if match]


def _check(
    path: Path,
    spec: FileSpec,
    files: Sequence[Path],
    labels: Sequence[Any],
    subjects: Sequence[Any],
    legend: Mapping[str, int],
) -> None:
    """Raises `DataError` for labels of no class, naming the first line of each, and for rows without a subject."""
    first: dict[str, str] = {}
    for file, words in zip(files, labels, strict=True):
        for label, (row, _) in words.items():
            if label not in legend and label not in first:
                first[label] = _where(file, row, spec) if len(first) < SHOWN else ""
    faults = [f"{where}: {unknown('label', label, filter(None, legend))}" for label, where in first.items() if where]
    if len(first) > SHOWN:
        faults.append(f"... and {len(first) - SHOWN} more labels")
    if first:
        faults.append(f"{path}: label: add them to map, classes or no_class")
    for file, words in zip(files, subjects, strict=True):
        if "" in words:
            faults.append(f"{_where(file, words[''][0], spec)}: no subject")
    if not set(legend.values()) - {NULL}:
        faults.append(f"{path}: label: no sample has a label")
    if faults:
        raise DataError("\n".join(faults))


def _where(file: Path, row: int, spec: FileSpec) -> str:
    return f"{file}: {row_name(file, row, spec)}" if row >= 0 else str(file)


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")


def _fingerprint(table: Table, files: Sequence[Path], scans: Sequence[Scan]) -> str:
    # Presets are in the windows' id already: adding one must not make the windows of the others again.
    ignored = {"presets", "files", "members", "strict"} | ({"format"} if table.spec.format == AUTO else set())
    described = table.spec.model_dump(exclude=ignored)
    content = [[table.relative(file), scan.size, scan.sha256] for file, scan in zip(files, scans, strict=True)]
    return hashlib.sha256(json.dumps([described, table.legend, content]).encode()).hexdigest()


def _locate(files: Sequence[Path], folder: Path | None) -> list[str]:
    """The files; `folder` is not used, the descriptor says where they are."""
    missing = [str(file) for file in files if not exists(file)]
    if missing:
        raise DataError(f"{_some(missing)}: no longer exists")
    return [str(file) for file in files]
