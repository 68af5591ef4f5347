"""Splits: no subject on two sides, validation chosen like test."""

import numpy as np
import pytest

from har_ray.data.protocol import Protocol
from har_ray.data.splits import split, subject_parts
from har_ray.errors import DataError

SUBJECTS = [str(i) for i in range(1, 11)]


def test_holdout_takes_the_last_subjects_for_test_and_those_before_for_validation():
    parts = subject_parts(Protocol(name="subject-holdout"), SUBJECTS)
    assert parts == (("1", "2", "3", "4", "5"), ("6", "7"), ("8", "9", "10"))


def test_holdout_with_lists():
    parts = subject_parts(Protocol(name="subject-holdout", test_subjects=("1", "2"), val_subjects=("3",)), SUBJECTS)
    assert parts.test == ("1", "2")
    assert parts.val == ("3",)
    assert parts.train == ("4", "5", "6", "7", "8", "9", "10")


@pytest.mark.parametrize(("name", "folds"), [("subject-kfold", 5), ("subject-kfold", 3), ("loso", 10)])
def test_over_all_folds_every_subject_is_tested_once_and_validates_once(name, folds):
    parts = [subject_parts(Protocol(name=name, folds=folds, fold=f), SUBJECTS) for f in range(folds)]
    for part in ("test", "val"):
        assert sorted(s for p in parts for s in getattr(p, part)) == sorted(SUBJECTS)
    for p in parts:
        assert sorted([*p.train, *p.val, *p.test]) == sorted(SUBJECTS)


@pytest.mark.parametrize(
    ("protocol", "message"),
    [
        (Protocol(name="subject-kfold", folds=11), "11 folds of 10 subjects"),
        (Protocol(name="subject-kfold", folds=2), "at least 3"),
        (Protocol(name="subject-holdout", test_subjects=("11",)), "subject '11' does not exist"),
        (
            Protocol(name="subject-holdout", test_subjects=("1",), val_subjects=("1",)),
            "'1' is listed for validation and",
        ),
        (Protocol(name="subject-holdout", test_subjects=tuple(SUBJECTS[:8])), "no subject is left for train"),
    ],
)
def test_impossible_splits_say_why(protocol, message):
    with pytest.raises(ValueError, match=message):
        subject_parts(protocol, SUBJECTS)


def windows(subjects, y=None):
    subject = np.repeat(subjects, 10)
    return {
        "subject": subject,
        "y": np.tile(np.arange(2), len(subject) // 2) if y is None else y,
        "recording": np.char.add("r", subject),
        "subjects": SUBJECTS,
        "official": None,
    }


def test_windows_follow_their_subject():
    given = windows(SUBJECTS)
    rows = split(Protocol(name="subject-holdout"), **given)
    assert [sorted(set(given["subject"][part].tolist())) for part in rows] == [
        ["1", "2", "3", "4", "5"],
        ["6", "7"],
        ["10", "8", "9"],
    ]
    assert sorted(np.concatenate(rows).tolist()) == list(range(100))


@pytest.mark.parametrize("fold", range(5))
def test_windows_validate_where_that_is_asked_and_the_test_people_are_still_new(fold):
    """As in WHAR Arena: subject i is tested in fold i mod folds, 20 % of the other windows validate."""
    protocol = Protocol(name="subject-kfold", folds=5, fold=fold, val="windows")
    parts = split(protocol, **windows(SUBJECTS))
    subject = np.repeat(SUBJECTS, 10)
    assert set(subject[parts.test]) == {SUBJECTS[fold], SUBJECTS[fold + 5]}
    assert sorted(np.concatenate(parts).tolist()) == list(range(100))
    assert (len(parts.train), len(parts.val), len(parts.test)) == (64, 16, 20)
    assert parts.val.tolist() == sorted(parts.val) != list(range(parts.val[0], parts.val[0] + 16))
    assert len(set(subject[parts.val])) >= 6
    assert set(subject[parts.train]) == set(SUBJECTS) - set(subject[parts.test])
    assert [part.tolist() for part in split(protocol, **windows(SUBJECTS))] == [part.tolist() for part in parts]
    assert subject_parts(protocol, SUBJECTS).val == subject_parts(protocol, SUBJECTS).train


def test_a_label_says_how_a_protocol_validates_and_gives_it_back():
    assert Protocol(name="loso").label == "loso"
    assert Protocol(name="loso", val="windows").label == "loso@val=windows"
    for label in ("random", "subject-kfold@val=windows"):
        assert Protocol.of_label(label).label == label


def test_a_subject_in_no_part_is_an_error():
    with pytest.raises(DataError, match="subject '12' has windows but is in no part"):
        split(Protocol(name="loso", folds=10), **windows([*SUBJECTS, "12"]))


def test_a_part_without_windows_is_an_error():
    with pytest.raises(DataError, match="the val part holds no window"):
        split(Protocol(name="subject-holdout"), **windows(["1", "2", "8"]))


def test_random_is_stratified_published_and_always_the_same():
    y = np.array([0] * 400 + [1] * 600)
    parts = split(Protocol(name="random"), **windows(SUBJECTS * 10, y))
    again = split(Protocol(name="random"), **windows(SUBJECTS * 10, y))
    assert [len(p) for p in parts] == [722, 128, 150]
    assert [int(y[p].sum()) for p in parts] == [433, 77, 90]
    assert all(np.array_equal(a, b) for a, b in zip(parts, again, strict=True))
    assert sorted(np.concatenate(parts).tolist()) == list(range(1000))


def test_random_refuses_a_class_too_small_to_stratify():
    with pytest.raises(DataError, match="fewer than 4 windows"):
        split(Protocol(name="random"), **windows(SUBJECTS, np.array([0] * 98 + [1] * 2)))


def test_official_follows_the_recordings():
    given = windows(SUBJECTS) | {"official": {"r1": "train", "r2": "val", "r3": "test"}.get}
    rows = split(Protocol(name="official"), **given)
    assert [p.tolist() for p in rows] == [list(range(10)), list(range(10, 20)), list(range(20, 30))]
