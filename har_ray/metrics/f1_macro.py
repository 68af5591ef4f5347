"""Macro F1: the mean F1 of the classes that occur among the labels.

scikit-learn's `f1_score(labels, predicted, labels=np.unique(labels), average="macro")`. A part that lacks a class would
otherwise cap the score of a perfect model.
"""

from har_ray.metrics import METRICS, Floats, Indices, Metric
from har_ray.metrics.confusion import confusion_of, f1_mean


@METRICS.register("f1_macro")
class MacroF1(Metric):
    title = "F1 macro (%)"

    def __call__(self, labels: Indices, logits: Floats) -> float:
        return f1_mean(confusion_of(labels, logits))
