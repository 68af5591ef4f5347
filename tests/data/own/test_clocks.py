"""Stamps of any kind as seconds, in order; what the steps between them say."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest

from har_ray.data.dataset import Rejects
from har_ray.data.own.clock import Clock, Stamps
from har_ray.data.own.format import FileSpec
from har_ray.data.own.order import sorted_rows, spread, unwound, wraps_at
from har_ray.data.own.stamps import formats_of, from_days, has_date, parsed, to_utc
from har_ray.data.own.steps import Steps, rate_of, rounded, wander_of
from har_ray.data.own.timing import Time

OSLO = ZoneInfo("Europe/Oslo")


@pytest.mark.parametrize(
    ("texts", "formats"),
    [
        (["2021-03-24 14:42:03.839", "2021-03-24T14:42:04"], ["iso"]),
        (["2021-03-24T14:42:03,839Z"], ["iso"]),
        (["4/03/2021 09:30:00.000"], ["%d/%m/%Y %H:%M:%S.%f", "%m/%d/%Y %H:%M:%S.%f"]),
        (["4/03/2021 09:30:00.000", "13/03/2021 09:30:00"], ["%d/%m/%Y %H:%M:%S.%f"]),
        (["2021/03/24 14:42:03"], ["%Y/%m/%d %H:%M:%S.%f"]),
        (["24.03.2021 14:42:03:839"], ["%d.%m.%Y %H:%M:%S:%f"]),
        (["09:30:00.123456789"], ["%H:%M:%S.%f"]),
        (["3/24/2021 02:42:03 PM"], ["%m/%d/%Y %I:%M:%S.%f %p"]),
        (["half past nine"], []),
    ],
)
def test_the_format_of_stamps_is_found(texts, formats):
    assert formats_of(texts) == formats


AT = datetime(2021, 3, 4, 9, 30, 1, 250_000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "pattern", "zoned"),
    [
        ("2021-03-04 09:30:01.25", "iso", False),
        ("2021-03-04T09:30:01,250Z", "iso", True),
        ("2021-03-04T10:30:01.250+01:00", "iso", True),
        ("2021-03-04 04:00:01.250000000 -0530", "iso", True),
        ("4/03/2021 09:30:01.250", "%d/%m/%Y %H:%M:%S.%f", False),
        ("04.03.2021 09:30:01:250", "%d.%m.%Y %H:%M:%S:%f", False),
        ("2021-03-04_10:30:01.250 +0100", "%Y-%m-%d_%H:%M:%S.%f %z", True),
        ("4 Mar 2021 09:30:01.25", "%d %b %Y %H:%M:%S.%f", False),
    ],
)
def test_stamps_of_text_are_seconds_since_1970(text, pattern, zoned):
    times = parsed(pa.array([text, None, text]), pattern)
    assert times.seconds[0] == times.seconds[2] == AT.timestamp()
    assert np.isnan(times.seconds[1])
    assert (times.zoned, times.fault) == (zoned, None)
    assert has_date(pattern)


def test_stamps_without_a_fraction_stand_among_others_and_what_is_none_is_named():
    for first, pattern in (("2021-03-04 09:30:01", "iso"), ("04/03/2021 09:30:01", "%d/%m/%Y %H:%M:%S.%f")):
        times = parsed(pa.array([first, f"{first}.25", None, "later"]), pattern)
        assert times.seconds[:2].tolist() == [AT.timestamp() - 0.25, AT.timestamp()]
        assert times.fault == 3
    assert from_days(np.array([25_569.5])).tolist() == [43_200], "a spreadsheet's noon of 1 January 1970"


@pytest.mark.parametrize(("begin", "end"), [(-90, 150), (-30, 150), (-90, 90), (75, 150), (-90, -61)])
def test_clocks_that_are_put_back_do_not_put_time_back(begin, end):
    """Minutes from when clocks in Oslo went from three to two; from two o'clock on each hour was shown twice."""
    change = datetime(2023, 10, 29, 1, tzinfo=UTC)
    utc = [change + timedelta(minutes=m) for m in range(begin, end)]
    local = [t.astimezone(OSLO).replace(tzinfo=UTC).timestamp() for t in utc]
    assert to_utc(np.array(local), OSLO).tolist() == [t.timestamp() for t in utc]


