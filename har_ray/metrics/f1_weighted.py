"""Weighted F1: the mean of the classes' F1, weighted by their windows."""

from har_ray.metrics import METRICS, Floats, Indices, Metric
from har_ray.metrics.confusion import confusion_of, f1_per_class


@METRICS.register("f1_weighted")
class WeightedF1(Metric):
    title = "F1 weighted (%)"

    def __call__(self, labels: Indices, logits: Floats) -> float:
        matrix = confusion_of(labels, logits)
        return float((f1_per_class(matrix) * matrix.sum(axis=1)).sum() / len(labels))
