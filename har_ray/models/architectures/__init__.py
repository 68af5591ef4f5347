"""Networks, one file each under its registered name, and what is asked of one.

An architecture is a `torch.nn.Module` that is called with `window`, `channels`, `classes` and its options, and maps
windows (B, T, C) to logits (B, K). That is enough. It may offer more:

    min_window                class attribute: the fewest time steps it takes (default 1)
    with_maps(x)              logits and named attention maps, for losses that compare them (default: no maps)
    published_flops(shape)    the FLOPs by the publication's count (default: not known)
    fit(x, y, seed)           learns from all training windows (N, T, C) with labels (N,) at once, in one epoch, without
                              gradients, losses or augmentation; nothing is counted but bytes (default: by gradients)
    closed_form_macs(shape)   the multiply-adds by formula, to check what is counted: where the two differ, the network
                              is refused before it is trained (default: not checked)

A `shape` is that of one window, (T, C); what is counted as a multiply-add is in `har_ray/models/cost.py`.
"""

from typing import TYPE_CHECKING, Any, NamedTuple, cast

import torch
from torch import Tensor, nn

from har_ray.errors import ExtensionError
from har_ray.registry import Registry, describe

if TYPE_CHECKING:
    from har_ray.models.config import ModelConfig

ARCHITECTURES: Registry[nn.Module] = Registry("architecture", __name__, nn.Module)

GIVEN = ("window", "channels", "classes")
"""What every architecture is called with, by keyword."""

Maps = dict[str, Tensor]
"""Attention maps by name, (B, …); ours are `channel` (B, F) and `spatial` (B, T', C), values in 0..1."""


class Outputs(NamedTuple):
    """What a network makes of windows: logits (B, K) and attention maps."""

    logits: Tensor
    maps: Maps


def build(config: "ModelConfig", shape: tuple[int, int], classes: int) -> nn.Module:
    """See `ModelConfig.build`."""
    architecture = cast(Any, ARCHITECTURES.find(config.architecture))
    window, channels = shape
    try:
        return cast(nn.Module, architecture(window=window, channels=channels, classes=classes, **config.arguments))
    except Exception as error:
        raise ExtensionError(
            f"{config.architecture}: cannot be built for windows {list(shape)} and {classes} classes with "
            f"{config.arguments}: {describe(error)}"
        ) from error


def outputs(network: nn.Module, x: Tensor) -> Outputs:
    """Logits and maps of windows (B, T, C), from any architecture."""
    if hasattr(network, "with_maps"):
        return Outputs(*cast(Any, network).with_maps(x))
    return Outputs(network(x), {})


def check(config: "ModelConfig", shape: tuple[int, int], classes: int) -> nn.Module:
    """Build a network and run it on two windows, so that a mistake in it is found before anything is trained.

    Raises:
        ExtensionError: it can't be built, raises an error, or its logits are not (2, K).
    """
    with torch.random.fork_rng(), torch.no_grad():
        network = build(config, shape, classes).eval()
        try:
            logits = outputs(network, torch.zeros(2, *shape)).logits
        except Exception as error:
            raise ExtensionError(
                f"{config.architecture}: failed on two windows {list(shape)}: {describe(error)}"
            ) from error
    if tuple(logits.shape) != (2, classes):
        raise ExtensionError(
            f"{config.architecture}: gave {list(logits.shape)} for two windows {list(shape)}, expected logits "
            f"[2, {classes}]"
        )
    return network


def min_window(architecture: str) -> int:
    """The fewest time steps that an architecture takes."""
    return int(getattr(ARCHITECTURES.find(architecture), "min_window", 1))


def fitted_at_once(architecture: str) -> bool:
    """Whether it learns by its own `fit` instead of gradients."""
    return hasattr(ARCHITECTURES.find(architecture), "fit")
