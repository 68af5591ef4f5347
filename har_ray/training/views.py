"""The training windows as one epoch sees them: augmented, scaled."""

from torch import Tensor

from har_ray.augmentations import AugmentConfigs, view
from har_ray.augmentations.sensors import Sensors
from har_ray.data.tensors import Tensors


def train_view(data: Tensors, augment: AugmentConfigs, seed: int, number: int) -> Tensor:
    """A view of the training windows, scaled as they are: (N, T, C) float32 on the CPU; see `har_ray.augmentations`.

    Raises:
        ExtensionError: an augmentation raises an error.
    """
    raw = data.train.x * data.std + data.mean
    return (view(raw, augment, Sensors(data.channels, data.std), seed, number) - data.mean) / data.std
