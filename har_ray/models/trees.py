"""Decision trees as a network: they are fitted by scikit-learn, kept as tensors and walked by torch, so that what is
made of a network (weights, scores, targets for students, latency) is made of trees in the same way.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn


class Tree(NamedTuple):
    """One tree: its inner nodes, the root first, and its leaves.

    Attributes:
        feature, threshold: of each inner node (N,); where the feature is at most the threshold, left is next.
        left, right: the next inner node (N,), or -1 - the number of a leaf.
        value: what the leaves say (L, V).
    """

    feature: npt.NDArray[Any]
    threshold: npt.NDArray[Any]
    left: npt.NDArray[Any]
    right: npt.NDArray[Any]
    value: npt.NDArray[Any]

    @classmethod
    def of_nodes(
        cls,
        feature: npt.NDArray[Any],
        threshold: npt.NDArray[Any],
        left: npt.NDArray[Any],
        right: npt.NDArray[Any],
        is_leaf: npt.NDArray[np.bool_],
        value: npt.NDArray[Any],
    ) -> "Tree":
        """From nodes of both kinds in one numbering, the root first, as scikit-learn has them; `value` (N, V)."""
        inner = ~is_leaf
        number = np.where(is_leaf, -1 * is_leaf.cumsum(), inner.cumsum() - 1)
        return cls(feature[inner], threshold[inner], number[left[inner]], number[right[inner]], value[is_leaf])


class Trees(nn.Module):
    """Many trees side by side, in the fewest bytes that need no decoding."""

    root: Tensor
    feature: Tensor
    threshold: Tensor
    left: Tensor
    right: Tensor
    value: Tensor

    def __init__(self) -> None:
        super().__init__()
        self._keep([])

    def _keep(self, trees: Sequence[Tree]) -> None:
        """Put the trees' nodes and leaves one after the other."""
        nodes = np.cumsum([0, *(len(tree.feature) for tree in trees)])
        leaves = np.cumsum([0, *(len(tree.value) for tree in trees)])

        def joined(parts: list[npt.NDArray[Any]], dtype: Any, shape: tuple[int, ...] = (0,)) -> Tensor:
            return torch.from_numpy(np.concatenate([np.empty(shape, dtype), *parts]).astype(dtype))

        def children(name: str) -> Tensor:
            moved = [
                np.where(child >= 0, child + node, child - leaf)
                for child, node, leaf in zip((getattr(tree, name) for tree in trees), nodes, leaves, strict=False)
            ]
            return joined(moved, np.int32)

        # A tree that is a leaf only has no inner node to begin at.
        roots = [
            node if len(tree.feature) else -1 - leaf for tree, node, leaf in zip(trees, nodes, leaves, strict=False)
        ]
        self.register_buffer("root", torch.tensor(roots, dtype=torch.int32))
        self.register_buffer("feature", joined([tree.feature for tree in trees], np.int16))
        self.register_buffer("threshold", joined([_below(tree.threshold) for tree in trees], np.float32))
        self.register_buffer("left", children("left"))
        self.register_buffer("right", children("right"))
        width = trees[0].value.shape[1] if trees else 1
        self.register_buffer("value", joined([tree.value for tree in trees], np.float32, (0, width)))

    def _walk(self, found: Tensor) -> Tensor:
        """What each tree says (B, trees, V) of windows with these features (B, F)."""
        at = self.root.long().expand(len(found), -1)
        if len(self.feature):
            while bool((at >= 0).any()):
                node = at.clamp(min=0)
                goes_left = found.gather(1, self.feature[node].long()) <= self.threshold[node]
                at = torch.where(at < 0, at, torch.where(goes_left, self.left[node], self.right[node]).long())
        return torch.as_tensor(self.value[-1 - at])

    def _load_from_state_dict(self, state_dict: Mapping[str, Any], prefix: str, *args: Any) -> None:
        """As torch's; how many nodes there are is known from what is loaded alone."""
        for name, buffer in list(self.named_buffers(recurse=False)):
            if (stored := state_dict.get(prefix + name)) is not None:
                setattr(self, name, torch.empty_like(stored, device=buffer.device))
        super()._load_from_state_dict(state_dict, prefix, *args)


def _below(threshold: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """The largest float32 that is not above each threshold: float32 features fall on the same side of it."""
    rounded = threshold.astype(np.float32)
    return np.where(rounded > threshold, np.nextafter(rounded, np.float32(-np.inf)), rounded).astype(np.float32)
