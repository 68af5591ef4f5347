"""Recordings as devices and apps write them: what their descriptor says of time, rate and identity; windows counted.

Every file holds `seconds` of walking, then as much of running, of which windows of 2 s each second make 2 (s - 1).
"""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from har_ray.data.dataset import Rejects
from har_ray.data.own.dataset import load_table
from har_ray.data.own.descriptor import Descriptor
from har_ray.data.own.streams import Reading
from har_ray.data.own.table import Table, TableFile
from har_ray.data.soundness.checks import before_windows
from har_ray.data.windows import cut
from har_ray.errors import DataError, GridError
from har_ray.yaml_file import YamlFile

DESCRIPTOR = r"""
files: raw/*.csv
rate_hz: {rate}
{keys}
subject: {{pattern: 'p(\d+)'}}
label: {{column: activity, no_class: [rest]}}
channels: {{acc_x: ax, acc_y: ay}}
presets:
  p: {{window_s: 2, stride_s: 1{preset}}}
"""


def write(folder, stamps, rate=25, keys="time: {column: t, unit: s}", preset="", header="t,ax,ay,activity", name="p1"):
    """A file whose row i has a stamp, i, 100 + i and the activity; the descriptor's path."""
    half = len(stamps) // 2
    lines = [f"{t},{i},{100 + i},{'walk' if i < half else 'run'}" for i, t in enumerate(stamps)]
    return put(folder, [header, *lines], rate, keys, preset, name)


def put(folder, lines, rate=25, keys="", preset="", name="p1"):
    (folder / "raw").mkdir(exist_ok=True)
    (folder / f"raw/{name}.csv").write_text("\n".join(lines) + "\n")
    (folder / "mine.yaml").write_text(DESCRIPTOR.format(rate=rate, keys=keys, preset=preset))
    return folder / "mine.yaml"


def recordings(path):
    dataset, rejects = load_table("mine", path), Rejects()
    found = [r for source in dataset.locate(None) for r in dataset.read(source, ("acc_x", "acc_y"), rejects)]
    return dataset, found, dict(rejects.counts)


def clocked(path):
    """The streams of the first file."""
    spec = Descriptor.model_validate(YamlFile.read(path).content)
    (file,) = sorted((path.parent / "raw").iterdir())
    return list(Reading(TableFile(Table("mine", path.parent, spec, {}, {}), "", file), ["acc_x"]).streams(Rejects()))


def windows(path):
    """Class → how many windows."""
    dataset, found, _ = recordings(path)
    return dict(Counter(dataset.classes[y] for one in found for y in cut(one, dataset.presets["p"], None).y))


def fault(path):
    with pytest.raises((DataError, GridError)) as error:
        load_table("mine", path)
    return str(error.value).replace(f"{path.parent}/", "")


def test_iso_stamps_of_which_one_is_repeated(tmp_path):
    """Case 02, HAR70+."""
    start = datetime(2021, 3, 24, 14, 42, 3, 839_000)
    stamps = [start + timedelta(milliseconds=20 * (i - (i == 777))) for i in range(3000)]
    assert windows(
        write(tmp_path, [f"{t:%F %T}.{t.microsecond // 1000:03d}" for t in stamps], 50, "time: {column: t}")
    ) == {
        "walk": 29,
        "run": 29,
    }


def test_two_devices_in_one_file(tmp_path):
    """Case 06, HHAR: each device's 60 s make their own 28 windows of walking and of running; 2 s are of no class."""
    lines = ["t,ax,ay,Model,Device,activity"]
    for i in range(1500):
        activity = "rest" if i < 50 else "walk" if i < 750 else "run"
        lines += [f"{i * 40 + 17 * d},{i},{d},m{d},w_{d},{activity}" for d in (0, 1)]
    keys = "time: {column: t, unit: ms}"
    for rate in (25, 50):
        assert fault(put(tmp_path, lines, rate, keys)) == (
            "raw/p1.csv: rows of several recordings are interleaved, by 'Model' and 'Device'; "
            "recording: {column: Model} or {column: Device} keeps them apart; if they are sensors of one recording, "
            "sources: with rows: {column: ..., value: ...} each make channels of them"
        )
    path = put(tmp_path, lines, 25, f"{keys}\nrecording: {{column: Device}}")
    assert windows(path) == {"walk": 2 * 27, "run": 2 * 29}
    _, found, _ = recordings(path)
    assert [set(one.x[:, 1].tolist()) for one in found] == [{0}, {1}]
    both = put(tmp_path, lines, 25, f"{keys}\nrecording: [{{column: Device}}, {{pattern: '(p.)'}}]")
    assert windows(both) == {"walk": 2 * 27, "run": 2 * 29}
    assert "only with time stamps" in fault(put(tmp_path, lines, 25, "recording: {column: Device}"))


