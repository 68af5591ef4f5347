"""Cutting and bridging, on streams short enough to check by hand."""

import numpy as np
import pytest

from har_ray.data import cleaning
from har_ray.data.cleaning import (
    changes,
    codes,
    columns_of,
    explain,
    find_files,
    intact_runs,
    line_blocks,
    natural_key,
    row_fault,
    runs,
    time_breaks,
)
from har_ray.data.dataset import Rejects
from har_ray.errors import DataError

NAN = np.nan


def clean(columns, breaks=(), rate_hz=10.0, max_missing_s=0.2):
    """Runs, the stream afterwards and the rejects; `columns` maps channel to samples, `breaks` are where it is cut."""
    x = np.array(list(columns.values()), dtype=np.float32).T.copy()
    cuts = np.zeros(len(x) - 1, dtype=bool)
    cuts[list(breaks)] = True
    rejects = Rejects()
    intact = list(intact_runs(x, cuts, list(columns), rate_hz, max_missing_s, rejects))
    return intact, x, dict(rejects.counts)


def test_nothing_missing_is_one_run_left_as_it_is():
    intact, x, rejects = clean({"a": [1, 2, 3], "b": [4, 5, 6]})
    assert intact == [(0, 3)]
    assert x.T.tolist() == [[1, 2, 3], [4, 5, 6]]
    assert rejects == {}


def test_short_gaps_become_straight_lines_each_in_its_own_channel():
    intact, x, rejects = clean({"a": [0, NAN, NAN, 3, 4], "b": [10, 20, NAN, 40, 50]})
    assert intact == [(0, 5)]
    assert x.T.tolist() == [[0, 1, 2, 3, 4], [10, 20, 30, 40, 50]]
    assert rejects == {}


def test_a_gap_longer_than_allowed_cuts_and_is_counted():
    intact, x, rejects = clean({"a": [0, 1, NAN, NAN, NAN, 5, 6]})
    assert intact == [(0, 2), (5, 7)]
    assert np.isnan(x[2:5]).all()
    assert rejects == {"a missing for over 0.2 s": 3}


def test_ends_are_cut_off_not_extrapolated():
    intact, _, rejects = clean({"a": [NAN, 1, 2, 3, NAN, NAN]})
    assert intact == [(1, 4)]
    assert rejects == {"a missing at an end of a recording": 3}


def test_no_line_is_drawn_across_a_break():
    """Sample 2 is the first after a break: the value before it belongs to another run."""
    intact, x, rejects = clean({"a": [0, 1, NAN, 3, 4]}, breaks=[1])
    assert intact == [(0, 2), (3, 5)]
    assert np.isnan(x[2, 0])
    assert rejects == {"a missing at an end of a recording": 1}


def test_a_channel_that_is_never_there_rejects_everything_under_its_name():
    intact, _, rejects = clean({"a": [1, 2, 3, 4], "b": [NAN] * 4})
    assert intact == []
    assert rejects == {"b missing for over 0.2 s": 4}


def test_a_sample_without_several_channels_counts_once():
    _, _, rejects = clean({"a": [1, NAN, NAN, NAN, 5], "b": [1, NAN, NAN, NAN, NAN]})
    assert rejects == {"a missing for over 0.2 s": 3, "b missing for over 0.2 s": 1}


def test_a_line_in_one_channel_survives_a_cut_made_by_another():
    intact, x, _ = clean({"a": [0, 1, 2, NAN, 4, 5, 6], "b": [0, 0, 0, 0, NAN, NAN, NAN]})
    assert intact == [(0, 4)]
    assert x[:4, 0].tolist() == [0, 1, 2, 3]


def test_random_streams_keep_what_was_there_and_hold_no_nan():
    generator = np.random.default_rng(0)
    for _ in range(50):
        x = generator.normal(size=(200, 3)).astype(np.float32)
        x[generator.random(x.shape) < 0.3] = NAN
        before, rejects = x.copy(), Rejects()
        breaks = generator.random(199) < 0.02
        intact = list(intact_runs(x, breaks, "abc", 10.0, 0.3, rejects))
        kept = np.zeros(200, dtype=bool)
        for start, stop in intact:
            assert not np.isnan(x[start:stop]).any()
            assert not breaks[start : stop - 1].any()
            kept[start:stop] = True
        assert sum(rejects.counts.values()) == (~kept).sum()
        there = ~np.isnan(before)
        assert (x[there] == before[there]).all()


def test_time_breaks_at_leaps_reversals_and_unknown_times_only():
    t = np.array([0, 10, 30, 41, 40, 40, NAN, 50, 60, 81])
    assert np.flatnonzero(time_breaks(t, 20)).tolist() == [3, 5, 6, 8]


