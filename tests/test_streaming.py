"""A recording sample by sample."""

import doctest

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.lib.stride_tricks import sliding_window_view

from har_ray import streaming
from har_ray.data.dataset import Preset, Recording
from har_ray.data.windows import cut
from har_ray.streaming import Said, Stream, by_sample, labels, majority


def test_the_windows_are_those_that_training_cuts():
    """Window 20, stride 8: windows begin at 0, 8, 16, …, and each is whole and in order."""
    recording, seen = np.arange(200.0).reshape(100, 2), []

    def classify(window):
        seen.append(window.copy())
        return len(seen)

    said = list(labels(recording, Stream(classify, window=20, stride=8)))
    expected = sliding_window_view(recording, 20, axis=0)[::8].transpose(0, 2, 1)
    assert np.array_equal(np.stack(seen), expected)
    assert said == [Said(20 + 8 * i, i + 1) for i in range(len(expected))]


@settings(deadline=None, max_examples=50)
@given(samples=st.integers(1, 200), window=st.integers(1, 40), stride=st.integers(1, 50), last=st.integers(1, 5))
def test_labels_are_those_of_the_windows_that_a_dataset_is_cut_into(samples, window, stride, last):
    """Whatever the window and the stride; the vote is the majority of the latest of them."""
    x = np.random.default_rng(0).normal(size=(samples, 2)).astype(np.float32)
    recording = Recording("r", "1", x, np.zeros(samples, np.int16), rate_hz=1.0)
    windows = cut(recording, Preset(("a", "b"), window_s=window, stride_s=stride, rate_hz=1.0), None).x

    def classify(window):
        return int(window[0, 0] > 0) + 2 * int(window[-1, 1] > 0)

    each = [classify(one) for one in windows]
    said = [label for _, label in labels(x, Stream(classify, window, stride, last))]
    assert said == [majority(each[max(0, i + 1 - last) : i + 1]) for i in range(len(each))]


def test_a_stride_longer_than_the_window_leaves_samples_out():
    stream = Stream(lambda window: int(window[0, 0]), window=2, stride=5)
    assert list(labels(np.arange(14.0)[:, None], stream)) == [Said(2, 0), Said(7, 5), Said(12, 10)]


@pytest.mark.parametrize(
    ("given", "expected"),
    [([3], 3), ([1, 2, 2], 2), ([2, 2, 1], 2), ([1, 2], 2), ([2, 1], 1), ([1, 2, 3, 2, 1], 1), ([1, 1, 2, 2, 3], 2)],
)
def test_the_majority_is_the_most_frequent_and_of_equals_the_latest(given, expected):
    assert majority(given) == expected


def test_smoothing_takes_out_a_single_slip_and_comes_later():
    """Windows of one sample, which is its own label: 0 0 1 0 0 1 1 1."""
    stream = Stream(lambda window: int(window[0, 0]), window=1, stride=1, last=3)
    said = [label for _, label in labels(np.array([[0], [0], [1], [0], [0], [1], [1], [1.0]]), stream)]
    assert said == [0, 0, 0, 0, 0, 0, 1, 1]


def test_what_a_user_sees_is_the_label_that_was_said_last():
    assert by_sample([Said(3, 5), Said(5, 6)], 6, unknown=-1).tolist() == [-1, -1, 5, 5, 6, 6]


@pytest.mark.parametrize("wrong", [{"window": 0}, {"stride": 0}, {"last": 0}])
def test_nothing_of_it_is_zero(wrong):
    with pytest.raises(ValueError, match="at least 1"):
        Stream(lambda window: 0, **{"window": 2, "stride": 1, **wrong})


def test_the_examples_are_true():
    assert doctest.testmod(streaming).failed == 0
