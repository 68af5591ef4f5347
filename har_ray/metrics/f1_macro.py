"""Macro F1: the mean of the classes' F1."""

from har_ray.metrics import METRICS, Floats, Indices, Metric
from har_ray.metrics.confusion import confusion_of, f1_per_class


@METRICS.register("f1_macro")
class MacroF1(Metric):
    title = "F1 macro (%)"

    def __call__(self, labels: Indices, logits: Floats) -> float:
        return float(f1_per_class(confusion_of(labels, logits)).mean())
