"""Scores of predictions, one file each under its registered name. Needs neither Ray nor torch.

Training, tables and figures compute a score by the same code. A row holds a metric as `val_<name>` and `test_<name>`.
"""

from collections.abc import Iterable
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from har_ray.registry import Registry, short_name

Indices = npt.NDArray[np.integer]
Floats = npt.NDArray[np.floating]

DEFAULT = ("f1_macro", "f1_weighted", "accuracy")


class Metric:
    """A score: a fraction of 1, larger is better. `title` heads its column in tables, in percent."""

    title: ClassVar[str]

    def __call__(self, labels: Indices, logits: Floats) -> float:
        """The score of logits (N, K) against the true labels (N,), class indices below K."""
        raise NotImplementedError


METRICS: Registry[Metric] = Registry("metric", __name__, Metric)


def load_metrics(names: Iterable[str]) -> dict[str, Metric]:
    """The metrics of a grid by the names of their columns.

    Raises:
        ExtensionError: one of them can't be found.
    """
    return {short_name(name): METRICS.find(name)() for name in names}


def scores(metrics: dict[str, Metric], labels: Indices, logits: Floats, prefix: str = "") -> dict[str, float]:
    """Every metric of logits (N, K) against labels (N,), by name after `prefix`."""
    return {f"{prefix}{name}": float(metric(labels, logits)) for name, metric in metrics.items()}
