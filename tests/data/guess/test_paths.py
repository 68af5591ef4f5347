"""What paths say: the words that differ, patterns that find them in every path, and globs."""

import pytest

from har_ray.data.guess.parts import source_of
from har_ray.data.guess.paths import fields, glob_of
from har_ray.data.own.paths import word_in


@pytest.mark.parametrize(
    ("paths", "found"),
    [
        (["raw/p1.csv", "raw/p2.csv"], [("1", "2")]),
        (["raw/sub-01_walk.csv", "raw/sub-02_run.csv"], [("01", "02"), ("walk", "run")]),
        (
            ["a b/2023-10-20_14-50/x.csv", "c/2023-10-21_15-00/x.csv"],
            [("a b", "c"), ("2023-10-20_14-50", "2023-10-21_15-00")],
        ),
        (["S1/walk/a.csv", "S1/run/a.csv"], [("walk", "run")]),
    ],
)
def test_fields(paths, found):
    differ = fields(paths)
    assert set(found) <= {one.words for one in differ}
    for one in differ:
        assert tuple(word_in(path, one.pattern) for path in paths) == one.words


def test_a_date_is_no_word():
    paths = ["walk-2023-10-20_14-50-24.csv", "run-2023-10-21_14-50-24.csv"]
    assert ("20", "21") not in [one.words for one in fields(paths)]


@pytest.mark.parametrize(
    ("path", "source"),
    [("raw/p1_L.csv", "left"), ("raw/p1_R_gyro.csv", "right_gyr"), ("raw/Lars/p1.csv", ""), ("raw/p1L.csv", "left")],
)
def test_a_letter_by_itself_is_a_side(path, source):
    assert source_of(path) == source


@pytest.mark.parametrize(
    ("paths", "pattern"),
    [
        (["raw/p1.csv", "raw/p12.csv"], "raw/p*.csv"),
        (["raw/501.csv", "raw/502.csv"], "raw/*.csv"),
        (["a/x/Accelerometer.csv", "b/y/Accelerometer.csv"], "*/*/Accelerometer.csv"),
        (["a/p1.csv", "a/b/p2.csv"], "a/**/p*.csv"),
        (["raw/p[1].csv"], "raw/p[[]1].csv"),
    ],
)
def test_globs(paths, pattern):
    assert glob_of(paths) == pattern


def test_sources():
    assert source_of("ana/walk/Accelerometer.csv") == "acc"
    assert source_of("raw/watch/gyro/data_1600_gyro_watch.txt.xz") == "watch_gyr"
    assert source_of("p1/leftWrist_acc.csv") == "left_wrist_acc"
    assert source_of("raw/p1.csv") == ""
