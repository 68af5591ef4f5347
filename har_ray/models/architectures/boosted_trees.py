"""Gradient-boosted trees on simple features of a window: what often wins on tables of numbers.

Friedman 2001, https://doi.org/10.1214/aos/1013203451, on binned features as in LightGBM (Ke et al. 2017), as
scikit-learn grows them.
"""

from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import torch
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits
from torch import Tensor

from har_ray.models.architectures import ARCHITECTURES
from har_ray.models.features import features
from har_ray.models.trees import Tree, Trees

ABSENT = -30.0
"""The logit of a class that the training windows lack."""


@ARCHITECTURES.register("boosted-trees")
class BoostedTrees(Trees):
    """Windows (B, T, C) → logits (B, K).

    Args:
        window: T, time steps.
        channels: C, sensor channels.
        classes: K.
        rounds: of boosting; each adds a tree for every class.
        leaves: of a tree, at most.
        min_leaf: training windows in a leaf, at least.
        lr: by which each tree's part is scaled.
    """

    min_window: ClassVar[int] = 2
    start: Tensor
    columns: Tensor

    def __init__(
        self,
        window: int,
        channels: int,
        classes: int,
        rounds: int = 100,
        leaves: int = 31,
        min_leaf: int = 20,
        lr: float = 0.1,
    ) -> None:
        super().__init__()
        self.rounds, self.leaves, self.min_leaf, self.lr = rounds, leaves, min_leaf, lr
        self.register_buffer("start", torch.zeros(classes))
        self.register_buffer("columns", torch.empty(0, dtype=torch.int16))

    def fit(self, x: Tensor, y: Tensor, seed: int) -> None:
        """Grow the trees on windows (N, T, C) with labels (N,)."""
        booster = HistGradientBoostingClassifier(
            max_iter=self.rounds,
            max_leaf_nodes=self.leaves,
            min_samples_leaf=self.min_leaf,
            learning_rate=self.lr,
            early_stopping=False,  # it would hold windows out at random, whose neighbours it trains on
            random_state=seed,
        )
        with threadpool_limits(1):
            booster.fit(features(x).numpy(), y.numpy())
        # Two classes share one tree a round, whose value is the second one's.
        known = torch.from_numpy(booster.classes_).to(torch.int16)
        self.columns = known if len(known) > 2 else known[1:]
        self.start = torch.full_like(self.start, ABSENT)
        self.start[known.long()] = 0.0
        self.start[self.columns.long()] = torch.from_numpy(booster._baseline_prediction.ravel().astype(np.float32))
        self._keep([_tree(grown.nodes) for grown_together in booster._predictors for grown in grown_together])

    def forward(self, x: Tensor) -> Tensor:
        said = self._walk(features(x))
        if not said.shape[1]:
            return x.new_zeros(len(x), len(self.start))
        by_class = said.view(len(x), -1, len(self.columns)).sum(dim=1)
        return self.start.expand(len(x), -1).index_add(1, self.columns.long(), by_class)


def _tree(nodes: npt.NDArray[Any]) -> Tree:
    names = ("feature_idx", "num_threshold", "left", "right")
    feature, threshold, left, right = (nodes[name].astype(float if "num" in name else int) for name in names)
    return Tree.of_nodes(feature, threshold, left, right, nodes["is_leaf"].astype(bool), nodes["value"][:, None])
