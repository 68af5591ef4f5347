"""Whatever shapes of layout, time, order, labels and units come together, windows are those of the plain file.

A person walks and then runs; row i of both holds i and 1000 - i m/s².
"""

import shutil
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from har_ray.data.dataset import Recording, Rejects
from har_ray.data.own.dataset import load_table
from har_ray.data.windows import cut
from tests.data.own.layouts import Layout, any_file, layouts

RATE_HZ = 20
START = datetime(2023, 10, 13, 23, 59, 57, tzinfo=UTC)
"""Three seconds before midnight of a day that is no month."""
CLOCKS = {
    "none": "",
    "s": "column: t, unit: s",
    "ms": "column: t, unit: ms",
    "wraps": "column: t, unit: ms, wraps_at: 65536",
    "iso": "column: t",
    "dated": "column: t, format: '%d/%m/%Y %H:%M:%S.%f'",
    "in two columns": "date: day, column: t",
    "time of day": "column: t",
}
IN_FILE = {"": 1, ", in_file: g": 1 / 9.80665, ", in_file: {scale: 0.5, unit: g}": 2 / 9.80665}
LABELS = {
    "column": "{column: activity}",
    "path": r"{pattern: '(walk|run)'}",
    "intervals": "{intervals: {files: 'labels/{}.csv', clock: recording}}",
}


@dataclass(frozen=True)
class Shape:
    """How files differ from the plain one; `packet` rows share a stamp, two of `swapped` + 2 packets change places, and
    after each row come so many `others` of another sensor.
    """

    layout: Layout
    rows: int
    clock: str
    packet: int
    swapped: int
    labels: str
    in_file: str
    auto: bool
    others: int

    def label(self, i):
        return "walk" if i < self.rows // 2 else "run"

    def stamp(self, i):
        """The fields of day and time."""
        seconds = i // self.packet * self.packet / RATE_HZ
        at = START + timedelta(seconds=seconds)
        day = self.layout.text(f"{at:%d.%m.%Y}")
        if self.clock == "s":
            return day, self.layout.number(seconds)
        if self.clock in ("none", "ms"):
            return day, self.layout.number(1000 * seconds, 0)
        if self.clock == "wraps":
            return day, self.layout.number((65_000 + round(1000 * seconds)) % 65_536, 0)
        text = {"iso": at.isoformat(), "dated": f"{at:%d/%m/%Y %H:%M:%S.%f}"}.get(self.clock, f"{at:%H:%M:%S.%f}")
        return day, self.layout.text(text)

    def order(self, first, last):
        packets = [list(range(i, min(i + self.packet, last))) for i in range(first, last, self.packet)]
        if self.swapped:
            for i in range(1, len(packets) - 2, self.swapped + 2):
                packets[i], packets[i + 1] = packets[i + 1], packets[i]
        return [i for packet in packets for i in packet]

    def write(self, folder):
        half = self.rows // 2
        parts = {"p1_walk": (0, half), "p1_run": (half, self.rows)} if self.labels == "path" else {"p1": (0, self.rows)}
        for name, span in parts.items():
            rows = []
            for i in self.order(*span):
                values = [self.layout.number(value * IN_FILE[self.in_file], 6) for value in (i, 1000 - i)]
                rows.append([*self.stamp(i), *values, self.layout.text(self.label(i)), self.layout.text("acc")])
                other = [self.layout.number(value, 6) for value in (-7, 7)]
                rows += [[*self.stamp(i), *other, *map(self.layout.text, ("no label", "gyr"))]] * self.others
            units = ["-", "s", "g", "g", "no_units", "no_units"]
            content = self.layout.bytes(["day", "t", "ax", "ay", "activity", "sensor"], units, rows)
            self.layout.write(folder / "raw" / f"{name}.DAT", content)
        (folder / "labels").mkdir()
        edge, end = half / RATE_HZ, self.rows / RATE_HZ
        (folder / "labels/p1.csv").write_text(f"start,end,label\n0,{edge},walk\n{edge},{end},run\n")
        (folder / "mine.yaml").write_text(self.descriptor())

    def descriptor(self):
        time = CLOCKS[self.clock]
        time += ", packets: true" * (self.packet > 1) + f", disorder_s: {3 * self.packet / RATE_HZ}" * bool(
            self.swapped
        )
        channels = ", ".join(f"{name}: {{column: {name}, unit: m/s^2{self.in_file}}}" for name in ("ax", "ay"))
        return f"""
files: raw/*
rate_hz: {"auto" if self.auto else RATE_HZ}
{f"time: {{{time}}}" if self.clock != "none" else ""}
{"rows: {column: sensor, value: acc}" if self.others else ""}
subject: {{pattern: 'p(\\d)'}}
label: {LABELS[self.labels]}
channels: {{{channels}}}
presets: {{p: {{window_s: 1, stride_s: 0.5, rate_hz: {RATE_HZ}}}}}
"""


def _as_can_be_told(shape):
    if shape.clock == "none":
        return replace(shape, packet=1, swapped=0, auto=False, others=0)
    return replace(shape, swapped=0) if shape.clock == "wraps" and shape.labels == "path" else shape


shapes = st.builds(
    Shape,
    layout=layouts,
    rows=st.integers(15, 30).map(lambda n: 8 * n),  # both halves hold whole packets
    clock=st.sampled_from(sorted(CLOCKS)),
    packet=st.sampled_from([1, 1, 4]),
    swapped=st.sampled_from([0, 0, 3]),
    labels=st.sampled_from(sorted(LABELS)),
    in_file=st.sampled_from(sorted(IN_FILE)),
    auto=st.booleans(),
    others=st.sampled_from([0, 0, 1, 3]),
).map(_as_can_be_told)


@given(shape=shapes)
@any_file
def test_any_shapes_together_give_the_windows_of_the_plain_file(tmp_path, shape):
    shutil.rmtree(tmp_path)
    tmp_path.mkdir()
    shape.write(tmp_path)
    dataset, rejects = load_table("mine", tmp_path / "mine.yaml"), Rejects()
    found = [r for source in dataset.locate(None) for r in dataset.read(source, ("ax", "ay"), rejects)]
    preset = dataset.presets["p"]
    windows = [window for one in found for window in _windows(cut(one, preset, None), dataset.classes)]
    i = np.arange(shape.rows)
    labels = np.array([dataset.classes.index(shape.label(row)) for row in i], dtype=np.int16)
    plain = Recording("plain", "1", np.stack([i, 1000 - i], axis=1).astype(np.float32), labels, RATE_HZ)
    expected = _windows(cut(plain, preset, None), dataset.classes)
    assert rejects.counts == {}
    assert {one.subject for one in found} == {"1"}
    assert sorted(label for label, _ in windows) == sorted(label for label, _ in expected)
    for (_, x), (_, other) in zip(sorted(windows, key=_first), sorted(expected, key=_first), strict=True):
        assert np.allclose(x, other, atol=1e-2)


def _windows(found, classes):
    return [(classes[y], x) for y, x in zip(found.y, found.x, strict=True)]


def _first(window):
    return window[1][0, 0]
