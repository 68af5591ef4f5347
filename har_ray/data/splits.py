"""How windows are split into training, validation and test: by subject, unless the protocol says otherwise.

The validation part is chosen the same way as the test part, unless the protocol's `val` says otherwise. `random` is the
published protocol: stratified over windows, 15 % for test, then 15 % of the rest for validation. It puts windows of one
recording on both sides, which makes scores too good; it exists to reproduce, and every table that uses it says so.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from har_ray.data.protocol import Protocol
from har_ray.errors import DataError

TEST_SHARE, VAL_SHARE = 0.3, 0.2
"""Of the subjects, for `subject-holdout` without lists: the last ones for test, those before them for validation."""
RANDOM_SHARE = 0.15
RANDOM_SEED = 42
"""Published: 85/15 twice, seed 42 (doi 10.1109/IE61493.2024.10599908). The split is the same for every seed."""


VAL_WINDOWS_SHARE = 0.2
"""Of the windows that do not test, where windows validate: WHAR Arena, https://arxiv.org/abs/2606.13194."""


class Parts(NamedTuple):
    """Row numbers of the windows in each part, ascending, int64."""

    train: npt.NDArray[np.int64]
    val: npt.NDArray[np.int64]
    test: npt.NDArray[np.int64]


class SubjectParts(NamedTuple):
    """Subjects of each part; where windows validate those of the training part do both."""

    train: tuple[str, ...]
    val: tuple[str, ...]
    test: tuple[str, ...]


def subject_parts(protocol: Protocol, subjects: Sequence[str]) -> SubjectParts:
    """Which subjects train, validate and test.

    Raises:
        ValueError: a listed subject does not exist or is listed twice, there are more folds than subjects, or a part
            would be empty.
    """
    if protocol.name == "subject-holdout":
        val, test = _holdout(protocol, subjects)
    else:
        folds = len(subjects) if protocol.name == "loso" else protocol.folds
        if len(subjects) < folds:
            raise ValueError(f"{folds} folds of {len(subjects)} subjects; at most {len(subjects)}")
        if folds < 3:
            raise ValueError(f"{folds} folds; at least 3: one for test, one for validation, the others for training")
        test, val = subjects[protocol.fold :: folds], subjects[(protocol.fold + 1) % folds :: folds]
    if protocol.val == "windows":
        val = ()
    train = tuple(s for s in subjects if s not in {*val, *test})
    parts = SubjectParts(train, train if protocol.val == "windows" else tuple(val), tuple(test))
    for name, part in parts._asdict().items():
        if not part:
            raise ValueError(f"no subject is left for {name} of {len(subjects)} ({', '.join(subjects)})")
    return parts


def _holdout(protocol: Protocol, subjects: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    for name in (*protocol.test_subjects, *protocol.val_subjects):
        if name not in subjects:
            raise ValueError(f"subject {name!r} does not exist ({', '.join(subjects)})")
    both = set(protocol.test_subjects) & set(protocol.val_subjects)
    if both:
        raise ValueError(f"subject {sorted(both)[0]!r} is listed for validation and for test")
    tests = max(1, round(TEST_SHARE * len(subjects)))
    test = protocol.test_subjects or tuple(subjects[-tests:])
    rest = [s for s in subjects if s not in test]
    vals = max(1, round(VAL_SHARE * len(subjects)))
    return protocol.val_subjects or tuple(rest[-vals:]), test


def split(
    protocol: Protocol,
    subject: npt.NDArray[np.str_],
    y: npt.NDArray[np.integer],
    recording: npt.NDArray[np.str_],
    subjects: Sequence[str],
    official: Callable[[str], str | None] | None,
) -> Parts:
    """Split windows, given the subject, label and recording of each.

    Raises:
        DataError: a subject of the windows is in no part, or a part is empty.
    """
    if protocol.name == "random":
        return _random(y)
    if protocol.name == "official":
        assert official is not None, "the grid's validation refuses `official` where the publishers made no split"
        names, inverse = np.unique(recording, return_inverse=True)
        part = np.array([official(str(name)) or "" for name in names])[inverse]
        return _non_empty(Parts(*(np.flatnonzero(part == p) for p in Parts._fields)), protocol)
    stray = sorted(set(subject.tolist()) - set(subjects))
    if stray:
        raise DataError(f"subject {stray[0]!r} has windows but is in no part of {protocol.name}: {', '.join(subjects)}")
    parts = Parts(*(np.flatnonzero(np.isin(subject, part)) for part in subject_parts(protocol, subjects)))
    if protocol.val == "windows":
        drawn = np.random.default_rng(RANDOM_SEED).permutation(parts.train)
        count = round(VAL_WINDOWS_SHARE * len(drawn))
        parts = Parts(np.sort(drawn[count:]), np.sort(drawn[:count]), parts.test)
    return _non_empty(parts, protocol)


def require_classes(parts: Parts, y: npt.NDArray[np.integer], classes: Sequence[str], protocol: Protocol) -> None:
    """Raise `DataError` if a class could not be learned because no training window has it."""
    counts = np.bincount(y[parts.train], minlength=len(classes))
    absent = [classes[label] for label in np.flatnonzero(counts == 0).tolist()]
    if absent:
        raise DataError(
            f"protocol {protocol.name}, fold {protocol.fold}: no training window of {', '.join(absent)}; "
            "choose other subjects or leave the class out"
        )


def _random(y: npt.NDArray[np.integer]) -> Parts:
    counts = np.bincount(y)
    if (counts[counts > 0] < 4).any():
        raise DataError(f"protocol random: class number {int(np.argmin(counts))} has fewer than 4 windows to stratify")
    # A second and 80 MB to import, which commands that only look at a grid need not have.
    from sklearn.model_selection import train_test_split

    rest, test = train_test_split(np.arange(len(y)), test_size=RANDOM_SHARE, random_state=RANDOM_SEED, stratify=y)
    train, val = train_test_split(rest, test_size=RANDOM_SHARE, random_state=RANDOM_SEED, stratify=y[rest])
    return Parts(np.sort(train), np.sort(val), np.sort(test))


def _non_empty(parts: Parts, protocol: Protocol) -> Parts:
    for name, rows in parts._asdict().items():
        if len(rows) == 0:
            raise DataError(f"protocol {protocol.name}, fold {protocol.fold}: the {name} part holds no window")
    return parts
