"""However time is told, rows are ordered and values are scaled, recordings are those of the plain file."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from har_ray.data.dataset import Rejects
from har_ray.data.own.dataset import load_table
from tests.data.own.layouts import any_file

OSLO = ZoneInfo("Europe/Oslo")
ANY_TIME = datetime(2023, 10, 28, 23, 59, 50, tzinfo=UTC)
CHANGE = datetime(2023, 10, 29, 0, 59, 55, tzinfo=UTC)
"""Five seconds before clocks in Oslo go back from three to two."""
COUNTS = {"s": 1, "ms": 1000, "us": 1_000_000, "ns": 1_000_000_000, 0.005: 200}
"""Unit → counts a second."""
SCALES = {
    "": 1,
    "in_file: g": 1 / 9.80665,
    "in_file: mg": 1000 / 9.80665,
    "in_file: {scale: 0.5, unit: g}": 2 / 9.80665,
}

DESCRIPTOR = r"""
files: raw/*.csv
rate_hz: {rate}
time: {{column: t, {time}}}
subject: {{pattern: 'p(\d+)'}}
recording: {{column: device}}
label: {{column: activity}}
channels:
  acc_x: {{column: ax, unit: m/s^2, {in_file}}}
  acc_y: {{column: ay, unit: m/s^2, {in_file}}}
presets:
  p: {{window_s: 1, stride_s: 1, rate_hz: {rate}}}
"""


@dataclass(frozen=True)
class Shape:
    """How a file differs from the plain one.

    Attributes:
        clock: a unit of `COUNTS`, or the format of dates.
        before_wrap: how many seconds after the first row the counter wraps, and where.
        packet: rows that share a stamp.
        swapped: every so many packets, one comes after its successor.
        missing: rows without a stamp.
    """

    rate_hz: int
    rows: int
    devices: int
    clock: str | float
    before_wrap: float
    wraps_at: int | None
    packet: int
    swapped: int
    in_file: str
    auto: bool
    missing: tuple[int, ...]

    def counts(self, i: int) -> int:
        counts = round((i // self.packet * self.packet / self.rate_hz) * COUNTS[self.clock])
        if self.wraps_at is None:
            return counts + 1000
        return (self.wraps_at - round(self.before_wrap * COUNTS[self.clock]) + counts) % self.wraps_at

    def stamp(self, i: int) -> str:
        if self.clock in COUNTS:
            counts = self.counts(i)
            return f"{i // self.packet * self.packet / self.rate_hz:.3f}" if self.clock == "s" else str(counts)
        elapsed = timedelta(seconds=i // self.packet * self.packet / self.rate_hz)
        if self.clock == "zone":
            return (CHANGE + elapsed).astimezone(OSLO).strftime("%Y-%m-%d %H:%M:%S.%f")
        at = ANY_TIME + elapsed
        if self.clock == "excel":
            return repr((at - datetime(1899, 12, 30, tzinfo=UTC)) / timedelta(days=1))
        return at.isoformat() if self.clock == "iso" else at.strftime(str(self.clock))

    def time(self) -> str:
        said = []
        if self.clock in COUNTS:
            said += [f"unit: {self.clock}"]
        elif self.clock == "zone":
            said += ["zone: Europe/Oslo"]
        elif self.clock != "iso":
            said += [f"format: '{self.clock}'"]
        said += [f"wraps_at: {self.wraps_at}"] * bool(self.wraps_at and self.swapped)
        said += ["packets: true"] * (self.packet > 1)
        said += [f"disorder_s: {3 * self.packet / self.rate_hz}"] * bool(self.swapped)
        return ", ".join(said)

    def order(self) -> list[int]:
        """The rows of one device as they are written."""
        packets = [list(range(i, min(i + self.packet, self.rows))) for i in range(0, self.rows, self.packet)]
        if self.swapped:
            for i in range(1, len(packets) - 2, self.swapped + 2):
                packets[i], packets[i + 1] = packets[i + 1], packets[i]
        return [i for packet in packets for i in packet]

    def write(self, folder) -> None:
        scale = SCALES[self.in_file]
        lines = ["t,ax,ay,device,activity"]
        for i in self.order():
            for device in range(self.devices):
                stamp = "" if i in self.missing else self.stamp(i)
                x, y = (value * scale for value in (i, 1000 * device + i))
                lines.append(f"{stamp},{x!r},{y!r},d{device},{label(i, self.rows)}")
        (folder / "raw").mkdir(exist_ok=True)
        (folder / "raw/p1.csv").write_text("\n".join(lines) + "\n")
        said = DESCRIPTOR.format(rate="auto" if self.auto else self.rate_hz, time=self.time(), in_file=self.in_file)
        said = said.replace("rate_hz: auto}", f"rate_hz: {self.rate_hz}}}").replace(", }", "}")
        (folder / "mine.yaml").write_text(said)


def label(i, rows):
    return "walk" if i < rows // 2 else "run"


def as_can_be_told(shape):
    if shape.wraps_at and (shape.clock not in ("ms", 0.005) or shape.rows / shape.rate_hz < shape.before_wrap):
        shape = replace(shape, wraps_at=None)
    if shape.swapped and shape.clock in ("zone", "s"):
        shape = replace(shape, swapped=0)  # at the change of clocks nobody can tell what is late
    return replace(shape, missing=()) if shape.packet > 1 else shape


shapes = st.builds(
    Shape,
    rate_hz=st.sampled_from([10, 20, 50]),
    rows=st.integers(120, 400),
    devices=st.integers(1, 3),
    clock=st.sampled_from([*COUNTS, "iso", "%d/%m/%Y %H:%M:%S.%f", "%H:%M:%S.%f", "excel", "zone"]),
    before_wrap=st.sampled_from([0.5, 3]),
    wraps_at=st.sampled_from([None, None, 2**16, 2**32]),
    packet=st.sampled_from([1, 1, 3, 4, 36]),
    swapped=st.sampled_from([0, 0, 1, 4]),
    in_file=st.sampled_from(list(SCALES)),
    auto=st.booleans(),
    missing=st.sampled_from([(), (), (7,), (50, 51)]),
).map(as_can_be_told)


@given(shape=shapes)
@any_file
def test_any_clock_gives_the_recordings_of_the_plain_file(tmp_path, shape):
    shape.write(tmp_path)
    dataset, rejects = load_table("mine", tmp_path / "mine.yaml"), Rejects()
    found = [r for source in dataset.locate(None) for r in dataset.read(source, ("acc_x", "acc_y"), rejects)]
    known = [i for i in range(shape.rows) if i not in shape.missing]
    assert [recording.rate_hz for recording in found] == [shape.rate_hz] * shape.devices
    for device, recording in enumerate(found):
        expected = np.array([[i, 1000 * device + i] for i in known])
        assert np.allclose(recording.x, expected, rtol=1e-5, atol=1e-4)
        classes = [dataset.classes[y] for y in recording.labels]
        assert classes == [label(i, shape.rows) for i in known]
    assert sum(len(recording.x) for recording in found) + sum(rejects.counts.values()) == shape.rows * shape.devices
    assert sum(rejects.counts.values()) == len(shape.missing) * shape.devices
