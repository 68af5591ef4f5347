"""Who does what in which of a user's files, known before any is read for training."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

from har_ray.data.cleaning import natural_key
from har_ray.data.dataset import NULL
from har_ray.data.own.descriptor import Descriptor
from har_ray.data.own.found import SHOWN, some
from har_ray.data.own.intervals import IntervalFile, left_over, without_intervals
from har_ray.data.own.near_names import Seen, near_labels, near_subjects
from har_ray.data.own.paths import word_in
from har_ray.data.own.scan import Scan
from har_ray.data.own.table import TableFile
from har_ray.data.own.words import WordSource
from har_ray.data.soundness.finding import Finding
from har_ray.errors import DataError, unknown

WordRows = dict[str, tuple[int, int]]
"""Word → its first row, -1 where it stands in the file's path; and in how many rows it is."""


@dataclass(frozen=True)
class Contents:
    """The words in all files.

    Attributes:
        path, spec: the descriptor.
        files, subjects: every file, and the subjects in each.
        labelled, labels: every file that says labels, one of a first source or of intervals, and the labels in each.
        people: the subjects in each file of the first source, as `labels`.
        together: of each of these, subject → label → in how many rows; nothing where one of them stands elsewhere.
    """

    path: Path
    spec: Descriptor
    files: Sequence[TableFile]
    subjects: Sequence[WordRows]
    labelled: Sequence[TableFile | IntervalFile]
    labels: Sequence[WordRows]
    people: Sequence[WordRows]
    together: Sequence[Mapping[str, Mapping[str, int]]]

    @classmethod
    def of(
        cls,
        path: Path,
        spec: Descriptor,
        files: Sequence[TableFile],
        scans: Mapping[str, Scan],
        intervals: Mapping[str, IntervalFile],
        rate_hz: float,
    ) -> "Contents":
        """Raises `DataError` with all labels of no class, a line for the first of each, and all rows without a subject.

        Args:
            intervals: of each file, by its relative path; nothing where labels stand elsewhere.
            rate_hz: of most files; tells about how many samples an interval has.
        """
        first = [one for one in files if one.is_labelled]
        in_files = [intervals[one.relative] for one in first] if intervals else []
        people, subjects = (_words(spec.subject, some, scans) for some in (first, files))
        rows = [scans[one.name].rows for one in first]
        if intervals:
            labels = [one.words(rate_hz, n, who) for one, n, who in zip(in_files, rows, people, strict=True)]
            together = [_by_subject(*one, rate_hz) for one in zip(in_files, people, strict=True)]
        else:
            labels, together = _words(spec.label, first, scans), [scans[one.name].together for one in first]
        contents = cls(path, spec, files, subjects, in_files or first, labels, people, together)
        without = [*contents._without_intervals()] or contents._without_labels()
        if faults := [*contents._unclear_labels(), *contents._nobodys_rows(), *without]:
            raise DataError("\n".join(faults))
        return contents

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """In label order."""
        return self.spec.label.class_names(word for words in self.labels for word in words)

    @cached_property
    def legend(self) -> dict[str, int]:
        """Label → class or `NULL`."""
        label, number = self.spec.label, {name: i for i, name in enumerate(self.classes)}
        return dict.fromkeys(label.no_class, NULL) | number | {word: number[name] for word, name in label.map.items()}

    @property
    def everybody(self) -> tuple[str, ...]:
        return tuple(sorted({subject for words in self.subjects for subject in words}, key=natural_key))

    @property
    def samples(self) -> int:
        """How many have a class."""
        return sum(n for words in self.labels for label, (_, n) in words.items() if self.legend[label] != NULL)

    def by_subject_and_class(self) -> dict[str, dict[str, int]] | None:
        """Samples; None where a file holds several of both, whose rows nobody has counted together."""
        found: dict[str, dict[str, int]] = {}
        for words, people, together in zip(self.labels, self.people, self.together, strict=True):
            if len(words) > 1 and len(people) > 1 and not together:
                return None
            counted = together or {
                subject: {word: min(of_subject, of_word) for word, (_, of_word) in words.items()}
                for subject, (_, of_subject) in people.items()
            }
            for subject, rows in counted.items():
                for word, n in rows.items():
                    if self.legend[word] != NULL:
                        counts, name = found.setdefault(subject, {}), self.classes[self.legend[word]]
                        counts[name] = counts.get(name, 0) + n
        return found

    def near_names(self) -> list[Finding]:
        """Subjects that may be one person, and labels that may be one activity."""
        label = self.spec.label
        return [
            *near_subjects(_seen(self.files, self.subjects), from_path=self.spec.subject.column is None),
            *near_labels(_seen(self.labelled, self.labels), self.legend, {*label.map, *label.classes}),
        ]

    def _unclear_labels(self) -> list[str]:
        first: dict[str, str] = {}
        for file, words in zip(self.labelled, self.labels, strict=True):
            for label, (row, _) in words.items():
                if label not in self.legend and label not in first:
                    first[label] = _where(file, row) if len(first) < SHOWN else ""
        known = [*filter(None, self.legend)]
        faults = [f"{where}: {unknown('label', label, known)}" for label, where in first.items() if where]
        if len(first) > SHOWN:
            faults.append(f"... and {len(first) - SHOWN} more labels")
        if first:
            faults.append(f"{self.path}: label: add them to map, classes or no_class")
        return faults

    def _without_labels(self) -> list[str]:
        return [] if set(self.legend.values()) - {NULL} else [f"{self.path}: label: no sample has a label"]

    def _without_intervals(self) -> Iterator[str]:
        """People of whom no interval is, where intervals say whose they are."""
        lacking, named = dict[Path, dict[str, list[str]]](), dict[Path, set[str]]()
        for file, people in zip(self.labelled, self.people, strict=True):
            if isinstance(file, IntervalFile) and file.subjects:
                named.setdefault(file.path, set()).update(file.subjects)
                for subject in set(people) - file.subjects - {""}:
                    lacking.setdefault(file.path, {})[subject] = [subject]
        for path, names in lacking.items():
            ordered = {name: names[name] for name in sorted(names, key=natural_key)}
            yield without_intervals(path, ordered, named[path], self.everybody)

    def unmatched(self) -> str:
        """The subjects of intervals of whom there is no row, for a message; empty where there are none."""
        named = {one for file in self.labelled if isinstance(file, IntervalFile) for one in file.subjects}
        return left_over(named - set(self.everybody), self.everybody)

    def _nobodys_rows(self) -> list[str]:
        found = zip(self.files, self.subjects, strict=True)
        return [f"{_where(file, words[''][0])}: no subject" for file, words in found if "" in words]


