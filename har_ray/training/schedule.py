"""The learning rate over the epochs of a cell: warm-up, then constant or falling along half a cosine.

Cosine: Loshchilov and Hutter 2017, https://arxiv.org/abs/1608.03983, equation 5, without restarts. Warm-up: Goyal and
others 2017, https://arxiv.org/abs/1706.02677, section 2.2.
"""

import math

from har_ray.spec.training import TrainConfig


def learning_rate(training: TrainConfig, epoch: float) -> float:
    """The rate of a step that begins after so many epochs, parts of one included.

    Example:
        >>> training = TrainConfig(epochs=12, lr=0.1, schedule="cosine", warmup=2)
        >>> [round(learning_rate(training, epoch), 3) for epoch in (0, 1, 2, 7, 12)]
        [0.0, 0.05, 0.1, 0.05, 0.0]
    """
    if epoch < training.warmup:
        return training.lr * epoch / training.warmup
    if training.schedule == "constant":
        return training.lr
    done = (epoch - training.warmup) / (training.epochs - training.warmup)
    return training.lr * (1 + math.cos(math.pi * done)) / 2
