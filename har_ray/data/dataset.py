"""What a dataset is: where its recordings come from, what is in them, and how a preset cuts them.

`datasets/` has one file per dataset, with its constants and where they come from, its reader and its presets.
A reader turns one source (a raw file) into recordings. It never resamples, windows or scales: `windows.py` does.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from har_ray.data.norms import measured
from har_ray.data.sensors import norms
from har_ray.data.soundness.finding import Finding

LabelRule = Literal["pure", "majority", "first", "last"]
Align = Literal["as-recorded", "gravity"]

NULL = -1
"""The label of a sample that belongs to no class."""


@dataclass(frozen=True)
class Channel:
    """One sensor channel, e.g. `Channel("wrist_acc_x", "m/s^2")`."""

    name: str
    unit: str


@dataclass(frozen=True)
class Preset:
    """How a dataset is cut into windows.

    Attributes:
        channels: names of the channels, in the order of the window's last axis.
        window_s, stride_s: seconds; times `rate_hz` they are whole numbers of samples, `T` and the step.
        rate_hz: the rate of the windows; recordings of another rate are resampled to it.
        label_rule: `pure` (no window holds two labels), `majority`, `first` or `last` sample's label.
        null_class: keep windows without a class, as one more class named after `Dataset.null_name`.
        subjects: only these; empty for all.
        align: `gravity`: every placement of a recording is turned so that gravity points along z, see `alignment.py`.
        as_published: the raw files are read by `Dataset.published`, see there; for the protocol `random` alone.
        track: which of `Dataset.tracks` labels the samples; None for `Dataset.classes`.
    """

    channels: tuple[str, ...]
    window_s: float
    stride_s: float
    rate_hz: float
    label_rule: LabelRule = "pure"
    null_class: bool = False
    subjects: tuple[str, ...] = ()
    align: Align = "as-recorded"
    as_published: bool = False
    track: str | None = None


class Wander(NamedTuple):
    """How far the rate goes off while it is recorded.

    Attributes:
        slowest_hz, fastest_hz: the rate in the slowest and in the fastest ten seconds.
        at_s: after how long it changes most, pauses left out.
    """

    slowest_hz: float
    fastest_hz: float
    at_s: float

    @property
    def range(self) -> float:
        """How many times the slowest rate the fastest is."""
        return self.fastest_hz / self.slowest_hz


class Joined(NamedTuple):
    """One of the files, each with a clock of its own, that a recording was joined of.

    Attributes:
        source: what it is called.
        channels: which of the recording's are from there.
        begins_s: how long after the earliest of these files its first reading was taken, by its clock.
    """

    source: str
    channels: tuple[int, ...]
    begins_s: float


@dataclass(frozen=True)
class Recording:
    """One uninterrupted stream of one subject.

    Attributes:
        name: unique within the dataset and the same at every reading, e.g. `S1-ADL1.dat:0`.
        subject: the subject's name.
        x: float32 `[n, C]`, the requested channels in the requested order, in the dataset's units, no NaN.
        labels: int16 `[n]`, index into the classes of its track, or `NULL`.
        rate_hz: samples per second.
        wander: of readings that did not come at one rate, and of which these samples at even intervals were made.
        before_gap: whether it ends where samples are lost, after which its stream goes on.
        joined: the files that it was joined of, where each has a clock of its own.
        start_s: of those that were joined, how long after the earliest reading of any file it begins.
    """

    name: str
    subject: str
    x: npt.NDArray[np.float32]
    labels: npt.NDArray[np.int16]
    rate_hz: float
    wander: Wander | None = None
    before_gap: bool = False
    joined: tuple[Joined, ...] = ()
    start_s: float = 0.0


@dataclass
class Rejects:
    """What a reader left out, counted by reason (`{"malformed record": 1}`), for the manifest and the user."""

    counts: Counter[str] = field(default_factory=Counter)

    def add(self, reason: str, n: int = 1) -> None:
        if n:
            self.counts[reason] += n


Locate = Callable[[Path | None], Sequence[str]]
Files = Callable[[Path | None], Sequence[Path]]
Read = Callable[[str, Sequence[str], Rejects], Iterator[Recording]]


class Reader(NamedTuple):
    """How raw files become recordings; see `Dataset.locate` and `Dataset.read`."""

    locate: Locate
    read: Read


@dataclass(frozen=True)
class Track:
    """What else the same recordings were labelled with.

    Attributes:
        classes: as `Dataset.classes`.
        read: as `Dataset.read`, with labels of these classes.
    """

    classes: tuple[str, ...]
    read: Read


@dataclass(frozen=True)
class Archive:
    """A publisher's file: where to download it and, where known, its size in bytes and SHA-256."""

    url: str
    filename: str
    sha256: str | None = None
    size_bytes: int | None = None


