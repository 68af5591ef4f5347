"""A recording as a watch sees it: sample by sample, with a label at every stride. Needs NumPy alone.

>>> stream = Stream(lambda window: int(window.mean() > 0), window=2, stride=1)
>>> [stream.push(np.array([value])) for value in (-1.0, -1.0, 3.0)]
[None, 0, 1]
"""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.floating]
Classify = Callable[[Samples], int]
"""A window (T, C) to its class index."""


class Stream:
    """Keeps the last T samples, and labels them at every stride.

    Args:
        classify: what labels a window (T, C).
        window, stride: in samples; the first label comes with sample number `window`, from 1.
        last: how many of the latest labels vote on what is said, see `majority`; 1: each stands for itself.
    """

    def __init__(self, classify: Classify, window: int, stride: int, last: int = 1) -> None:
        if min(window, stride, last) < 1:
            raise ValueError(f"window {window}, stride {stride} and last {last}: each must be at least 1")
        self.classify, self.stride = classify, stride
        self.samples: deque[Samples] = deque(maxlen=window)
        self.labels: deque[int] = deque(maxlen=last)
        self.missing = window  # samples until the next label

    def push(self, sample: Samples) -> int | None:
        """Take a sample (C,); the label that is due with it, None between strides."""
        self.samples.append(sample)
        self.missing -= 1
        if self.missing:
            return None
        self.missing = self.stride
        self.labels.append(self.classify(np.stack(self.samples)))
        return majority(self.labels)


class Said(NamedTuple):
    """A label, and how many samples had come when it was said."""

    samples: int
    label: int


def labels(recording: Iterable[Samples], stream: Stream) -> Iterator[Said]:
    """What a stream says of a recording [n, C], a label for each stride."""
    for number, sample in enumerate(recording, start=1):
        if (label := stream.push(sample)) is not None:
            yield Said(number, label)


def majority(labels: Sequence[int]) -> int:
    """The most frequent of some labels; of equally frequent ones the one that came last.

    >>> majority([1, 2, 2, 1])
    1
    """
    counts = Counter(labels)
    most = max(counts.values())
    return next(label for label in reversed(labels) if counts[label] == most)


def by_sample(said: Iterable[Said], samples: int, unknown: int) -> npt.NDArray[np.int64]:
    """What a user sees at each of n samples: the label that was said last, `unknown` before the first.

    A label is seen from the sample with which it was said until the next one.
    """
    seen = np.full(samples, unknown, np.int64)
    for number, label in said:
        seen[number - 1 :] = label
    return seen
