"""Expected calibration error: how far a model's confidence is from the share of windows that it gets right."""

import numpy as np

from har_ray.metrics import Floats, Indices

BINS = 15
"""As many as in Guo et al., "On calibration of modern neural networks", 2017, https://arxiv.org/abs/1706.04599."""


def calibration_error(labels: Indices, logits: Floats) -> float:
    """The expected calibration error of logits (N, K) against labels (N,), a fraction of 1; less is better.

    Guo et al., eq. 3: windows go by confidence, the largest softmax probability, into bins of equal width,
    ((m − 1) / 15, m / 15]; the error is the mean over windows of |accuracy − confidence| of their bin.
    """
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True), dtype=np.float64)
    confidence = 1 / shifted.sum(axis=1)  # of the largest logit, whose shifted exponential is 1
    excess = (logits.argmax(axis=1) == labels) - confidence
    bins = np.ceil(confidence * BINS).astype(np.int64) - 1
    return float(np.abs(np.bincount(bins, excess, BINS)).sum() / len(labels))
