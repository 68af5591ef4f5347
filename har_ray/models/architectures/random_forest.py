"""A random forest on simple features of a window: the baseline that any network has to beat.

Breiman 2001, https://doi.org/10.1023/A:1010933404324, as scikit-learn grows it. The defaults are those of the public
table WHAR Arena (https://arxiv.org/abs/2606.13194): 100 trees, depth 8, 10 samples in a leaf.
"""

from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import RandomForestClassifier
from torch import Tensor

from har_ray.models.architectures import ARCHITECTURES
from har_ray.models.features import features
from har_ray.models.trees import Tree, Trees

LEAST = 1e-6
"""The probability of a class that no tree has seen in a leaf; its logarithm is finite."""


@ARCHITECTURES.register("random-forest")
class RandomForest(Trees):
    """Windows (B, T, C) → the logarithm of the trees' mean probabilities (B, K).

    Args:
        window: T, time steps.
        channels: C, sensor channels.
        classes: K.
        trees: how many.
        depth: at most.
        min_leaf: training windows in a leaf, at least.
    """

    min_window: ClassVar[int] = 2

    def __init__(
        self, window: int, channels: int, classes: int, trees: int = 100, depth: int = 8, min_leaf: int = 10
    ) -> None:
        super().__init__()
        self.classes, self.trees, self.depth, self.min_leaf = classes, trees, depth, min_leaf

    def fit(self, x: Tensor, y: Tensor, seed: int) -> None:
        """Grow the forest on windows (N, T, C) with labels (N,)."""
        forest = RandomForestClassifier(
            self.trees, max_depth=self.depth, min_samples_leaf=self.min_leaf, random_state=seed
        ).fit(features(x).numpy(), y.numpy())
        self._keep([_tree(grown.tree_, forest.classes_, self.classes) for grown in forest.estimators_])

    def forward(self, x: Tensor) -> Tensor:
        said = self._walk(features(x))
        if not said.shape[1]:
            return x.new_zeros(len(x), self.classes)
        return said.mean(dim=1).clamp(min=LEAST).log()


def _tree(grown: Any, known: npt.NDArray[Any], classes: int) -> Tree:
    """`known`: the classes that the training windows hold, which are the forest's columns."""
    value = np.zeros((grown.node_count, classes))
    value[:, known] = grown.value[:, 0] / grown.value[:, 0].sum(axis=1, keepdims=True)
    left, right = grown.children_left, grown.children_right
    return Tree.of_nodes(grown.feature, grown.threshold, left, right, left < 0, value)
