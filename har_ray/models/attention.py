"""Channel attention, spatial attention and CBAM over the feature maps of a convolution.

Woo, Park, Lee, Kweon: "CBAM: Convolutional Block Attention Module", ECCV 2018, equations 1 to 3
(https://arxiv.org/abs/1807.06521). "Channel" here is a filter of the convolution, not a sensor channel; "spatial" is
the plane of time steps and sensor channels. Weights start as in the code of Agac and Durmaz Incel 2024 (he_normal), but
for the hidden layer of the channel attention, see `ChannelAttention.initialise`.
"""

import math

import torch
from torch import Tensor, nn

from har_ray.models.architectures import Maps
from har_ray.models.config import AttentionConfig

TRUNCATED_SD = 0.87962566103423978
"""The standard deviation of a standard normal distribution that is truncated at ±2, as in Keras' VarianceScaling."""


def he_normal_(weight: Tensor) -> None:
    """Fill a weight (out, in, …) as Keras' `he_normal` does.

    Normal, truncated at two standard deviations, then of standard deviation sqrt(2 / fan_in): He et al. 2015, equation
    10 (https://arxiv.org/abs/1502.01852); https://keras.io/api/layers/initializers/#henormal-class
    """
    sd = math.sqrt(2 / weight[0].numel()) / TRUNCATED_SD
    nn.init.trunc_normal_(weight, std=sd, a=-2 * sd, b=2 * sd)


@torch.no_grad()
def map_sd(maps: Maps) -> dict[str, float]:
    """How far attention maps (N, …) vary: their standard deviation over the windows, mean over their entries, by name.

    0 for a map that is the same for every window, which weighs features but attends to nothing.
    """
    return {name: values.float().flatten(1).std(dim=0, correction=0).mean().item() for name, values in maps.items()}


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
        self.initialise()

    def initialise(self) -> None:
        """he_normal, with the hidden layer's weights made positive and each unit's weights summing to sqrt(2).

        The pooled features are non-negative, since they come from a ReLU. A hidden unit that he_normal draws with
        weights that are negative where the features are large is closed for every window, gets no gradient and never
        opens; with the one or two hidden units of a small network that makes the whole map constant (how often:
        benchmarks/README.md). With positive weights every unit is open for every window in which any filter responds.
        Positive weights add up where those of mixed sign cancel, which would saturate the sigmoid; so their sum is
        given the standard deviation that the sum of a unit's weights has in he_normal.
        """
        hidden, out = self.mlp[0], self.mlp[2]
        assert isinstance(hidden, nn.Linear)
        assert isinstance(out, nn.Linear)
        for layer in (hidden, out):
            he_normal_(layer.weight)
            nn.init.zeros_(layer.bias)
        with torch.no_grad():
            weight = hidden.weight.abs()
            hidden.weight.copy_(weight * (math.sqrt(2) / weight.sum(dim=1, keepdim=True)))

    def forward(self, x: Tensor) -> Tensor:
        """(B, F, T', C) → (B, F)"""
        pooled = torch.stack([x.mean(dim=(2, 3)), x.amax(dim=(2, 3))])  # (2, B, F)
        return torch.sigmoid(self.mlp(pooled).sum(dim=0))


class SpatialAttention(nn.Module):
    """One weight per time step and sensor channel: a k×k convolution (no bias) over mean and max of the filters."""

    def __init__(self, kernel: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 1, kernel, padding=kernel // 2, bias=False)
        he_normal_(self.conv.weight)

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
