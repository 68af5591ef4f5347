"""Metrics against scikit-learn's definitions, over a fixed list of classes."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score

from har_ray.errors import ExtensionError
from har_ray.metrics import METRICS, load_metrics, scores


@pytest.mark.parametrize("absent", [False, True])
def test_scores_equal_scikit_learns_over_a_fixed_class_list(absent):
    rng = np.random.default_rng(1)
    y, predicted = rng.integers(0, 4 if absent else 6, 500), rng.integers(0, 5, 500)
    found = scores(load_metrics(["f1_macro", "f1_weighted", "accuracy"]), y, np.eye(6)[predicted], "test_")
    for average in ("macro", "weighted"):
        expected = f1_score(y, predicted, labels=list(range(6)), average=average, zero_division=0)
        assert found[f"test_f1_{average}"] == pytest.approx(expected)
    assert found["test_accuracy"] == pytest.approx(accuracy_score(y, predicted))


def test_ours_are_found_by_their_files():
    assert METRICS.names() == ["accuracy", "f1_macro", "f1_weighted"]
    with pytest.raises(ExtensionError, match="metric 'f1_makro' is unknown; did you mean 'f1_macro'"):
        load_metrics(["f1_makro"])
