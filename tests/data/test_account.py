"""Windows and seconds that are made, and left out for a reason, are all that there are."""

from dataclasses import replace

import numpy as np
import pytest

from har_ray.data import account
from har_ray.data.account import Account
from har_ray.data.dataset import NULL, Preset, Recording, Rejects
from har_ray.data.datasets.spar import SPAR
from har_ray.data.windows import cut, cut_all, samples

WALK, RUN = 0, 1


def of(labels, rule="pure", window_s=0.5, stride_s=0.5, rate_hz=10.0, null_class=False):
    """What becomes of a recording at 10 Hz: windows and seconds, and those left out by reason."""
    preset = Preset(("a",), window_s, stride_s, rate_hz, rule, null_class)
    recording = Recording("r", "s", np.zeros((len(labels), 1), np.float32), np.array(labels, np.int16), 10.0)
    found = Account()
    found.add(recording, preset, cut(recording, preset, 2 if null_class else None))
    assert sum(found.lost_s.values()) + found.in_windows_s == pytest.approx(found.seconds)
    lost = {reason: (n, round(found.lost_s[reason], 9)) for reason, n in found.lost_windows.items()}
    return (found.windows, round(found.in_windows_s, 9)), lost


def test_windows_of_five_rows_without_overlap():
    labels = [WALK] * 12 + [NULL] * 7 + [RUN] * 3 + [WALK] * 6 + [RUN] * 11
    made, lost = of(labels)
    # In 12 rows begin windows at 0, 5 and 10, in 6 at 0 and 5, in 11 at 0, 5 and 10: the last of each does not fit.
    assert made == (2 + 1 + 2, 2.5)
    assert lost == {
        account.CHANGE: (1 + 1, 0.3),
        account.NO_CLASS: (2, 0.7),
        account.SHORT_LABEL: (1, 0.3),
        account.END: (1, 0.1),
    }


def test_overlaps_count_once():
    # Windows of 4 rows begin at 0, 2, 4, 6 and 8 of 9 rows; the first three fit, and cover 8.
    assert of([WALK] * 9, window_s=0.4, stride_s=0.2) == ((3, 0.8), {account.END: (2, 0.1)})


def test_rows_between_windows_are_in_none():
    # Windows of 2 rows begin at 0 and 5 of 9 rows; 2 to 4, 7 and 8 are between.
    assert of([WALK] * 9, window_s=0.2) == ((2, 0.4), {account.BETWEEN: (0, 0.5)})
    # The second window of 6 rows has one row left, and does not fit.
    assert of([WALK] * 6, window_s=0.2) == ((1, 0.2), {account.END: (1, 0.1), account.BETWEEN: (0, 0.3)})


def test_a_recording_shorter_than_a_window():
    assert of([WALK] * 4) == ((0, 0.0), {account.SHORT: (1, 0.4)})
    assert of([]) == ((0, 0.0), {})


def test_what_a_gap_costs_is_told_from_what_the_end_costs():
    recording = Recording("r", "s", np.zeros((9, 1), np.float32), np.zeros(9, np.int16), 10.0, before_gap=True)
    for window_s, reason, windows in ((0.4, account.GAP, 1), (1.0, account.SHORT_BEFORE_GAP, 1)):
        preset = Preset(("a",), window_s, window_s, 10.0)
        found = Account()
        found.add(recording, preset, cut(recording, preset, None))
        assert found.lost_windows == {reason: windows}


def test_windows_of_no_class_where_they_are_kept_and_where_windows_may_cross_labels():
    labels = [WALK] * 5 + [NULL] * 7
    assert of(labels, null_class=True) == ((2, 1.0), {account.END: (1, 0.2)})
    # By their first rows those at 0, 2 and 4 are of walk, at 6 and 8 of no class; 8 to 11 are in these alone.
    made, lost = of(labels, rule="first", window_s=0.4, stride_s=0.2)
    assert made == (3, 0.8)
    assert lost == {account.NO_CLASS: (2, 0.4), account.END: (1, 0.0)}


def test_windows_of_another_rate_cover_as_many_seconds():
    # 100 rows are 10 s: 12 windows of 0.8 s, and one that does not fit.
    (windows, seconds), lost = of([WALK] * 100, window_s=0.8, stride_s=0.8, rate_hz=5.0)
    assert (windows, seconds) == (12, 9.6)
    assert lost == {account.END: (1, 0.4)}


def test_what_is_said_of_several_files():
    files = []
    preset = Preset(("a",), 50, 50, 0.1)
    for file, labels in (("p1.csv", [WALK] * 12), ("p2.csv", [WALK] * 7 + [NULL] * 3)):
        recording = Recording("r", "s", np.zeros((len(labels), 1), np.float32), np.array(labels, np.int16), 0.1)
        one, rejects = Account(), Rejects()
        rejects.add("no time stamp", 2)
        one.add(recording, preset, cut(recording, preset, None))
        files.append(account.as_row(file, one, rejects))
    assert files[1]["left_out"][account.NO_CLASS] == {"windows": 1, "seconds": 30}
    assert list(account.left_out_lines({"rejects": {"no time stamp": 4}, "files": files})) == [
        "left out: 4 × no time stamp",
        "read: 3:40 min, of which 2:30 min in 3 windows",
        "left out: 20 s, 1 window across a change of label",
        "left out: 20 s, 1 window across the end of a recording",
        "left out: 30 s, 1 window of no class",
    ]


@pytest.mark.parametrize("rate_hz", [50.0, 12.0])
def test_of_spar_all_is_accounted_for(rate_hz):
    preset = replace(SPAR.presets["wrist"], rate_hz=rate_hz)
    found, begun = Account(), 0
    (source,) = SPAR.locate(None)
    recordings = list(SPAR.read(source, preset.channels, Rejects()))
    for recording, _ in found.watched(preset, cut_all(SPAR, preset, recordings)):
        # Each has one label, and a window begins every second of it.
        begun += -(-int(np.ceil(len(recording.x) * rate_hz / 50)) // samples(preset.stride_s, rate_hz))
    assert len(recordings) == 140
    assert found.seconds == pytest.approx(244_102 / 50)
    assert found.in_windows_s + sum(found.lost_s.values()) == pytest.approx(found.seconds)
    assert found.windows + sum(found.lost_windows.values()) == begun
    assert set(found.lost_windows) == {account.END}
