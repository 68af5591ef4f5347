"""Windows of one recording: what a person can count, and resampling against a known signal."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from har_ray.data.dataset import NULL, Preset, Recording
from har_ray.data.datasets.spar import SPAR
from har_ray.data.windows import WindowSpec, cut, resample, samples
from har_ray.errors import DataError


def recording(labels, rate_hz=10.0):
    x = np.arange(len(labels), dtype=np.float32)[:, None] * [1.0, -1.0]
    return Recording("r", "s", x.astype(np.float32), np.array(labels, np.int16), rate_hz)


def preset(rule="pure", window_s=0.4, stride_s=0.2, rate_hz=10.0):
    return Preset(("a", "b"), window_s, stride_s, rate_hz, rule)


def test_pure_windows_never_hold_two_labels():
    windows = cut(recording([0] * 7 + [1] * 9), preset(), None)
    assert windows.start.tolist() == [0, 2, 7, 9, 11]
    assert windows.y.tolist() == [0, 0, 1, 1, 1]
    assert windows.x.shape == (5, 4, 2)
    assert windows.x[2, :, 0].tolist() == [7, 8, 9, 10]
    assert windows.x[2, :, 1].tolist() == [-7, -8, -9, -10]


@pytest.mark.parametrize(
    ("rule", "change", "expected"),
    [
        # Labels of the third window 0 0 1 1 (a tie goes to the smaller label), of the fourth 1 1 1 1.
        *[("first", 6, [0, 0, 0, 1]), ("last", 6, [0, 0, 1, 1]), ("majority", 6, [0, 0, 0, 1])],
        # Of the third 0 0 0 1, of the fourth 0 1 1 1.
        *[("first", 7, [0, 0, 0, 0]), ("last", 7, [0, 0, 1, 1]), ("majority", 7, [0, 0, 0, 1])],
    ],
)
def test_label_rules_of_windows_that_cross(rule, change, expected):
    windows = cut(recording([0] * change + [1] * (10 - change)), preset(rule), None)
    assert windows.start.tolist() == [0, 2, 4, 6]
    assert windows.y.tolist() == expected


def test_null_windows_are_dropped_after_windowing_and_never_glue():
    labels = [0] * 4 + [NULL] * 4 + [0] * 4
    windows = cut(recording(labels), preset(), None)
    assert windows.start.tolist() == [0, 8]
    kept = cut(recording(labels), preset(), null_label=1)
    assert (kept.start.tolist(), kept.y.tolist()) == ([0, 4, 8], [0, 1, 0])


def test_a_recording_shorter_than_a_window_gives_none():
    assert cut(recording([0, 0, 0]), preset(), None).x.shape == (0, 4, 2)
    assert cut(recording([]), preset(), None).x.shape == (0, 4, 2)


def test_resampling_by_a_fraction_keeps_a_slow_sine_and_removes_a_fast_one():
    t = np.arange(500) / 50
    slow, fast = np.sin(2 * np.pi * 1.0 * t), np.sin(2 * np.pi * 20.0 * t)
    x, labels = resample(np.stack([slow, fast], 1).astype(np.float32), np.zeros(500, np.int16), Fraction(25, 6))
    assert len(x) == len(labels) == 120  # 12 Hz
    middle = slice(12, -12)
    wanted = np.sin(2 * np.pi * 1.0 * np.arange(120) / 12)
    assert np.abs(x[middle, 0] - wanted[middle]).max() < 0.02
    assert np.abs(x[middle, 1]).max() < 0.02  # 20 Hz would alias to 4 Hz


def test_resampling_does_not_see_the_other_side_of_a_label_change():
    labels = [0] * 50 + [1] * 50
    quiet, loud = recording(labels, 50.0), recording(labels, 50.0)
    loud.x[50:] = 1e6
    first = [w.x[w.y == 0] for w in (cut(r, preset(window_s=0.4, stride_s=0.4), None) for r in (quiet, loud))]
    assert np.array_equal(*first)


def test_start_is_counted_in_samples_of_the_recording_as_read():
    windows = cut(recording([0] * 100, 50.0), preset(rate_hz=12.0, window_s=0.5, stride_s=0.5), None)
    assert windows.start.tolist() == [0, 25, 50, 75]


def test_nan_stops_with_recording_sample_and_channel():
    broken = recording([0] * 8)
    broken.x[5, 1] = np.nan
    with pytest.raises(DataError, match="recording r: nan at sample 5, channel 1"):
        cut(broken, preset(), None)


def test_lengths_that_are_no_whole_number_of_samples_name_the_nearest():
    assert samples(2.0, 12.0) == 24
    with pytest.raises(ValueError, match=r"1 s at 12.5 Hz are 12.5 samples; 0.96 s"):
        samples(1.0, 12.5)


def test_the_id_changes_with_what_makes_the_windows():
    one = WindowSpec.of(SPAR, "content", SPAR.presets["wrist"])
    assert one.shape == (100, 6)
    assert one.id == WindowSpec.of(SPAR, "content", SPAR.presets["wrist"]).id
    assert one.id != WindowSpec.of(SPAR, "other content", SPAR.presets["wrist"]).id
    assert one.id != WindowSpec.of(SPAR, "content", preset()).id
    assert one.id != WindowSpec.of(SPAR, "content", replace(SPAR.presets["wrist"], track="other")).id


def test_windows_stored_before_presets_had_a_track_are_still_found():
    """The id that the code before had for these; it changes when stored windows are no longer what would be made."""
    assert WindowSpec.of(SPAR, "x", SPAR.presets["wrist"]).id == "ae7f9cd0f71cb2a1"
