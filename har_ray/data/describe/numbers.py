"""What prepared windows hold: how much of each class and subject, and the range of each channel.

Reads the shards a batch at a time, so a description takes little memory however many windows there are.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from har_ray.store.windows import Manifest, WindowStore

QUANTILES = (0.01, 0.5, 0.99)
MAX_VALUES = 20_000_000
"""The most values that quantiles are taken from, evenly over all windows: 80 MB, and a third of a second."""

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class Example(NamedTuple):
    """A window of a class: x float32 `[T, C]`."""

    label: int
    subject: str
    x: npt.NDArray[np.float32]


class Description(NamedTuple):
    """Of the windows of a manifest.

    Attributes:
        manifest: theirs.
        windows: how many of each class and subject, in the manifest's order, int64 `[K, S]`.
        hours: how long they are, overlaps counted once, float64 `[K, S]`.
        ranges: minimum, 1 %, median, 99 % and maximum of each channel, float64 `[C, 5]`.
        examples: the middle window of each class, by recording and start; none for a class without windows.
    """

    manifest: Manifest
    windows: Ints
    hours: Floats
    ranges: Floats
    examples: list[Example]


def describe(store: WindowStore, windows_id: str, raw_rate_hz: float) -> Description:
    """Describe prepared windows.

    Args:
        store: where they are.
        raw_rate_hz: of the recordings that they were cut from; a window's `start` counts these samples.

    Raises:
        StorageError: they are not complete, or cannot be read.
    """
    manifest = store.require(windows_id)
    table = store.read(windows_id, ["recording", "subject", "start", "y"])
    recording, subject = (table[name].to_numpy().astype(str) for name in ("recording", "subject"))
    start, y = (table[name].to_numpy().astype(np.int64) for name in ("start", "y"))
    order = np.lexsort((start, recording))
    seconds = np.empty(len(y))
    window_s = manifest["window"] / manifest["rate_hz"]
    seconds[order] = added_s(recording[order], start[order], y[order], window_s, raw_rate_hz)
    subjects = {name: i for i, name in enumerate(manifest["subjects"])}
    at = (y, np.array([subjects[name] for name in subject]))
    windows = np.zeros((len(manifest["classes"]), len(subjects)), dtype=np.int64)
    hours = np.zeros(windows.shape)
    np.add.at(windows, at, 1)
    np.add.at(hours, at, seconds / 3600)
    middle = {int(rows[len(rows) // 2]): k for k in range(len(windows)) if len(rows := order[y[order] == k])}
    values = len(y) * manifest["window"] * len(manifest["channels"])
    ranges, found = _values(store, manifest, order[:: -(-values // MAX_VALUES)], list(middle))
    examples = sorted(Example(middle[row], str(subject[row]), x) for row, x in found.items())
    return Description(manifest, windows, hours, ranges, examples)


def added_s(
    recording: npt.NDArray[np.str_], start: Ints, y: Ints, window_s: float, raw_rate_hz: float
) -> npt.NDArray[np.float64]:
    """Seconds that each window adds to those before it, `[N]`; windows are sorted by recording and start.

    If a window overlaps the previous one of the same recording and label, only the part beyond that counts.
    """
    seconds = np.full(len(y), window_s)
    same = (recording[1:] == recording[:-1]) & (y[1:] == y[:-1])
    np.copyto(seconds[1:], np.minimum(np.diff(start) / raw_rate_hz, window_s), where=same)
    return seconds


def _values(
    store: WindowStore, manifest: Manifest, sample: npt.NDArray[np.intp], wanted: list[int]
) -> tuple[Floats, dict[int, npt.NDArray[np.float32]]]:
    """The channels' ranges, with quantiles taken from the rows `sample`; and the windows in the rows `wanted`."""
    channels = len(manifest["channels"])
    lowest, highest = np.full(channels, np.inf), np.full(channels, -np.inf)
    sampled = np.zeros(manifest["windows"], dtype=np.bool_)
    sampled[sample] = True
    kept, row = [], 0
    found: dict[int, npt.NDArray[np.float32]] = {}
    for batch in store.batches(manifest["windows_id"], ["x"]):
        x = batch["x"].to_numpy_ndarray()  # (n, T, C)
        lowest, highest = np.minimum(lowest, x.min(axis=(0, 1))), np.maximum(highest, x.max(axis=(0, 1)))
        kept.append(x[sampled[row : row + len(x)]].reshape(-1, channels))
        found |= {i: x[i - row].copy() for i in wanted if row <= i < row + len(x)}
        row += len(x)
    quantiles = np.quantile(np.concatenate(kept), QUANTILES, axis=0)  # (3, C)
    return np.stack([lowest, *quantiles, highest], axis=1), found