def test_an_hour_that_clocks_leap_over_is_none():
    local = datetime(2023, 3, 26, 2, 30, tzinfo=UTC).timestamp()
    assert np.isnan(to_utc(np.array([local]), OSLO)[0])


def test_counters_go_on_where_they_wrap():
    assert wraps_at(np.array([254.0, 255, 0, 1])) == 2**8
    assert wraps_at(((65_000 + 100 * np.arange(20)) % 2**16).astype(np.float64)) == 2**16
    assert wraps_at(((4_294_000_000 + 16_667 * np.arange(200)) % 2**32).astype(np.float64)) == 2**32
    for counts in ([0, 1, 2, 3], [254, 255, 100, 101], [250, 251, 0, 1, 251, 0], [0.5, 255.5, 0.5], [-2, 254, 0]):
        assert wraps_at(np.array(counts, dtype=float)) is None
    assert unwound(np.array([254.0, 255, 0, 1, 255, 3]), 256).tolist() == [254, 255, 256, 257, 511, 515]
    assert unwound(np.array([254.0, 1, 255, 0, 2]), 256, disorder=3).tolist() == [254, 257, 255, 256, 258]


def test_rows_that_come_late_are_sorted_within_a_bound():
    t = np.array([0, 1, 4, 2, 3, 5, 0, 1, 2], dtype=float)
    found = sorted_rows(t, 2)
    assert (t[found.rows].tolist(), found.begins.tolist(), found.late) == ([0, 1, 2, 3, 4, 5, 0, 1, 2], [6], 0)
    slowly_back = np.array([0, 5, 4, 3, 2, 6], dtype=float)
    found = sorted_rows(slowly_back, 2)
    assert (slowly_back[found.rows].tolist(), found.late) == ([0, 3, 4, 5, 6], 1)


def test_samples_of_a_packet_keep_their_order():
    t = np.array([0, 0, 0, 2, 2, 1, 1], dtype=float)
    assert sorted_rows(t, 1).rows.tolist() == [0, 1, 2, 5, 6, 3, 4]


@pytest.mark.parametrize(
    ("stamps", "times"),
    [
        ([0, 0, 0, 3, 3, 3], [0, 1, 2, 3, 4, 5]),
        ([0, 3, 3, 3, 6, 6], [2, 3, 4, 5, 6, 7]),  # the first packet had begun before
        ([0, 0, 4, 4, 8, 8, 20, 20], [0, 2, 4, 6, 8, 10, 20, 22]),  # a packet was lost, and is not stretched over
        ([0, 0, 2, 2, 0, 0], [0, 1, 2, 3, 0, 1]),
        ([7, 7], [7, 7]),
    ],
)
def test_samples_of_a_packet_are_spread_until_the_next(stamps, times):
    assert spread(np.array(stamps, dtype=float)).tolist() == times


