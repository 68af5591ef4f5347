"""From a source's recordings to their windows: resampled, cut, labelled. Pure functions, no Ray.

A window never crosses a recording. With the label rule `pure` it never crosses a change of label either: the recording
is first cut into runs of one label, and each run is resampled and windowed on its own, so not even the resampling
filter sees the other side. With `majority`, `first` and `last` windows run across and take the label the rule says.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from har_ray.data.alignment import gravity_aligned
from har_ray.data.dataset import NULL, Dataset, LabelRule, Preset, Recording, Rejects
from har_ray.data.norms import measured, with_norms
from har_ray.errors import DataError
from har_ray.text import counted

Labels = npt.NDArray[np.int16]
Samples = npt.NDArray[np.float32]


WINDOWING = 1
"""Part of the windows' id; raise it when the same recordings come to give other windows."""


@dataclass(frozen=True)
class WindowSpec:
    """What makes windows what they are: the files' content, how it is read and cut. The id names their folder.

    Attributes:
        dataset, reading: the dataset's name and the version of its reader.
        fingerprint: of the content of every file read, `Identity.fingerprint`.
    """

    dataset: str
    reading: int
    fingerprint: str
    preset: Preset

    @classmethod
    def of(cls, dataset: Dataset, fingerprint: str, preset: Preset) -> "WindowSpec":
        return cls(dataset.name, dataset.reading, fingerprint, preset)

    @property
    def id(self) -> str:
        made_of = asdict(self)
        if self.preset.track is None:
            del made_of["preset"]["track"]  # windows that were stored before there were tracks keep their id
        return hashlib.sha256(json.dumps([WINDOWING, made_of], sort_keys=True).encode()).hexdigest()[:16]

    @property
    def shape(self) -> tuple[int, int]:
        """(T, C)"""
        return samples(self.preset.window_s, self.preset.rate_hz), len(self.preset.channels)


def class_names(dataset: Dataset, preset: Preset) -> tuple[str, ...]:
    """The classes of the windows in label order, the null class last where the preset keeps it."""
    classes = dataset.classes_of(preset)
    return (*classes, dataset.null_name or "null") if preset.null_class else classes


class Cut(NamedTuple):
    """The windows of one recording.

    Attributes:
        x: float32 `[N, T, C]`.
        y: int16 `[N]`.
        start: int64 `[N]`, the first sample's index in the recording as it was read, rounded down.
        dropped: int64 `[M]`, the same of windows of no class, which are left out.
    """

    x: Samples
    y: Labels
    start: npt.NDArray[np.int64]
    dropped: npt.NDArray[np.int64]

    def ids(self, recording: Recording) -> list[str]:
        """`<recording>:<start>`, unique within a dataset."""
        return [f"{recording.name}:{start}" for start in self.start]


class Windows(NamedTuple):
    """All windows of a dataset, sorted by recording and start.

    Attributes:
        x: float32 `[N, T, C]`, in the dataset's units.
        y: int64 `[N]`.
        window_id, subject, recording: str `[N]`.
    """

    x: npt.NDArray[np.float32]
    y: npt.NDArray[np.int64]
    window_id: npt.NDArray[np.str_]
    subject: npt.NDArray[np.str_]
    recording: npt.NDArray[np.str_]


def read_source(dataset: Dataset, preset: Preset, source: str, rejects: Rejects) -> Iterator[Recording]:
    """The recordings of the preset's subjects in a source, with the channels that are measured; one at a time.

    Args:
        source: one of those that `dataset.reader(preset).locate` names.
        rejects: counts what the reader leaves out.

    Raises:
        DataError: the source cannot be read.
    """
    channels = measured(preset.channels, [channel.name for channel in dataset.channels])
    for recording in dataset.reader(preset).read(source, channels, rejects):
        if not preset.subjects or recording.subject in preset.subjects:
            yield recording


def cut_all(dataset: Dataset, preset: Preset, recordings: Iterable[Recording]) -> Iterator[tuple[Recording, Cut]]:
    """Each of the recordings as `read_source` gives them, with its windows.

    Raises:
        DataError: a recording holds NaN or infinity.
    """
    channels = measured(preset.channels, [channel.name for channel in dataset.channels])
    null_label = len(dataset.classes_of(preset)) if preset.null_class else None
    for recording in recordings:
        x = with_norms(recording.x, channels, preset.channels)
        yield recording, cut(replace(recording, x=x), preset, null_label)


def no_windows(dataset: str, files: int, left_out: Iterable[str]) -> DataError:
    """The error where nothing is left to learn from; `left_out` says what was, and why."""
    return DataError("; ".join([f"{dataset}: no window comes out of {counted(files, 'file')}", *left_out]))


