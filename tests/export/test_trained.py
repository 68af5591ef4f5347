"""A cell's split is found again from what `run.json` says of its fold."""

import numpy as np
import pytest

from har_ray.data.protocol import Protocol
from har_ray.data.splits import split
from har_ray.export.trained import protocol_of

SUBJECTS = [str(number) for number in range(1, 11)]
GENERATOR = np.random.default_rng(0)
SUBJECT = GENERATOR.choice(SUBJECTS, 400)
Y = GENERATOR.integers(0, 3, 400)
RECORDING = np.array([f"r{number % 40}" for number in range(400)])


def rows(protocol):
    return split(protocol, SUBJECT, Y, RECORDING, SUBJECTS, lambda recording: "test" if recording < "r2" else "train")


PROTOCOLS = {
    "holdout": [Protocol(name="subject-holdout")],
    "holdout with lists": [Protocol(name="subject-holdout", test_subjects=("2", "5"), val_subjects=("9",))],
    "holdout, windows validate": [Protocol(name="subject-holdout", test_subjects=("2", "5"), val="windows")],
    "k-fold": [Protocol(name="subject-kfold", folds=4, fold=fold) for fold in range(4)],
    "k-fold, windows validate": [
        Protocol(name="subject-kfold", folds=3, fold=fold, val="windows") for fold in range(3)
    ],
    "leave one subject out": [Protocol(name="loso", folds=10, fold=fold) for fold in range(10)],
    "random": [Protocol(name="random")],
}  # fmt: skip


@pytest.mark.parametrize("name", PROTOCOLS)
def test_the_windows_of_every_part_are_the_same(name):
    protocols = PROTOCOLS[name]
    folds = [
        {"protocol": one.label, "fold": one.fold}
        | {part: sorted(set(SUBJECT[found].tolist())) for part, found in rows(one)._asdict().items()}
        for one in protocols
    ]
    about = {"folds": [*folds, {"protocol": "official", "fold": 0}]}
    for protocol, fold in zip(protocols, folds, strict=True):
        found, expected = rows(protocol_of(about, fold)), rows(protocol)
        assert all(np.array_equal(a, b) for a, b in zip(found, expected, strict=True))
