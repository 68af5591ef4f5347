"""Two sensors of one recording whose clocks are apart: how late one is, and nothing where nobody can tell."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from har_ray.data.dataset import Joined, Recording, Rejects
from har_ray.data.datasets.wisdm_watch import WISDM_WATCH
from har_ray.data.own.dataset import load_table
from har_ray.data.soundness import checks, lag
from har_ray.data.soundness.evidence import Evidence
from har_ray.data.soundness.motion import Told
from har_ray.data.soundness.statistics import Gathered
from har_ray.errors import DataError
from tests.data.soundness.people import UNITS

CHANNELS = tuple(f"{sensor}_{axis}" for sensor in ("acc", "gyr") for axis in "xyz")
REAL = pytest.mark.skipif("HAR_RAY_TEST_DATA" not in os.environ, reason="HAR_RAY_TEST_DATA is not set")
DESCRIPTOR = r"""
rate_hz: 25
subject: {pattern: '^p(\d+)'}
label: {column: activity}
sources:
  acc:
    files: '*/acc.csv'
    time: {column: t}
    channels: {acc_x: {column: x, unit: m/s^2}, acc_y: {column: y, unit: m/s^2}, acc_z: {column: z, unit: m/s^2}}
  gyr:
    files: '*/gyr.csv'
    time: {column: t, OFFSET}
    channels: {gyr_x: {column: x, unit: rad/s}, gyr_y: {column: y, unit: rad/s}, gyr_z: {column: z, unit: rad/s}}
presets: {p: {window_s: 2, stride_s: 1}}
"""


def moving(seed, seconds=240, hz=25, late=0.0, channels=CHANNELS):
    """Bouts of motion of any length, which acceleration and, `late` seconds after it, rotation follow; `[n, 6]`."""
    rng = np.random.default_rng(seed)
    n, shift = round(seconds * hz), round(late * hz)
    size = np.repeat(rng.uniform(0, 3, n) ** 2, rng.integers(3, 30, n))[: n + 2 * hz * 5]
    at = 5 * hz
    acc = rng.normal(0, 1, (n, 3)) * size[at : at + n, None] + [0, 0, 9.81]
    gyr = rng.normal(0, 1, (n, 3)) * size[at - shift : at - shift + n, None]
    return np.concatenate([acc, gyr], axis=1).astype(np.float32)


def recording(x, hz, subject="1", name="a:0"):
    sources = (Joined("acc", (0, 1, 2), 0.0), Joined("gyr", (3, 4, 5), 0.0))
    return Recording(name, subject, x, np.zeros(len(x), np.int16), hz, joined=sources)


def found(recordings, channels=CHANNELS):
    """The findings of recordings by file."""
    gathered = Gathered(channels)
    for source, ones in recordings.items():
        for one in ones:
            gathered.add(source, one)
    units = dict(zip(channels, UNITS.values(), strict=True))
    return list(lag.findings(Evidence(gathered, units, channels, aligned=False, own=True, rate_hz=50)))


def shifted(x, samples):
    """Rotation that comes so many samples later than acceleration."""
    return np.concatenate([x[samples:, :3], x[: len(x) - samples, 3:]], axis=1)


def test_a_source_that_is_late_is_said_with_what_moves_it():
    (one,) = found({f"p{i}.csv": [recording(moving(i, late=0.6), 25, str(i))] for i in range(3)})
    assert (one.kind, one.where, one.number) == ("lag", "everybody", pytest.approx(0.6, abs=0.03))
    assert one.text.startswith("gyr shows the same motion 0.6")
    assert "later than acc" in one.text
    assert f"gyr: {{time: {{offset_s: -{one.number:.2f}, ...}}}}" in one.remedy


def test_only_the_files_that_are_late_are_named():
    files = {f"p{i}.csv": [recording(moving(i, late=-1.0 * (i == 2)), 25, str(i))] for i in range(4)}
    (one,) = found(files)
    assert one.where == "subject 2 (p2.csv)"
    assert one.number == pytest.approx(-1, abs=0.03)
    assert "{'<pattern of these files>': 1.0" in one.remedy


def test_nothing_is_said_of_one_clock_or_of_motion_that_tells_nothing():
    assert found({"p1.csv": [recording(moving(1), 25)]}) == []
    t = np.arange(6000) / 25
    even = np.stack([np.sin(2 * np.pi * 1.5 * t + phase) for phase in (0, 1, 2, 2, 3, 4)], axis=1).astype(np.float32)
    assert found({"p1.csv": [recording(even, 25)]}) == [], "each step fits as well as the next"
    still = np.random.default_rng(0).normal(0, 1, (6000, 6)).astype(np.float32)
    assert found({"p1.csv": [recording(still, 25)]}) == []
    assert found({"p1.csv": [recording(np.zeros_like(still), 25)]}) == []
    assert found({"p1.csv": [recording(moving(1, seconds=60, late=1), 25)]}) == [], "two stretches are too few"


def test_two_places_of_the_body_are_not_compared():
    names = tuple(f"{place}_{axis}" for place in ("wrist_acc", "hip_gyr") for axis in "xyz")
    assert found({"p1.csv": [recording(moving(1, late=1), 25)]}, names) == []


def test_clocks_that_run_apart_are_told_from_those_that_are_apart():
    told = [Told(20.0 * i, 0.2 + 0.05 * i) for i in range(20)]
    drift = lag.drifting(told)
    assert lag.steady(told) is None
    assert drift is not None
    assert (round(drift.begin_s, 2), round(drift.end_s, 2), drift.telling) == (0.2, 1.15, 20)
    assert lag.drifting([Told(20.0 * i, 3.0 * (i % 2)) for i in range(20)]) is None, "they do not agree"
    assert lag.steady([Told(20.0 * i, 0.5 + 3 * (i % 4 == 0)) for i in range(20)]) is None, "a quarter disagrees"
    assert lag.steady([Told(20.0 * i, 0.5 + 3 * (i % 10 == 0)) for i in range(20)]) == lag.Lag(0.5, 0.5, 18, 20)


def write(folder, who, x, gyr_t, hz=25):
    """A person's folder, with the accelerometer from 0 s on and the gyroscope at `gyr_t`."""
    (folder / who).mkdir(parents=True)
    for name, values, t in (("acc", x[:, :3], np.arange(len(x)) / hz), ("gyr", x[:, 3:], gyr_t)):
        rows = np.concatenate([t[:, None], values], axis=1)
        lines = [",".join(f"{value:.4f}" for value in row) + f",{'walk' if row[0] < 150 else 'run'}" for row in rows]
        (folder / who / f"{name}.csv").write_text("\n".join(["t,x,y,z,activity", *lines]) + "\n")