def test_the_rate_is_that_of_samples_not_of_what_was_lost():
    t = np.arange(1000) / 50
    assert rate_of(t) == pytest.approx(50)
    assert rate_of(np.delete(t, [100, 200, 201, 500])) == pytest.approx(50)
    assert rate_of(np.append(t, t + 3600)) == pytest.approx(50)
    assert rate_of(np.floor(np.arange(1000) * 1000 / 300) / 1000) == pytest.approx(300, rel=0.01)
    assert rate_of(np.repeat(np.arange(100) * 0.72, 36)) == pytest.approx(50, rel=0.01)
    assert rate_of(np.arange(1000) // 2 / 25 + 0.003 * (np.arange(1000) % 2)) == pytest.approx(50, rel=0.01)
    assert rate_of(np.zeros(9)) is None
    assert [rounded(rate) for rate in (99.96, 77.4512, 208.93, 0.9996)] == [100, 77.5, 209, 1]


def fault(t, rate_hz=50.0, **more):
    return Steps(np.asarray(t, dtype=float), Time(column="t"), rate_hz, **more).fault()


def test_what_is_wrong_with_stamps_is_named_with_what_mends_it():
    t = np.arange(3000) / 50
    assert fault(t) is None
    assert fault(np.floor(t / 0.72) * 0.72) == "36 rows share each stamp of 't'; time: {packets: true} spreads them"
    assert fault(np.floor(t)) == "50 rows share each stamp of 't'; time: {packets: true} spreads them"
    assert "2 rows share each stamp of 't', with the same values" in fault(np.repeat(t, 2), copied=1.0)
    late = t.reshape(-1, 20)[[1, 0, *range(2, 150)]].reshape(-1)
    assert fault(late) is None, "one late packet costs little"
    late = t.reshape(-1, 2, 20)[:, ::-1].reshape(-1)
    assert fault(late).endswith("by at most 0.78 s; time: {disorder_s: 0.78} sorts rows that come so late")
    trials = np.tile(t[:80], 40)
    assert fault(trials) is None, "time that begins anew for every trial is not in disorder"
    assert "are these rows of 2 devices" in fault(np.arange(3000) / 100)
    assert "they agree if stamps count days: time: {format: excel}" in fault(t / 86_400)
    changed = np.where(t < 30, t, t - 3600)
    assert fault(changed) is None
    assert "leaps by an hour" in fault(changed, local=True, numbers=False)
    assert "leaps by an hour" in fault(np.where(t < 30, t, t + 3600), local=True, numbers=False)
    assert fault(np.where(t < 30, t, t + 3610), local=True, numbers=False) is None


def test_rows_of_devices_in_turn_are_known_by_their_steps():
    rng = np.random.default_rng(0)
    t = np.arange(2000) // 2 / 25
    for offset in (0.017, 0.003):
        turns = t + offset * (np.arange(2000) % 2)
        assert "as if rows of 2 devices were interleaved; recording:" in fault(turns)
        assert "rows of 2 devices" in fault(turns + rng.normal(0, 2e-4, 2000))
    assert "rows of 3 devices" in fault(np.arange(3000) // 3 / 20 + np.tile([0, 0.009, 0.03], 1000), 60)
    even = np.arange(2000) / 50
    assert fault(even + rng.normal(0, 0.003, 2000)) is None, "jitter"
    assert fault(np.floor(even * 300) / 300) is None, "a clock of 300 ticks a second"
    assert fault(np.floor(np.arange(3000) * 1000 / 300) / 1000, 300) is None, "whole milliseconds"
    assert fault(np.delete(even, np.arange(5, 2000, 50))) is None, "lost samples"


def test_how_far_a_rate_wanders_and_where_it_changes():
    slow, fast = np.arange(900) / 45, 20 + np.arange(1100) / 55
    stamps = np.append(slow, fast)
    assert wander_of(stamps, 50) == pytest.approx((45, 55, 20))
    assert fault(stamps) is None
    assert wander_of(np.arange(2000) / 52, 50) is None, "another rate, but one"
    assert wander_of(np.append(np.arange(1000) / 50, 3600 + np.arange(1000) / 50), 50) is None, "a pause"
    earlier = np.append(1000 + slow, 500 + np.arange(1100) / 55)
    assert wander_of(earlier, 50) == pytest.approx((45, 55, 20), rel=0.01), "what follows was recorded before"
    drift = np.cumsum(1 / np.linspace(49, 51, 6000))
    assert wander_of(drift, 50) is None, "2 % are no more than a lost sample makes"
    jump = np.append(np.arange(3000) / 50, 60 + np.arange(3000) / 100)
    found = wander_of(jump, 66)
    assert found is not None
    assert found == pytest.approx((50, 100, 60))
    assert fault(jump) is None
    assert fault(jump, rate_hz=25) is not None, "at no time is it that"


@pytest.mark.parametrize(
    ("stamps", "left", "kept"),
    [
        ([0, 1.7e9, 1.7e9 + 1, 1.7e9 + 2], 1, [1, 2, 3]),
        ([1.7e9, 0, 0, 1.7e9 + 3, 1.7e9 + 4], 2, [0, 3, 4]),
        ([10, 11, 12, 1.7e9, 1.7e9 + 1, 1.7e9 + 2, 1.7e9 + 3], 0, range(7)),  # they tell time until the clock is set
        ([0, 1, 2, 3], 0, range(4)),  # a clock that counts from when it was switched on
    ],
)
def test_rows_stamped_1970_before_the_clock_was_set_are_left_out_and_named(tmp_path, stamps, left, kept):
    clock, rejects = Clock(tmp_path / "p1.csv", FileSpec(), Time(column="t"), 1.0), Rejects()
    timed = clock.timed(Stamps(np.array(stamps, dtype=np.float64)), rejects)
    assert timed.rows.tolist() == list(kept)
    assert rejects.counts == ({"row stamped 1970, by a clock that was not set": left} if left else {})
