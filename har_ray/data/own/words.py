"""Who is recorded and what is done, as a descriptor says it: words in a column or in the path."""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import Field, model_validator

from har_ray.data.cleaning import natural_key
from har_ray.data.own.columns import Column
from har_ray.data.own.formats.kinds import VALUE, WORD
from har_ray.data.own.interval_source import IntervalSource
from har_ray.data.own.paths import Pattern
from har_ray.data.own.section import Name, Section, Text
from har_ray.errors import unknown


class WordSource(Section):
    """A word in a column, or in a file's path as the one group of a regular expression."""

    column: Column | None = None
    pattern: Pattern | None = None

    @model_validator(mode="after")
    def _either(self) -> "WordSource":
        if (self.column is None) == (self.pattern is None):
            raise ValueError("expected either column or pattern (of the file's path)")
        return self


class RowSource(Section):
    """The rows of a file that are read: those with a word in a column, or with a number where none is said."""

    column: Column
    value: Name | None = None

    @property
    def types(self) -> dict[Column, pa.DataType]:
        """What the column is to be read as."""
        return {self.column: VALUE if self.value is None else WORD}

    def of(self, batch: pa.RecordBatch) -> npt.NDArray[np.intp]:
        """Their indices in a batch in which the column is read as `types` says."""
        words = batch[str(self.column)]
        if self.value is None:
            return np.flatnonzero(np.isfinite(words.to_numpy(zero_copy_only=False)))
        known = [i for i, word in enumerate(words.dictionary.to_pylist()) if word.strip() == self.value]
        return np.flatnonzero(np.isin(words.indices.to_numpy(), known))


class SubjectSource(WordSource):
    """Who is recorded."""


class LabelSource(WordSource):
    """What the subject does.

    Attributes:
        map: label in the files → class. Labels that are classes need not be listed.
        classes: in label order; by default those of `map` in the order of first mention, and without a `map` every
            label in the files, in natural order.
        no_class: labels of samples that belong to no class, by default the empty one.
        until_next: a label in the column lasts until the next one, whichever rows these are in.
        intervals: a file of labelled intervals for each recording, in the place of column and pattern.
    """

    intervals: IntervalSource | None = Field(default=None, exclude=True)  # their content is in the fingerprint
    map: dict[Text, Name] = {}  # noqa: RUF012, pydantic copies it
    classes: tuple[Name, ...] = ()
    no_class: tuple[Text, ...] = ("",)
    until_next: bool = False

    @model_validator(mode="after")
    def _either(self) -> "LabelSource":
        if sum(given is not None for given in (self.column, self.pattern, self.intervals)) != 1:
            raise ValueError("expected one of column, pattern (of the file's path) and intervals (in another file)")
        if self.until_next and self.column is None:
            raise ValueError("until_next is of labels in a column; of intervals it stands among their keys")
        return self

    @model_validator(mode="after")
    def _consistent(self) -> "LabelSource":
        wrong = [f"map: {unknown('class', c, self.classes)}" for c in self.map.values() if c not in self.class_names()]
        both = set(self.no_class) & {*self.map, *self.class_names()}
        wrong += [f"no_class: {label!r} also stands in map or classes" for label in sorted(both)]
        wrong += [f"classes: {c!r} is listed twice" for i, c in enumerate(self.classes) if c in self.classes[:i]]
        if wrong:
            raise ValueError("\n".join(wrong))
        return self

    def class_names(self, found: Iterable[str] = ()) -> tuple[str, ...]:
        """The classes in label order; `found` are the labels in the files, for a descriptor that names none."""
        named = self.classes or tuple(dict.fromkeys(self.map.values()))
        return named or tuple(sorted(set(found) - set(self.no_class), key=natural_key))


class LastingLabels:
    """Labels of one file that last until the next one of the same subject: blank cells get the one before."""

    def __init__(self, label: Column, subject: Column | None) -> None:
        self.label, self.subject = label, subject
        self._last, self._of = "", ""

    def filled(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The next batch of the file, in which both columns are read as `WORD`, without the blanks."""
        column = batch[str(self.label)]
        words, codes = [word.strip() for word in column.dictionary.to_pylist()], column.indices.to_numpy()
        n, of = len(codes), self._subjects(batch)
        if not n:
            return batch
        written = ~np.isin(codes, [i for i, word in enumerate(words) if not word])
        rows = np.arange(n)
        at = np.maximum.accumulate(np.where(written, rows, -1))
        begins = np.maximum.accumulate(np.where(np.append(False, of[1:] != of[:-1]), rows, 0))
        # Behind the words stand the label that lasts from the batch before, and none.
        last = self._last if of[0] == self._of else ""
        found = np.where(at >= begins, codes[at], np.where(begins == 0, len(words), len(words) + 1))
        legend = [*words, last, ""]
        self._last, self._of = legend[found[-1]], of[-1]
        filled = pa.DictionaryArray.from_arrays(pa.array(found, column.indices.type), pa.array(legend, pa.string()))
        return batch.set_column(batch.schema.get_field_index(str(self.label)), str(self.label), filled)

    def _subjects(self, batch: pa.RecordBatch) -> npt.NDArray[np.object_]:
        """Whose each row is, `[n]`."""
        if self.subject is None:
            return np.full(batch.num_rows, "", dtype=object)
        column = batch[str(self.subject)]
        words = np.array([word.strip() for word in column.dictionary.to_pylist()] or [""], dtype=object)
        found: npt.NDArray[np.object_] = words[column.indices.to_numpy()]
        return found