def looked(folder, offset):
    (folder / "mine.yaml").write_text(DESCRIPTOR.replace("OFFSET", offset))
    dataset = load_table("mine", folder / "mine.yaml")
    text, findings = checks.before_windows(dataset, dataset.presets["p"], ())
    return text, [one for one in findings if one.kind == lag.KIND]


def test_the_plan_says_how_far_clocks_are_apart_and_an_offset_mends_it(tmp_path):
    for who in ("p1", "p2", "p3"):
        write(tmp_path, who, x := moving(int(who[1:])), np.arange(len(x)) / 25 + (0.8 if who == "p2" else 0.02))
    text, (one,) = looked(tmp_path, "offset_s: 0")
    assert "gyr begins 0.02 to 0.8 s after the first of the sources" in text
    assert (one.where, one.number) == ("subject 2 (p2/acc.csv)", pytest.approx(0.8, abs=0.03))
    text, findings = looked(tmp_path, "offset_s: {'p2/*': -0.8, '*': -0.02}")
    assert (findings, "begins" in text) == ([], False)


def test_clocks_of_two_time_zones_are_an_error_that_names_the_offset(tmp_path):
    write(tmp_path, "p1", x := moving(1), np.arange(len(x)) / 25 + 3600.7)
    (tmp_path / "mine.yaml").write_text(DESCRIPTOR.replace("OFFSET", ""))
    dataset = load_table("mine", tmp_path / "mine.yaml")
    with pytest.raises(DataError, match=r"acc\.csv: ends 3361 s before gyr\.csv begins, which begins 1 h after it.*"
                       r"offset_s: -3600 of gyr moves it"):  # fmt: skip
        list(dataset.read(dataset.locate(None)[0], CHANNELS, Rejects()))


@REAL
def test_half_a_second_is_found_in_real_phones_within_a_sample_and_nothing_where_there_is_none():
    folder = Path(os.environ["HAR_RAY_TEST_DATA"]) / "sensors/Wrist"
    columns = [f"{sensor}{axis}" for sensor in "AG" for axis in "xyz"]
    phones = {f"p{i}.csv": pd.read_csv(folder / f"Participant_{i}.csv.gz", usecols=columns)[columns] for i in (1, 2, 3)}
    x = {name: table.to_numpy(np.float32) for name, table in phones.items()}
    assert found({name: [recording(one, 50, name)] for name, one in x.items()}) == []
    (late,) = found({name: [recording(shifted(one, 25), 50, name)] for name, one in x.items()})
    assert (late.where, late.number) == ("everybody", pytest.approx(0.5, abs=0.03))


@REAL
def test_nothing_is_said_of_a_real_watch(tmp_path):
    script = Path(os.environ["HAR_RAY_TEST_DATA"]) / "make_raw.py"
    subprocess.run([sys.executable, script, "wisdm-watch", tmp_path, "--subjects", "1600"], check=True)
    names, source = WISDM_WATCH.presets["wrist"].channels, WISDM_WATCH.locate(tmp_path)[0]
    watch = list(WISDM_WATCH.read(source, names, Rejects()))
    assert found({source: [recording(one.x, 20, one.subject, one.name) for one in watch]}) == []
    late = [recording(shifted(one.x, 10), 20, one.subject, one.name) for one in watch if len(one.x) > 10]
    assert [one.number for one in found({source: late})] == [pytest.approx(0.5, abs=0.05)]