def samples(seconds: float, rate_hz: float) -> int:
    """Seconds as a whole number of samples.

    Raises:
        ValueError: it is not one; the message names the nearest length that is.
    """
    exact = seconds * rate_hz
    whole = round(exact)
    if whole < 1 or abs(exact - whole) > 1e-6 * max(1.0, exact):
        nearest = max(1, whole) / rate_hz
        raise ValueError(f"{seconds:g} s at {rate_hz:g} Hz are {exact:g} samples; {nearest:g} s are a whole number")
    return whole


def cut(recording: Recording, preset: Preset, null_label: int | None) -> Cut:
    """All windows of a recording.

    Args:
        null_label: the label that windows of no class get, or None to leave them out (after windowing, never before:
            dropping samples would join what was separate).

    Raises:
        DataError: the recording holds NaN or infinity.
    """
    if not np.isfinite(recording.x).all():
        row, column = np.argwhere(~np.isfinite(recording.x))[0]
        raise DataError(f"recording {recording.name}: {recording.x[row, column]} at sample {row}, channel {column}")
    if preset.align == "gravity":
        recording = replace(recording, x=gravity_aligned(recording.x, preset.channels))
    parts = [
        _windows_of(recording, begin, end, preset) for begin, end in stretches(recording.labels, preset.label_rule)
    ]
    x, y, start = (np.concatenate(arrays) for arrays in zip(*parts, strict=True)) if parts else _nothing(preset)
    null = y == NULL
    if not null.any():
        return Cut(x, y, start, start[:0])
    if null_label is None:
        return Cut(x[~null], y[~null], start[~null], start[null])
    return Cut(x, np.where(null, np.int16(null_label), y), start, start[:0])


def stretches(labels: Labels, rule: LabelRule) -> list[tuple[int, int]]:
    """What windows may span, as (begin, end): runs of one label, or the whole recording."""
    if len(labels) == 0:
        return []
    changes = np.flatnonzero(np.diff(labels)) + 1 if rule == "pure" else np.empty(0, dtype=np.int64)
    edges = [0, *changes.tolist(), len(labels)]
    return list(pairwise(edges))


def step_of(recording: Recording, preset: Preset) -> Fraction:
    """How many samples of a recording there are for each of its windows' samples."""
    return Fraction(recording.rate_hz / preset.rate_hz).limit_denominator(10_000)


def _windows_of(recording: Recording, begin: int, end: int, preset: Preset) -> tuple[Samples, Labels, np.ndarray]:
    step = step_of(recording, preset)
    x, labels = resample(recording.x[begin:end], recording.labels[begin:end], step)
    length, stride = samples(preset.window_s, preset.rate_hz), samples(preset.stride_s, preset.rate_hz)
    if len(x) < length:
        return _nothing(preset)
    windows = sliding_window_view(x, length, axis=0)[::stride].transpose(0, 2, 1)  # (N, T, C)
    starts = begin + (np.arange(len(windows)) * stride * step.numerator) // step.denominator
    return windows, _label(labels, length, stride, preset.label_rule), starts


def resample(x: Samples, labels: Labels, step: Fraction) -> tuple[Samples, Labels]:
    """Take a sample every `step` input samples, low-passed first where that is needed (polyphase FIR, zero phase).

    Labels are taken from the input sample at or just before each output sample. x is `[n, C]`, labels `[n]`.
    """
    if step == 1 or len(x) == 0:
        return x, labels
    # As long to import as what `splits.py` needs of sklearn.
    from scipy.signal import resample_poly

    out = resample_poly(x.astype(np.float64), step.denominator, step.numerator, axis=0, padtype="line")
    source = np.minimum(np.arange(len(out)) * step.numerator // step.denominator, len(labels) - 1)
    return out.astype(np.float32), labels[source]


def _label(labels: Labels, length: int, stride: int, rule: LabelRule) -> Labels:
    starts = np.arange(0, len(labels) - length + 1, stride)
    if rule in ("pure", "first"):
        return labels[starts]
    if rule == "last":
        return labels[starts + length - 1]
    values = np.unique(labels)
    before = np.zeros((len(labels) + 1, len(values)), dtype=np.int64)
    np.cumsum(labels[:, None] == values, axis=0, out=before[1:])
    majority: Labels = values[np.argmax(before[starts + length] - before[starts], axis=1)]
    return majority


def _nothing(preset: Preset) -> tuple[Samples, Labels, np.ndarray]:
    shape = (0, samples(preset.window_s, preset.rate_hz), len(preset.channels))
    return np.empty(shape, np.float32), np.empty(0, np.int16), np.empty(0, np.int64)
