"""What the page says of a protocol is how `har_ray.data.splits` splits."""

import re
from typing import get_args

import numpy as np
import pytest

from analysis.protocols import EXPLAINED, explained, protocols
from har_ray.data.protocol import Protocol, ProtocolName
from har_ray.data.splits import split, subject_parts

PEOPLE = [f"p{number}" for number in range(10)]


def test_every_protocol_is_explained_and_a_page_explains_those_that_occur(grid):
    assert set(EXPLAINED) == set(get_args(ProtocolName))
    for protocol in ("loso", "random", "subject-kfold@val=windows"):
        grid.seeds("LM", 0.5, protocol=protocol)
    found = protocols(grid.load())
    assert list(found) == ["loso", "random", "subject-kfold@val=windows"]
    assert "This leaks" in found["random"]
    assert "drawn at random, validate" in found["subject-kfold@val=windows"]
    assert "This leaks" not in found["loso"]


def test_a_protocol_that_leaks_or_tests_people_who_trained_promises_nothing_about_new_people():
    for name, text in EXPLAINED.items():
        protocol = Protocol(name=name)
        assert ("speak about new people" in text) == protocol.by_subject
        assert ("leaks" in text) == protocol.leaks


def test_the_shares_that_are_named_are_those_of_the_splits():
    parts = subject_parts(Protocol(name="subject-holdout"), PEOPLE)
    test, val = (int(share) for share in re.findall(r"(\d+) %", EXPLAINED["subject-holdout"]))
    assert (len(parts.test), len(parts.val)) == (test * 10 / 100, val * 10 / 100)
    y, subject = np.arange(1000) % 4, np.array(PEOPLE)[np.arange(1000) % 10]
    drawn = split(Protocol(name="random"), subject, y, subject, PEOPLE, None)
    (share,) = re.findall(r"(\d+) % test", EXPLAINED["random"])
    assert len(drawn.test) == 10 * int(share)
    assert len(drawn.val) == pytest.approx((1000 - len(drawn.test)) * int(share) / 100, abs=1)
    within = Protocol(name="subject-kfold", folds=5, val="windows")
    drawn = split(within, subject, y, subject, PEOPLE, None)
    (share,) = re.findall(r"(\d+) % of the training", explained(within))
    assert len(drawn.val) / (len(drawn.val) + len(drawn.train)) == int(share) / 100
