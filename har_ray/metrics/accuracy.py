"""Accuracy: the share of windows whose class is found."""

import numpy as np

from har_ray.metrics import METRICS, Floats, Indices, Metric
from har_ray.metrics.confusion import confusion_of


@METRICS.register("accuracy")
class Accuracy(Metric):
    title = "accuracy (%)"

    def __call__(self, labels: Indices, logits: Floats) -> float:
        return float(np.diag(confusion_of(labels, logits)).sum() / len(labels))