def test_runs_of_no_sample_of_one_and_of_many():
    none = np.zeros(0, dtype=bool)
    assert runs(0, none) == []
    assert runs(1, none) == [(0, 1)]
    assert runs(4, changes(np.array([7, 7, 8, 7]))) == [(0, 2), (2, 3), (3, 4)]


def test_codes_strip_and_ignore_case():
    assert codes([" Walking", "flying"], np.array([0, 1, 0]), {"walking": 4}).tolist() == [4, -1, 4]


def test_files_are_found_anywhere_in_natural_order(tmp_path):
    for name in ("a/P_10.csv", "b/c/P_2.csv", "P_1.csv", "other.csv"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = find_files(tmp_path, ["P_10.csv", "P_1.csv", "P_2.csv"], "toy")
    assert list(found) == ["P_1.csv", "P_2.csv", "P_10.csv"]
    assert found["P_2.csv"] == tmp_path / "b/c/P_2.csv"
    assert sorted(["b10", "b9", "a"], key=natural_key) == ["a", "b9", "b10"]


def test_all_missing_files_are_named_together(tmp_path):
    (tmp_path / "P_2.csv").touch()
    with pytest.raises(DataError, match=r"toy: 2 of 3 files are missing .*: P_1\.csv, P_10\.csv; unpack"):
        find_files(tmp_path, ["P_10.csv", "P_1.csv", "P_2.csv"], "toy")
    assert list(find_files(tmp_path, ["P_1.csv", "P_2.csv"], "toy", required=False)) == ["P_2.csv"]


def test_two_copies_of_a_file_are_not_chosen_from(tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "P_1.csv").touch()
    with pytest.raises(DataError, match=r"found P_1\.csv twice, .*a/P_1\.csv and .*b/P_1\.csv"):
        find_files(tmp_path, ["P_1.csv"], "toy")


def test_a_folder_that_is_none_is_said(tmp_path):
    for folder in (None, tmp_path / "nowhere"):
        with pytest.raises(DataError, match=r"is not P_1\.csv, or a folder that holds it"):
            find_files(folder, ["P_1.csv"], "toy")


def test_blocks_are_whole_lines_with_their_offset_in_the_file(tmp_path, monkeypatch):
    monkeypatch.setattr(cleaning, "BLOCK_BYTES", 4)
    path = tmp_path / "text"
    for text in (b"11\n22\n3\n\n\n\n\n4444444\n5", b"\n\n\n\n\n\n7\n\n\n\n\n\n", b"a line longer than blocks", b""):
        path.write_bytes(text)
        blocks = list(line_blocks(path))
        assert all(text[offset : offset + len(block)] == block for offset, block in blocks)
        assert b"".join(block for _, block in blocks).split() == text.split()
        assert all(block.endswith(b"\n") for _, block in blocks[:-1])
        assert all(block.strip() for _, block in blocks)


def test_an_unreadable_file_is_named(tmp_path):
    with pytest.raises(DataError, match="nowhere: cannot be read: No such file"):
        list(line_blocks(tmp_path / "nowhere"))


def test_what_is_wrong_with_a_row():
    assert row_fault(["1", "x", ""], 3, {0: "first", 2: "third"}) is None
    assert row_fault(["1", "2"], 3, {}) == "2 fields, expected 3"
    assert row_fault(["1", "x"], 2, {1: "second"}) == "column 2 (second) is 'x', expected a number"


def test_the_first_faulty_line_is_explained_and_a_cut_end_noticed(tmp_path):
    def fault(line):
        return f"{line!r} is bad" if "bad" in line else None

    path = tmp_path / "text"
    path.write_bytes(b"1\n2\nfine\n\nbad one\nbad two\nfine\nbad")
    said = str(explain(path, 4, b"fine\n\nbad one\nbad two\n", fault))
    assert said == f"{path}: line 5: 'bad one' is bad"
    assert "line 8: 'bad' is bad (the file ends in the middle of this line" in str(explain(path, 31, b"bad", fault))
    assert "lines 3 to 4 cannot be parsed" in str(explain(path, 4, b"fine\n\n", fault))


def test_an_unknown_channel_is_named_with_the_nearest():
    known = {"wrist_acc_x": 1, "wrist_acc_y": 2}
    assert columns_of(["wrist_acc_y", "wrist_acc_x"], known, "toy") == [2, 1]
    with pytest.raises(DataError, match=r"toy: channel 'wrist_acx_x' is unknown; did you mean 'wrist_acc_x'"):
        columns_of(["wrist_acx_x"], known, "toy")
