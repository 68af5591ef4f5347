"""The confusion matrix and what follows from it, over a fixed list of classes.

A class that occurs and is never found counts with F1 0. A class that does not occur among the labels has no recall,
and no F1: whatever is predicted as it already counts as missed in the class that it belongs to.
"""

import numpy as np

from har_ray.metrics import Floats, Indices


def confusion(labels: Indices, predicted: Indices, classes: int) -> Indices:
    """The confusion matrix (K, K) of labels (N,) and predictions (N,): rows are labels, columns predictions."""
    counts = np.bincount(labels.astype(np.int64) * classes + predicted, minlength=classes**2)
    return counts.reshape(classes, classes)


def f1_per_class(matrix: Indices) -> Floats:
    """F1 of each class (K,) from a confusion matrix (K, K); 0 where it is undefined."""
    found = matrix.sum(axis=1) + matrix.sum(axis=0)
    return np.asarray(2 * np.diag(matrix) / np.maximum(found, 1), dtype=np.float64)


def f1_mean(matrix: Indices) -> float:
    """The mean F1 of the classes that occur among the labels, from a confusion matrix (K, K)."""
    return float(f1_per_class(matrix)[matrix.sum(axis=1) > 0].mean())


def confusion_of(labels: Indices, logits: Floats) -> Indices:
    """The confusion matrix (K, K) of labels (N,) and the largest of logits (N, K)."""
    return confusion(labels, logits.argmax(axis=1), logits.shape[1])
