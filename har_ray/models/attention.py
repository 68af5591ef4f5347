"""Channel attention, spatial attention and CBAM over the feature maps of a convolution.

Woo, Park, Lee, Kweon: "CBAM: Convolutional Block Attention Module", ECCV 2018, equations 1 to 3
(https://arxiv.org/abs/1807.06521). "Channel" here is a filter of the convolution, not a sensor channel; "spatial" is
the plane of time steps and sensor channels.
"""

import torch
from torch import Tensor, nn

from har_ray.models.architectures import Maps
from har_ray.models.config import AttentionConfig


class ChannelAttention(nn.Module):
    """One weight per filter: a shared MLP f → f//ratio → f (biases) on the average- and the max-pooled maps.

    Raises:
        ValueError: `ratio` leaves no hidden unit.
    """

    def __init__(self, filters: int, ratio: int) -> None:
        super().__init__()
        hidden = filters // ratio
        if hidden < 1:
            raise ValueError(f"attention ratio {ratio} leaves no hidden unit of {filters} filters; at most {filters}")
        self.mlp = nn.Sequential(nn.Linear(filters, hidden), nn.ReLU(), nn.Linear(hidden, filters))

    def forward(self, x: Tensor) -> Tensor:
        """(B, F, T', C) → (B, F)"""
        pooled = torch.stack([x.mean(dim=(2, 3)), x.amax(dim=(2, 3))])  # (2, B, F)
        return torch.sigmoid(self.mlp(pooled).sum(dim=0))


class SpatialAttention(nn.Module):
    """One weight per time step and sensor channel: a k×k convolution (no bias) over mean and max of the filters."""

    def __init__(self, kernel: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 1, kernel, padding=kernel // 2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, F, T', C) → (B, T', C)"""
        pooled = torch.stack([x.mean(dim=1), x.amax(dim=1)], dim=1)  # (B, 2, T', C)
        return torch.sigmoid(self.conv(pooled)).squeeze(1)


class Attention(nn.Module):
    """Channel attention, spatial attention or both, channel first."""

    def __init__(self, filters: int, config: AttentionConfig) -> None:
        super().__init__()
        self.channel = ChannelAttention(filters, config.ratio) if config.ratio is not None else None
        self.spatial = SpatialAttention(config.kernel) if config.kernel is not None else None

    def forward(self, x: Tensor) -> tuple[Tensor, Maps]:
        """(B, F, T', C) → the weighted maps, same shape, and the attention maps."""
        maps: Maps = {}
        if self.channel is not None:
            maps["channel"] = self.channel(x)
            x = x * maps["channel"][:, :, None, None]
        if self.spatial is not None:
            maps["spatial"] = self.spatial(x)
            x = x * maps["spatial"][:, None]
        return x, maps
