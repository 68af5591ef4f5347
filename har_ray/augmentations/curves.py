"""Smooth random curves over a window, through knots at equal distances: Um et al. 2017, arXiv 1706.00527."""

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from har_ray.augmentations import Augmentation


class Curved(Augmentation):
    """What follows a curve of its own for each window.

    Args:
        sd: standard deviation of the curves at their knots; their mean is 1.
        knots: between the window's ends.

    Raises:
        ValueError: an argument is below 0.
    """

    def __init__(self, sd: float = 0.2, knots: int = 2) -> None:
        if not sd >= 0:
            raise ValueError(f"sd {sd:g} is below 0")
        if knots < 0:
            raise ValueError(f"knots {knots} is below 0")
        self.sd, self.knots = sd, knots


def curves(count: int, length: int, sd: float, knots: int, generator: torch.Generator) -> Tensor:
    """Cubic splines (count, length) through knots of mean 1 and standard deviation `sd`, at both ends and between."""
    return 1 + sd * torch.randn(count, knots + 2, generator=generator) @ _spline(length, knots + 2)


@lru_cache(maxsize=16)
def _spline(length: int, knots: int) -> Tensor:
    """What each knot adds to each time step (knots, length): the spline is linear in the values at its knots."""
    # Half a second to import, which a grid that augments nothing need not wait for.
    from scipy.interpolate import CubicSpline

    basis = CubicSpline(np.linspace(0, length - 1, knots), np.eye(knots))(np.arange(length))
    return torch.from_numpy(basis.T.astype(np.float32))