def _words(source: WordSource, files: Sequence[TableFile], scans: Mapping[str, Scan]) -> list[WordRows]:
    """Those of each file."""
    if source.column is not None:
        return [scans[file.name].words[str(source.column)] for file in files]
    found = [word_in(file.relative, source.pattern or "") for file in files]
    if missed := [str(file.path) for file, word in zip(files, found, strict=True) if not word]:
        raise DataError(f"{some(missed)}: the path does not match the pattern {source.pattern!r}")
    return [{word: (-1, scans[file.name].rows)} for file, word in zip(files, found, strict=True) if word]


def _by_subject(file: IntervalFile, people: WordRows, rate_hz: float) -> dict[str, dict[str, int]]:
    """Subject → label → about in how many samples, where intervals say whose they are; else nothing."""
    if not file.subjects:
        return {}
    return {
        subject: {word: n for word, (_, n) in file.words(rate_hz, rows, (subject,)).items()}
        for subject, (_, rows) in people.items()
    }


def _seen(files: Sequence[TableFile | IntervalFile], words: Sequence[WordRows]) -> dict[str, Seen]:
    """Word → where it stands first and how often, of all files."""
    found: dict[str, Seen] = {}
    for file, of_file in zip(files, words, strict=True):
        for word, (row, n) in of_file.items():
            where, before = found.get(word, (partial(_where, file, row), 0))
            found[word] = Seen(where, before + n)
    return found


def _where(file: TableFile | IntervalFile, row: int) -> str:
    return f"{file.path}: {file.row_name(row)}" if row >= 0 else str(file.path)
