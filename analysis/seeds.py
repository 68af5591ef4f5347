"""The scores of a seed, from the test predictions of its cells, which are read once and not kept.

With one fold the scores are those of the row. With several the test predictions of the folds are pooled first: a fold
may lack a class, and an average of such F1 scores has no meaning. The scores are those of `har_ray.metrics`, which
training computes too.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from analysis.events import EventScores, event_scores
from har_ray.errors import ExtensionError
from har_ray.metrics import Floats, Indices, Metric, load_metrics
from har_ray.metrics.calibration import calibration_error
from har_ray.metrics.confusion import confusion, f1_mean
from har_ray.metrics.f1_macro import MacroF1
from har_ray.registry import short_name
from har_ray.store.results import CLASSES, Row


class Score(NamedTuple):
    """A metric of the grid: its column, its title, and how it is computed, None where it can't be imported here."""

    name: str
    title: str
    metric: Metric | None
    why_not: str = ""

    @classmethod
    def of(cls, name: str) -> "Score":
        short = short_name(name)
        try:
            metric = load_metrics([name])[short]
        except ExtensionError as error:
            return cls(short, short, None, str(error))
        return cls(short, getattr(metric, "title", short), metric)  # without a title it could still be trained with


F1 = Score("f1_macro", MacroF1.title, MacroF1())
"""What variants are compared by, whether the grid lists it or not."""


@dataclass(frozen=True)
class Predictions:
    """Test predictions, one entry per window: subjects and labels (N,), logits (N, K).

    Attributes:
        names: of the K classes; none where the file does not say them.
        window_ids: `<recording>:<start>` (N,).
    """

    subjects: pa.StringArray
    labels: Indices
    logits: Floats
    names: tuple[str, ...] = ()
    window_ids: pa.StringArray = field(default_factory=lambda: pa.array([], pa.string()))

    @classmethod
    def of(cls, stored: pa.Table) -> "Predictions":
        """From the columns of `ResultStore.predictions`.

        Raises:
            KeyError, ValueError: they are not what a cell leaves.
        """
        table = stored.combine_chunks()
        logits = _matrix(table["logits"].chunk(0) if len(table) else [])
        labels = table["label"].to_numpy().astype(np.int64)
        if labels.min() < 0 or labels.max() >= logits.shape[1]:
            found = f"labels {labels.min()} to {labels.max()}, but {logits.shape[1]} logits"
            raise ValueError(f"predictions.parquet: {found}")
        if not np.isfinite(logits).all():
            raise ValueError("predictions.parquet: logits that are not finite")
        names = _names((table.schema.metadata or {}).get(CLASSES, b"[]"))
        subjects, window_ids = (table[name].chunk(0).cast(pa.string()) for name in ("subject", "window_id"))
        return cls(subjects, labels, logits, names, window_ids)

    @cached_property
    def predicted(self) -> Indices:
        """The class of the largest logit (N,)."""
        found: Indices = self.logits.argmax(axis=1)
        return found

    @property
    def classes(self) -> int:
        """K"""
        return int(self.logits.shape[1])

    def confusion(self) -> Indices:
        """(K, K): rows are labels, columns predictions."""
        return confusion(self.labels, self.predicted, self.classes)


@lru_cache
def _names(text: bytes) -> tuple[str, ...]:
    """The names of classes, the same object for the same text: thousands of cells share it."""
    return tuple(map(str, json.loads(text)))


def _matrix(lists: pa.ListArray) -> Floats:
    """Lists of the same length as (N, K)."""
    lengths = lists.value_lengths().unique() if len(lists) else []
    if len(lengths) != 1 or lists.null_count:
        raise ValueError(f"predictions.parquet: {len(lists)} windows with {len(lengths)} different numbers of logits")
    matrix: Floats = lists.flatten().to_numpy(zero_copy_only=False).reshape(len(lists), -1)
    return matrix


def joined(parts: Sequence[Predictions]) -> Predictions:
    """Predictions one after the other."""
    labels, logits = (np.concatenate([getattr(part, name) for part in parts]) for name in ("labels", "logits"))
    subjects, ids = (pa.concat_arrays([getattr(part, name) for part in parts]) for name in ("subjects", "window_ids"))
    return Predictions(subjects, labels, logits, parts[0].names, ids)


class SeedScores(NamedTuple):
    """What the test predictions of a complete seed amount to, as fractions; without what can't be computed here.

    Attributes:
        scores: by metric, macro F1 among them.
        by_subject: the macro F1 of each test subject, see `subject_f1`.
        calibration_error: the expected calibration error.
        names: of the classes; none where the predictions do not say them.
        events: by how many labels vote, see `event_scores`.
    """

    scores: dict[str, float]
    by_subject: dict[str, float]
    calibration_error: float
    names: tuple[str, ...]
    events: dict[int, EventScores]

    @classmethod
    def of(cls, rows: Sequence[Row], parts: Sequence[Predictions], scores: Sequence[Score]) -> "SeedScores":
        """From the rows and the test predictions of all folds."""
        pooled = joined(parts)
        wanted = {score.name: score for score in (F1, *scores)}.values()
        found = {score.name: _value(score, rows, pooled) for score in wanted}
        known = {name: value for name, value in found.items() if value is not None}
        events = event_scores(pooled.window_ids, pooled.labels, pooled.predicted)
        return cls(known, subject_f1(pooled), calibration_error(pooled.labels, pooled.logits), pooled.names, events)


def _value(score: Score, rows: Sequence[Row], pooled: Predictions) -> float | None:
    if len(rows) == 1 and (value := rows[0].get(f"test_{score.name}")) is not None:
        return float(value)
    return None if score.metric is None else float(score.metric(pooled.labels, pooled.logits))


def subject_f1(predictions: Predictions) -> dict[str, float]:
    """Macro F1 of each subject, over the classes that the subject has windows of."""
    encoded, classes = predictions.subjects.dictionary_encode(), predictions.classes
    names, codes = encoded.dictionary.to_pylist(), encoded.indices.to_numpy().astype(np.int64)
    # One confusion matrix over the classes of all subjects, of which each has a stretch of rows to itself.
    rows = codes * classes + predictions.labels
    counts = np.bincount(rows * classes + predictions.predicted, minlength=len(names) * classes**2)
    matrices = counts.reshape(len(names), classes, classes)
    scores = {name: f1_mean(matrix) for name, matrix in zip(names, matrices, strict=True)}
    return dict(sorted(scores.items()))