@dataclass(frozen=True)
class Dataset:
    """Where recordings come from and what is in them.

    Attributes:
        name: as in a grid.
        title, homepage, terms, citation: for people.
        archive: what to download; None where nothing has to be fetched, and `origin` says why.
        rate_hz: nominal rate of the recordings.
        channels: every channel that a preset may name.
        classes: names, in label order. `null_name` is the name of no class, where the dataset has one.
        subjects: every subject's name, in the order used by the protocols.
        samples: how many labelled samples there are, for estimates before anything is read.
        presets: by name.
        locate: folder of the raw files (None where nothing has to be fetched) → sources, each readable on its own;
            raises `DataError` naming what is missing.
        read: (source, channel names, rejects) → recordings; raises `DataError` naming file and line.
        reading: version of `read`; raise it when the same files come to give other recordings.
        files: folder of the raw files → every file that reading takes; None where these are the sources.
        checksums: file name → SHA-256 of the publisher's copy, where known.
        fingerprint: identifies the content, where that is known before any file is hashed (see `raw/identity.py`).
        origin: whose files are read, where nothing has to be fetched: a Python package, a descriptor.
        official: recording name → its part in the split published with the dataset (protocol `official`), or None for
            a recording in no part; None where the publishers made no split.
        published: reads the same files as the code of a reproduced study does where it does what no reader should: join
            files and bridge gaps of any length. A window of such a recording may belong to two files, so that none of
            its parts can be held back; only the protocol `random` takes it. None where there is no such preset.
        first: as `read`, of each source the first rows alone; None where that is not much less than all.
        labelled: samples by subject and class, where they are known before anything is read.
        findings: what makes results wrong and is known before any recording is read.
        strict: whatever the checks of `soundness/` find is an error.
        tracks: by name, further labels that a preset may choose instead of those of `classes`.
    """

    name: str
    title: str
    homepage: str
    terms: str
    citation: str
    archive: Archive | None
    rate_hz: float
    channels: tuple[Channel, ...]
    classes: tuple[str, ...]
    null_name: str | None
    subjects: tuple[str, ...]
    samples: int
    presets: Mapping[str, Preset]
    locate: Locate
    read: Read
    reading: int = 1
    files: Files | None = None
    checksums: Mapping[str, str] = field(default_factory=dict)
    fingerprint: str | None = None
    origin: str | None = None
    official: Callable[[str], Literal["train", "val", "test"] | None] | None = None
    published: Reader | None = None
    first: Read | None = None
    labelled: Mapping[str, Mapping[str, int]] | None = None
    findings: tuple[Finding, ...] = ()
    strict: bool = False
    tracks: Mapping[str, Track] = field(default_factory=dict)

    def reader(self, preset: Preset) -> Reader:
        """What reads the recordings that a preset cuts."""
        if preset.as_published:
            assert self.published is not None, f"preset of {self.name} without a reader"
            return self.published
        return Reader(self.locate, self.tracks[preset.track].read if preset.track else self.read)

    def classes_of(self, preset: Preset) -> tuple[str, ...]:
        """The classes that a preset labels samples with, without the null class."""
        return self.tracks[preset.track].classes if preset.track else self.classes

    def raw_files(self, folder: Path | None) -> list[Path]:
        """Every file that reading the dataset takes; raises `DataError` as `locate` does."""
        return list(self.files(folder)) if self.files else [Path(source) for source in self.locate(folder)]

    @property
    def channel_names(self) -> list[str]:
        """Those that are measured, then the norms that can be had of them."""
        names = [channel.name for channel in self.channels]
        return [*names, *norms(names)]

    def unit(self, channel: str) -> str:
        """Of a channel, or of a norm, which has that of its axes."""
        axis, *_ = measured([channel], [known.name for known in self.channels])
        return next(known.unit for known in self.channels if known.name == axis)