def test_a_recording_is_told_by_few_words(tmp_path):
    path = write(tmp_path, [i / 25 for i in range(1500)], keys="time: {column: t}\nrecording: {column: ax}")
    assert "recording: column 'ax' tells over 1,000 recordings apart; expected few words" in fault(path)


def test_no_window_crosses_recordings_that_follow_each_other(tmp_path):
    lines = ["ax,ay,trial,activity", *(f"{i},0,{i // 75 % 2},walk" for i in range(300))]
    path = put(tmp_path, lines, 25, "recording: {column: trial}")
    assert [one.x[:, 0].tolist() for one in recordings(path)[1]] == [
        [*range(75)],
        [*range(150, 225)],
        [*range(75, 150)],
        [*range(225, 300)],
    ]
    assert windows(path) == {"walk": 4 * 2}


@pytest.mark.parametrize("samples", [36, 52])
def test_packets(tmp_path, samples):
    """Case 08: a stamp per packet of 36 samples, or whole seconds."""
    stamps = [i // samples * samples / 52 for i in range(3120)]
    path = write(tmp_path, stamps, 52)
    message = (
        f"raw/p1.csv: from line 2 on: {samples} rows share each stamp of 't'; time: {{packets: true}} spreads them"
    )
    assert fault(path) == message
    path = write(tmp_path, stamps, 52, "time: {column: t, packets: true}")
    assert windows(path) == {"walk": 29, "run": 29}
    few = [i // 3 * 3 / 52 for i in range(3120)]  # no leap from packet to packet is too long for a recording
    assert windows(write(tmp_path, few, 52)) == {"walk": 29, "run": 29}


def test_packets_out_of_order(tmp_path):
    """Case 09: every third packet of 0.4 s comes after its successor."""
    packets = np.arange(1500).reshape(-1, 10)
    for i in range(0, 149, 3):
        packets[[i, i + 1]] = packets[[i + 1, i]]
    rows = packets.reshape(-1).tolist()
    lines = ["t,ax,ay,activity", *(f"{i / 25:.2f},{i},0,{'walk' if i < 750 else 'run'}" for i in rows)]
    assert fault(put(tmp_path, lines, keys="time: {column: t}")) == (
        "raw/p1.csv: from line 2 on: 't' runs backwards at 50 of 1,499 rows, by at most 0.76 s; "
        "time: {disorder_s: 0.76} sorts rows that come so late"
    )
    path = put(tmp_path, lines, keys="time: {column: t, disorder_s: 0.76}")
    assert windows(path) == {"walk": 29, "run": 29}
    assert recordings(path)[1][0].x[:, 0].tolist() == list(range(1500))


def test_a_counter_that_wraps(tmp_path):
    """Case 12, Movella DOT: microseconds of 32 bits; and one that wraps where only its user knows."""
    stamps = [(4_294_000_000 + i * 16_667) % 2**32 for i in range(2400)]
    assert windows(write(tmp_path, stamps, 60, "time: {column: t, unit: us}")) == {"walk": 19, "run": 19}
    assert len(recordings(write(tmp_path, stamps, 60, "time: {column: t, unit: us, wraps_at: none}"))[1]) == 2
    stamps = [i * 40 % 10_000 for i in range(1000)]
    path = write(tmp_path, stamps, 25, "time: {column: t, unit: ms, wraps_at: 10000}")
    assert windows(path) == {"walk": 19, "run": 19}
    ticks = [(2**24 - 1000 + i * 512) % 2**24 for i in range(1280)]  # Shimmer: 32,768 a second, 24 bits
    path = write(tmp_path, ticks, 64, "time: {column: t, unit: 0.000030517578125}")
    assert windows(path) == {"walk": 9, "run": 9}


def test_empatica_has_start_and_rate_above_rows_without_names(tmp_path):
    """Case 13: 30 s at 32 Hz, in 1/64 g."""
    (tmp_path / "S1").mkdir()
    head = ["1544027337.000000, 1544027337.000000, 1544027337.000000", "32.000000, 32.000000, 32.000000"]
    (tmp_path / "S1/ACC.csv").write_text("\n".join([*head, *(f"{i},64,-32" for i in range(960))]) + "\n")
    (tmp_path / "mine.yaml").write_text(
        r"""
files: S*/ACC.csv
rate_hz: {line: 2, column: 1}
time: {start: {line: 1, column: 1}}
subject: {pattern: 'S(\d+)'}
label: {pattern: '(ACC)'}
channels:
  acc_x: {column: 2, unit: g, in_file: {scale: 0.015625, unit: g}}
  acc_y: {column: 3, unit: m/s^2, in_file: {scale: 0.015625, unit: g}}
presets:
  p: {window_s: 2, stride_s: 1, rate_hz: 32}
"""
    )
    _, (one,), rejects = recordings(tmp_path / "mine.yaml")
    assert (len(one.x), one.rate_hz, rejects) == (960, 32, {})
    assert one.x[0].tolist() == pytest.approx([1, -0.5 * 9.80665])
    assert windows(tmp_path / "mine.yaml") == {"ACC": 29}
    (tmp_path / "S1/ACC.csv").write_text("\n".join([head[0], "fast, fast, fast", "1,64,-32"]) + "\n")
    assert "line 2: column 1 is 'fast', expected a number" in fault(tmp_path / "mine.yaml")


def test_parquet_over_the_change_of_clocks(tmp_path):
    """Case 18: the index is a time stamp with a zone; and text of local clocks, with and without one."""
    index = pd.date_range("2023-10-29 00:59:40", periods=1500, freq="40ms", tz="UTC").tz_convert("Europe/Oslo")
    path = write(tmp_path, index.tz_localize(None).strftime("%Y-%m-%d %H:%M:%S.%f"), keys="time: {column: t}")
    assert "'t' leaps by an hour, as clocks do that change; time: {zone: ...}" in fault(path)
    path = write(
        tmp_path,
        index.tz_localize(None).strftime("%d.%m.%Y %H:%M:%S.%f"),
        keys="time: {column: t, zone: Europe/Oslo}",
    )
    assert windows(path) == {"walk": 29, "run": 29}
    frame = pd.DataFrame({"ax": np.arange(1500.0), "ay": 0.0, "activity": ["walk"] * 750 + ["run"] * 750}, index=index)
    frame.to_parquet(tmp_path / "raw/p1.parquet")
    (tmp_path / "raw/p1.csv").unlink()
    text = path.read_text().replace("*.csv", "*.parquet").replace("column: t", "column: __index_level_0__")
    path.write_text(text)
    assert windows(path) == {"walk": 29, "run": 29}


def test_every_phone_has_its_own_rate(tmp_path):
    """Case 19: 20 s at 100.1, 77.45 and 208.9 Hz, all resampled to 50."""
    for p, rate in ((1, 100.1), (2, 77.45), (3, 208.9)):
        path = write(tmp_path, [f"{i / rate:.5f}" for i in range(int(20 * rate))], rate=100, name=f"p{p}")
    assert fault(path).splitlines() == [
        "raw/p2.csv: from line 2 on: 't' says 77.45 Hz, rate_hz is 100; over 5 % apart; set rate_hz to the rate found, "
        "or a unit other than s, or to auto where every file has its own",
        "raw/p3.csv: from line 2 on: 't' says 208.9 Hz, rate_hz is 100; over 5 % apart; set rate_hz to the rate found, "
        "or a unit other than s, or to auto where every file has its own; or are these rows of 2 devices, "
        "interleaved? (recording: says whose each is)",
    ]
    path = write(tmp_path, [i / 100 for i in range(2000)], "auto")
    assert "mine.yaml:9: presets.p: rate_hz is missing, to which files are resampled" in fault(path)
    path = write(tmp_path, [i / 100 for i in range(2000)], "auto", preset=", rate_hz: 50")
    dataset, found, _ = recordings(path)
    assert [one.rate_hz for one in found] == [100, 77.4, 209]
    assert dataset.rate_hz == 100, "in the middle"
    assert windows(path) == {"walk": 3 * 9, "run": 3 * 9}
    assert "auto finds it from time stamps, and no time" in fault(
        write(tmp_path, [0], "auto", keys="", preset=", rate_hz: 50")
    )


def test_the_rate_may_stand_in_the_path_or_above_the_names(tmp_path):
    stamps = [i / 50 for i in range(1000)]
    path = write(tmp_path, stamps, "{pattern: '_(\\d+)Hz'}", preset=", rate_hz: 25", name="p1_50Hz")
    assert [one.rate_hz for one in recordings(path)[1]] == [50]
    assert windows(path) == {"walk": 9, "run": 9}
    lines = ["OutputRate:,50 Hz", "", *(tmp_path / "raw/p1_50Hz.csv").read_text().splitlines()]
    (tmp_path / "raw/p1_50Hz.csv").unlink()
    path = put(tmp_path, lines, "{line: 1, column: 2}", "time: {column: t}", ", rate_hz: 50")
    assert windows(path) == {"walk": 9, "run": 9}
    lines[0] = "OutputRate:,20 Hz"
    assert "'t' says 50 Hz, rate_hz is 20" in fault(
        put(tmp_path, lines, "{line: 1, column: 2}", "time: {column: t}", ", rate_hz: 50")
    )


@pytest.mark.parametrize(
    ("start", "cell"),
    [
        ("2023-10-28 12:00:00", "25"),
        ("{line: 1, column: 2}", "2023-10-28 12:00:00"),
        ("{line: 1, column: 2}", "28.10.2023 12:00"),
        ("{line: 1, column: 2, unit: ms}", "1698487200000"),
    ],
)
def test_the_start_may_be_said_or_stand_in_a_cell_as_a_time(tmp_path, start, cell):
    """At noon in Oslo, which is 10 o'clock UTC in summer."""
    lines = [f"Start:,{cell}", "", "ax,ay,activity", *(f"{i},0,{'walk' if i < 500 else 'run'}" for i in range(1000))]
    path = put(tmp_path, lines, keys=f"time: {{start: {start}, zone: Europe/Oslo}}")
    assert windows(path) == {"walk": 19, "run": 19}
    assert clocked(path)[0].t[0] == datetime(2023, 10, 28, 10, tzinfo=UTC).timestamp()
    lines[0] = "Start:,04/03/2021 12:00:00"
    assert (
        "line 1: column 2 is '04/03/2021 12:00:00', expected a number or a time; say which it is, time: {format: '%d"
        in (fault(put(tmp_path, lines, keys="time: {start: {line: 1, column: 2}}")))
    )
    lines[0] = "Start:,at noon"
    assert fault(put(tmp_path, lines, keys="time: {start: {line: 1, column: 2}}")) == (
        "raw/p1.csv: line 1: column 2 is 'at noon', expected a number or a time"
    )


def test_whole_seconds_have_one_format(tmp_path):
    stamps = [f"{datetime(2021, 3, 24, 9) + timedelta(seconds=i // 25):%d/%m/%Y %H:%M:%S}" for i in range(1000)]
    assert windows(write(tmp_path, stamps, keys="time: {column: t, packets: true}")) == {"walk": 19, "run": 19}


@pytest.mark.parametrize(
    ("rates", "said", "even_hz"),
    [((45, 55), 50, 50), ((50, 100), 50, 100), ((50, 100), "auto", 75)],
    ids=["wanders", "jumps", "jumps, rate not said"],
)
def test_readings_whose_rate_wanders_are_put_on_even_intervals_and_it_is_said(tmp_path, rates, said, even_hz):
    """20 s at each of two rates; ax is the time."""
    stamps = [start + i / rate for start, rate in zip((0, 20), rates, strict=True) for i in range(20 * rate)]
    lines = [f"{t:.6f},{t},0,walk" for t in stamps]
    path = put(tmp_path, ["t,ax,ay,activity", *lines], said, "time: {column: t}", ", rate_hz: 50")
    dataset, (one,), rejects = recordings(path)
    assert rejects == {}
    assert one.rate_hz == pytest.approx(even_hz, rel=0.01)
    assert np.allclose(one.x[:, 0], np.arange(len(one.x)) / one.rate_hz, atol=1e-4)
    assert one.wander is not None
    assert one.wander[:2] == pytest.approx(rates)
    assert one.wander.at_s == pytest.approx(20, abs=0.1)
    assert windows(path) == {"walk": 39}
    _, (found,) = before_windows(dataset, replace(dataset.presets["p"], channels=("acc_x",)), ())
    assert (found.kind, found.where, found.fatal) == ("rate", "subject 1 (p1.csv)", False)
    assert f"readings come at {rates[0]} to {rates[1]} Hz, with the largest change after about 20 s of" in found.text


def test_dates_that_may_be_read_two_ways_are_asked_about(tmp_path):
    stamps = [f"4/03/2021 09:30:{i / 25:06.3f}" for i in range(1000)]
    assert fault(write(tmp_path, stamps, keys="time: {column: t}")) == (
        "raw/p1.csv: line 2: column 't' is '4/03/2021 09:30:00.000'; say which it is, "
        "time: {format: '%d/%m/%Y %H:%M:%S.%f' or '%m/%d/%Y %H:%M:%S.%f'}"
    )
    path = write(tmp_path, stamps, keys="time: {column: t, format: '%d/%m/%Y %H:%M:%S.%f'}")
    assert windows(path) == {"walk": 19, "run": 19}
    stamps[500] = "yesterday"
    assert fault(write(tmp_path, stamps, keys="time: {column: t, format: '%d/%m/%Y %H:%M:%S.%f'}")) == (
        "raw/p1.csv: line 502: column 't' is 'yesterday', expected a time of the format '%d/%m/%Y %H:%M:%S.%f'"
    )
    assert "'at nine'; expected" not in fault(write(tmp_path, ["at nine"] * 9, keys="time: {column: t}"))


@pytest.mark.parametrize("sign", ["T", "_", "-"])
def test_date_and_time_as_two_runs_of_digits(tmp_path, sign):
    """`20240517T115950.040`: the hour strikes in the middle."""
    start = datetime(2024, 5, 17, 11, 59, 40, tzinfo=UTC)
    stamps = [(start + timedelta(milliseconds=40 * i)).strftime(f"%Y%m%d{sign}%H%M%S.%f")[:-3] for i in range(1000)]
    path = write(tmp_path, stamps, keys="time: {column: t}")
    assert windows(path) == {"walk": 19, "run": 19}
    (stream,) = clocked(path)
    assert stream.t[[0, 500]] - start.timestamp() == pytest.approx([0, 20])


def split(start, seconds, date):
    """`Date,Time,ax,ay,activity`: rows at 25 Hz from `start` on, walking and then running."""
    n = 25 * seconds
    for i in range(n):
        at = start + timedelta(milliseconds=40 * i)
        yield f"{at.strftime(date)},{at:%H:%M:%S.%f},{i},{100 + i},{'walk' if i < n // 2 else 'run'}"


@pytest.mark.parametrize("date", ["%Y-%m-%d", "%d.%m.%Y", "%d.%m.%y", "%Y%m%d", "%d-%b-%Y"])
def test_date_and_time_of_day_in_two_columns(tmp_path, date):
    """The clock strikes midnight in the second of the two minutes."""
    rows = list(split(datetime(2021, 3, 31, 23, 58, 30), 120, date))
    keys = "time: {date: Date, column: Time, zone: Europe/Oslo}"
    path = put(tmp_path, ["Date,Time,ax,ay,activity", *rows], keys=keys)
    assert windows(path) == {"walk": 59, "run": 59}
    (stream,) = clocked(path)
    assert stream.t[0] == datetime(2021, 3, 31, 21, 58, 30, tzinfo=UTC).timestamp()
    assert np.allclose(np.diff(stream.t), 0.04)


def test_a_date_of_its_own_that_may_be_read_two_ways_is_asked_about(tmp_path):
    rows = list(split(datetime(2021, 3, 4, 9), 40, "%d/%m/%Y"))
    assert fault(put(tmp_path, ["Date,Time,ax,ay,activity", *rows], keys="time: {date: Date, column: Time}")) == (
        "raw/p1.csv: line 2: column 'Date' and 'Time' is '04/03/2021 09:00:00.000000'; say which it is, "
        "time: {format: '%d/%m/%Y %H:%M:%S.%f' or '%m/%d/%Y %H:%M:%S.%f'}"
    )
    keys = "time: {date: Date, column: Time, format: '%m/%d/%Y %H:%M:%S.%f'}"
    path = put(tmp_path, ["Date,Time,ax,ay,activity", *rows], keys=keys)
    assert windows(path) == {"walk": 19, "run": 19}
    assert clocked(path)[0].t[0] == datetime(2021, 4, 3, 9, tzinfo=UTC).timestamp()
    assert "date is of rows whose column says the time of day; say column, too" in fault(
        put(tmp_path, rows, keys="time: {date: Date, start: {line: 1}}")
    )


@pytest.mark.parametrize("suffix", [".xlsx", ".parquet"])
def test_date_and_time_of_day_as_typed_columns_have_them(tmp_path, suffix):
    stamps = pd.date_range("2021-03-31 23:59:40", periods=1000, freq="40ms")
    frame = pd.DataFrame(
        {
            "Date": stamps.date,
            "Time": stamps.time,
            "ax": np.arange(1000.0),
            "ay": 0.0,
            "activity": ["walk"] * 500 + ["run"] * 500,
        }
    )
    path = put(tmp_path, [""], keys="time: {date: Date, column: Time}")
    (tmp_path / "raw/p1.csv").unlink()
    file = tmp_path / f"raw/p1{suffix}"
    frame.to_parquet(file) if suffix == ".parquet" else frame.to_excel(file, index=False)
    path.write_text(path.read_text().replace("*.csv", f"*{suffix}"))
    assert windows(path) == {"walk": 19, "run": 19}
    assert clocked(path)[0].t[0] == datetime(2021, 3, 31, 23, 59, 40, tzinfo=UTC).timestamp()


def test_times_of_day_go_on_past_midnight_and_rows_that_come_late_are_told(tmp_path):
    times = [(datetime(2021, 3, 31, 23, 59, 40) + timedelta(milliseconds=40 * i)) for i in range(1000)]
    path = write(tmp_path, [f"{at:%H:%M:%S.%f}" for at in times], keys="time: {column: t}")
    assert windows(path) == {"walk": 19, "run": 19}
    late = [times[i + 5 if i % 10 < 5 else i - 5] for i in range(1000)]  # packets of five, of which two change places
    path = write(tmp_path, [f"{at:%H:%M:%S.%f}" for at in late], keys="time: {column: t}")
    assert "by at most 0.36 s; time: {disorder_s: 0.37} sorts rows that come so late" in fault(path)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ("time: {column: t, format: '%Q'}", "time.format: '%Q' is no pattern of a time"),
        ("time: {column: t, format: iso8601}", "time.format: format 'iso8601' is unknown; did you mean 'iso'?"),
        (
            "time: {column: t, zone: Europe/Olso}",
            "time.zone: time zone 'Europe/Olso' is unknown; did you mean 'Europe/",
        ),
        ("time: {unit: s}", "time: expected either column, of the time stamps, or start"),
        ("time: {column: t, unit: min}", "time.unit: value 'min' is unknown"),
        ("join: '(.*)/'", "join: is for files of several sources; there are no sources"),
        ("recording: {}", "recording: expected either column or pattern"),
    ],
)
def test_what_a_descriptor_cannot_say_of_time(tmp_path, keys, message):
    assert message in fault(write(tmp_path, [0.0], keys=keys))


def test_rows_left_out_and_kept_add_up_to_those_read(tmp_path):
    stamps = [f"{i / 25:.2f}" for i in range(500)]
    stamps[3] = stamps[40] = ""
    stamps[200:202] = ["2.00", "2.04"]  # over 5 s late
    path = write(tmp_path, stamps, keys="time: {column: t, disorder_s: 1}")
    _, found, rejects = recordings(path)
    assert [len(one.x) for one in found] == [198, 2, 298]
    assert rejects == {"no time stamp": 2}
    assert sum(len(one.x) for one in found) + sum(rejects.values()) == 500
    path = write(tmp_path, ["0.00", "", "0.04"], "auto", preset=", rate_hz: 25")
    _, found, rejects = recordings(path)
    assert (found, rejects) == ([], {"no time stamp": 1, "row of a recording too short to tell its rate": 2})
