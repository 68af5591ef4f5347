"""Augmentations, one file each under its registered name, and what is asked of one.

An augmented window is what the same movement might have looked like to the same sensors. Windows are augmented all
together, once an epoch: that is a view of the training windows, which seed and number alone decide, so that a teacher's
output on a view can be computed once and stored, and is right for the window that a student sees (Beyer et al. 2021,
https://arxiv.org/abs/2106.05237, call such a teacher consistent).
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from har_ray.augmentations.sensors import Sensors
from har_ray.errors import ExtensionError
from har_ray.registry import Registry, reason


class Augmentation:
    """Changes windows. Its options are the parameters of its constructor."""

    def __call__(self, x: Tensor, sensors: Sensors, generator: torch.Generator) -> Tensor:
        """Windows (N, T, C) in the dataset's units → as many of the same shape; all chance comes from the generator.

        Raises:
            ValueError: the sensors have not what it needs.
        """
        raise NotImplementedError


AUGMENTATIONS: Registry[Augmentation] = Registry("augmentation", __name__, Augmentation)

AugmentConfigs = Mapping[str, Mapping[str, Any]]
"""Augmentations in the order they are applied: name → options."""


def view(x: Tensor, augment: AugmentConfigs, sensors: Sensors, seed: int, number: int) -> Tensor:
    """Windows (N, T, C) in the dataset's units, augmented: the view of this number.

    Raises:
        ExtensionError: an augmentation can't be found or made, raises an error, or gives another shape.
    """
    generator = torch.Generator().manual_seed(seed * 1_000_003 + number)
    for name, options in augment.items():
        augmentation = AUGMENTATIONS.make(name, options)
        try:
            found = augmentation(x, sensors, generator)
        except Exception as error:
            raise ExtensionError(f"{name}: {reason(error)}") from error
        if found.shape != x.shape:
            raise ExtensionError(f"{name}: gave {list(found.shape)} for windows {list(x.shape)}")
        x = found
    return x
