"""Metrics against scikit-learn's definitions, over a fixed list of classes."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score

from har_ray.errors import ExtensionError
from har_ray.metrics import METRICS, load_metrics, scores
from har_ray.metrics.calibration import calibration_error
from har_ray.metrics.f1_macro import MacroF1


@pytest.mark.parametrize("absent", [False, True])
def test_scores_equal_scikit_learns_over_the_classes_that_occur(absent):
    rng = np.random.default_rng(1)
    y, predicted = rng.integers(0, 4 if absent else 6, 500), rng.integers(0, 5, 500)
    found = scores(load_metrics(["f1_macro", "f1_weighted", "accuracy"]), y, np.eye(6)[predicted], "test_")
    for average in ("macro", "weighted"):
        expected = f1_score(y, predicted, labels=np.unique(y), average=average, zero_division=0)
        assert found[f"test_f1_{average}"] == pytest.approx(expected)
    assert found["test_accuracy"] == pytest.approx(accuracy_score(y, predicted))


@pytest.mark.parametrize(("predicted", "score"), [
    ([0, 0, 1, 1], 1),  # all right: the third class, which does not occur, takes nothing away
    ([0, 2, 1, 1], (2 / 3 + 1) / 2),  # predicted where it does not occur, it costs the class that was missed
    ([0, 0, 0, 0], (2 / 3 + 0) / 2),  # a class that occurs and is never found counts
])  # fmt: skip
def test_macro_f1_is_over_the_classes_that_occur(predicted, score):
    assert MacroF1()(np.array([0, 0, 1, 1]), np.eye(3)[predicted]) == pytest.approx(score)


def confident(class_index, confidence):
    """Logits of two classes whose softmax gives one of them that probability."""
    other = np.log(1 - confidence)
    return [np.log(confidence), other] if class_index == 0 else [other, np.log(confidence)]


def test_calibration_error_is_over_bins_of_confidence():
    # Sure by 80 % and right in 1 of 2, sure by 60 % and right in 2 of 2; without bins it is |0.75 − 0.7|.
    logits = np.array([confident(0, 0.8), confident(1, 0.8), confident(0, 0.6), confident(1, 0.6)])
    assert calibration_error(np.array([0, 0, 0, 1]), logits) == pytest.approx((2 * 0.3 + 2 * 0.4) / 4)


def test_calibration_error_of_certain_models():
    logits = np.array([[1e4, 0.0, 0.0], [0.0, -1e4, -1e4]], dtype=np.float32)
    assert calibration_error(np.array([0, 0]), logits) == 0
    assert calibration_error(np.array([1, 0]), logits) == 0.5


def test_ours_are_found_by_their_files():
    assert METRICS.names() == ["accuracy", "f1_macro", "f1_weighted"]
    with pytest.raises(ExtensionError, match="metric 'f1_makro' is unknown; did you mean 'f1_macro'"):
        load_metrics(["f1_makro"])
