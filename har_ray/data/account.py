"""What became of the recordings that were read: windows and seconds, file by file, made or left out for one reason.

A window would begin at every stride of a stretch that windows may span: of one label where the label rule is `pure`,
else of a whole recording. It is made, or left out for a reason; and every sample is in a window, or left out for one.
So windows, and seconds, add up to what was read. Rows that no recording has are counted by `Rejects`.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from har_ray.data.cleaning import natural_key
from har_ray.data.dataset import NULL, Preset, Recording, Rejects
from har_ray.data.soundness import lag
from har_ray.data.soundness.evidence import short_names
from har_ray.data.windows import Cut, samples, step_of, stretches
from har_ray.text import counted, duration

NO_CLASS = "of no class"
SHORT_LABEL, CHANGE = "in stretches of one label that are shorter than a window", "across a change of label"
SHORT, END = "in recordings that are shorter than a window", "across the end of a recording"
SHORT_BEFORE_GAP, GAP = "in stretches before a gap that are shorter than a window", "across a gap"
"""Where time leaps, or a channel is missing, and the recording would have gone on."""
BETWEEN = "between windows"
"""Of samples alone, where the stride is longer than a window."""

Row = dict[str, Any]


@dataclass
class Account:
    """What became of the recordings of a file.

    Attributes:
        seconds: how long they are.
        windows, in_windows_s: how many were made, and how long what they cover is, overlaps counted once.
        lost_windows, lost_s: what is in none of them, by reason.
        begins_s: of recordings joined of several sources: by source, how long after the earliest it begins at most.
    """

    seconds: float = 0.0
    windows: int = 0
    in_windows_s: float = 0.0
    lost_windows: dict[str, int] = field(default_factory=dict)
    lost_s: dict[str, float] = field(default_factory=dict)
    begins_s: dict[str, float] = field(default_factory=dict)

    def watched(self, preset: Preset, cuts: Iterable[tuple[Recording, Cut]]) -> Iterator[tuple[Recording, Cut]]:
        """The same recordings and their windows, each added as it passes."""
        for recording, windows in cuts:
            self.add(recording, preset, windows)
            yield recording, windows

    def add(self, recording: Recording, preset: Preset, windows: Cut) -> None:
        for begin, end in stretches(recording.labels, preset.label_rule):
            self._add_stretch(recording, preset, windows, begin, end)
        for one in recording.joined:
            self.begins_s[one.source] = max(self.begins_s.get(one.source, 0.0), one.begins_s)
        self.seconds += len(recording.labels) / recording.rate_hz
        self.windows += len(windows.start)

    def _add_stretch(self, recording: Recording, preset: Preset, windows: Cut, begin: int, end: int) -> None:
        step, n = step_of(recording, preset), end - begin
        length, stride = samples(preset.window_s, preset.rate_hz), samples(preset.stride_s, preset.rate_hz)
        resampled = -(-n * step.denominator // step.numerator)
        made, dropped = (_between(starts, begin, end) - begin for starts in (windows.start, windows.dropped))
        cut = len(made) + len(dropped)
        in_made, in_dropped = (_covered(starts, n, float(length * step)) for starts in (made, dropped))
        begins_next = int(cut * stride * step)
        at = np.arange(n)
        why = _reason(recording, preset, begin, end, is_short=resampled < length)
        self.in_windows_s += int(in_made.sum()) / recording.rate_hz
        self._lose(NO_CLASS, len(dropped), int((in_dropped & ~in_made).sum()) / recording.rate_hz)
        missed = ~in_made & ~in_dropped
        self._lose(why, -(-resampled // stride) - cut, int((missed & (at >= begins_next)).sum()) / recording.rate_hz)
        self._lose(BETWEEN, 0, int((missed & (at < begins_next)).sum()) / recording.rate_hz)

    def _lose(self, reason: str, windows: int, seconds: float) -> None:
        if windows or seconds:
            self.lost_windows[reason] = self.lost_windows.get(reason, 0) + windows
            self.lost_s[reason] = self.lost_s.get(reason, 0.0) + seconds


def _between(starts: npt.NDArray[np.int64], begin: int, end: int) -> npt.NDArray[np.int64]:
    first, last = np.searchsorted(starts, (begin, end))
    return starts[first:last]


def _covered(starts: npt.NDArray[np.int64], n: int, length: float) -> npt.NDArray[np.bool_]:
    """Which of `n` samples are in a window of `length` samples that begins at one of `starts`."""
    edges = np.zeros(n + 1, dtype=np.int64)
    np.add.at(edges, starts, 1)
    np.add.at(edges, np.minimum(np.ceil(starts + length).astype(np.int64), n), -1)
    return np.cumsum(edges[:n]) > 0


def _reason(recording: Recording, preset: Preset, begin: int, end: int, is_short: bool) -> str:
    """Why a stretch has no more windows."""
    labels, at_end = recording.labels, GAP if recording.before_gap else END
    if preset.label_rule == "pure" and labels[begin] == NULL and not preset.null_class:
        return NO_CLASS
    if begin == 0 and end == len(labels) and is_short:
        return SHORT_BEFORE_GAP if recording.before_gap else SHORT
    return SHORT_LABEL if is_short else CHANGE if end < len(labels) else at_end


def as_row(file: str, account: Account, rejects: Rejects) -> Row:
    """What a manifest says of a file; `rejects` are the rows of no recording."""
    lost = {
        reason: {"windows": n, "seconds": account.lost_s[reason]} for reason, n in sorted(account.lost_windows.items())
    }
    made = {"windows": account.windows, "seconds_in_windows": account.in_windows_s}
    return {
        "file": file,
        "seconds": account.seconds,
        **made,
        "left_out": lost,
        "rejects": dict(sorted(rejects.counts.items())),
        **({"begins_s": account.begins_s} if account.begins_s else {}),
    }


def as_rows(files: Mapping[str, tuple[Account, Rejects]]) -> tuple[list[Row], dict[str, int]]:
    """What a manifest says of each file, by their paths, in natural order; and of the rows of no recording of all."""
    names = short_names(files)
    rows = [as_row(names[path], *files[path]) for path in sorted(files, key=lambda one: natural_key(names[one]))]
    return rows, dict(sorted(sum((rejects.counts for _, rejects in files.values()), Counter()).items()))


def summed(files: Sequence[Row]) -> Row:
    """The same of all files together."""
    left_out: dict[str, dict[str, float]] = {}
    for row in files:
        for reason, lost in row["left_out"].items():
            known = left_out.setdefault(reason, {"windows": 0, "seconds": 0.0})
            known |= {key: known[key] + lost[key] for key in known}
    begins: dict[str, tuple[float, float]] = {}
    for row in files:
        for source, seconds in row.get("begins_s", {}).items():
            least, most = begins.get(source, (seconds, seconds))
            begins[source] = (min(least, seconds), max(most, seconds))
    return {key: sum(row[key] for row in files) for key in ("seconds", "windows", "seconds_in_windows")} | {
        "left_out": dict(sorted(left_out.items())),
        **({"begins_s": begins} if begins else {}),
    }


def account_lines(total: Row) -> Iterator[str]:
    """How much of what was read is in windows, and why the rest is not.

    Args:
        total: as `summed` gives it.
    """
    made = counted(total["windows"], "window")
    yield f"read: {duration(total['seconds'])}, of which {duration(total['seconds_in_windows'])} in {made}"
    for reason, lost in total["left_out"].items():
        if lost["seconds"]:  # windows whose samples are all in others are no loss
            windows = f", {counted(lost['windows'], 'window')}" if lost["windows"] else ""
            how_long = duration(lost["seconds"]) if lost["seconds"] >= 1 else "under 1 s"
            yield f"left out: {how_long}{windows} {reason}"
    yield from lag.begins(total.get("begins_s", {}))


def left_out_lines(manifest: Row) -> Iterator[str]:
    """The same of a manifest, and the rows of no recording; those that were made before have no more than these."""
    yield from (f"left out: {count:,} × {reason}" for reason, count in manifest["rejects"].items())
    if "files" in manifest:
        yield from account_lines(summed(manifest["files"]))
