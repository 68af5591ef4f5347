"""DeepConvLSTM with the published topology, attention after any of its four convolutions.

Topology: Agac and Durmaz Incel, "Boosting the performance of lightweight HAR models with attention and knowledge
distillation", Intelligent Environments 2024, doi 10.1109/IE61493.2024.10599908. It differs from the original of Ordóñez
and Roggen (Sensors 16(1):115, 2016) in the axis the LSTM runs along: `channels` is the published one, a sequence of the
C sensor channels with (T-16)·f features each, all outputs flattened; `time` the original, a sequence of T-16 time
steps with f·C features each, the last output only.
"""

from typing import ClassVar

import torch
from torch import Tensor, nn

from har_ray.models.architectures import ARCHITECTURES, Maps
from har_ray.models.attention import Attention
from har_ray.models.config import BUILT_IN_ARCHITECTURE, AttentionConfig, SequenceAxis

CONVOLUTIONS = 4
KERNEL = 5
MIN_WINDOW = CONVOLUTIONS * (KERNEL - 1) + 1
"""The fewest time steps that leave one after four convolutions of kernel 5 without padding."""


class OneBiasLSTM(nn.LSTM):
    """An LSTM with one bias vector per gate, as Keras and the publication have it.

    `nn.LSTM` adds two vectors, which doubles the count and the step size of one parameter; the second is fixed at 0.
    """

    def __init__(self, input_size: int, hidden_size: int, num_layers: int) -> None:
        super().__init__(input_size, hidden_size, num_layers, batch_first=True)
        for layer in range(num_layers):
            name = f"bias_hh_l{layer}"
            del self._parameters[name]
            self.register_buffer(name, torch.zeros(4 * hidden_size), persistent=False)
        self._init_flat_weights()


@ARCHITECTURES.register(BUILT_IN_ARCHITECTURE)
class DeepConvLSTM(nn.Module):
    """Windows (B, T, C) → logits (B, K).

    Args:
        window: T, time steps.
        channels: C, sensor channels.
        classes: K.
        filters: f, of each convolution.
        units: u, of each LSTM layer.
        attention: None for none.
        sequence_axis: what the LSTM runs along.
        layers: of the LSTM; two as published, one as Bock et al. 2021 recommend (https://arxiv.org/abs/2108.00702).

    Raises:
        ValueError: the window is too short, or the attention's ratio leaves no hidden unit.
    """

    min_window: ClassVar[int] = MIN_WINDOW

    def __init__(
        self,
        window: int,
        channels: int,
        classes: int,
        filters: int,
        units: int,
        attention: AttentionConfig | None = None,
        sequence_axis: SequenceAxis = "channels",
        layers: int = 2,
    ) -> None:
        super().__init__()
        if window < MIN_WINDOW:
            raise ValueError(f"a window of {window} time steps is too short; four convolutions need {MIN_WINDOW}")
        self.filters, self.sequence_axis = filters, sequence_axis
        self.convolutions = nn.ModuleList(
            nn.Conv2d(1 if i == 0 else filters, filters, (KERNEL, 1)) for i in range(CONVOLUTIONS)
        )
        self.attention = Attention(filters, attention) if attention else None
        self.attention_position = attention.position if attention else 0
        steps = window - MIN_WINDOW + 1
        by_channels = sequence_axis == "channels"
        self.lstm = OneBiasLSTM(steps * filters if by_channels else filters * channels, units, layers)
        self.head = nn.Linear(channels * units if by_channels else units, classes)
        self._initialise()

    def _initialise(self) -> None:
        """Orthogonal kernels, a glorot_uniform head, zero biases, forget gates open (Keras' `unit_forget_bias`).

        As published; the attention has its own.
        """
        for name, parameter in self.named_parameters():
            if name.startswith("attention."):
                continue
            if name == "head.weight":
                nn.init.xavier_uniform_(parameter)
            elif parameter.ndim > 1:
                nn.init.orthogonal_(parameter)
            else:
                nn.init.zeros_(parameter)
            if name.startswith("lstm.bias_ih"):
                units = parameter.numel() // 4
                nn.init.ones_(parameter.data[units : 2 * units])

    def forward(self, x: Tensor) -> Tensor:
        return self.with_maps(x)[0]

    def with_maps(self, x: Tensor) -> tuple[Tensor, Maps]:
        """(B, T, C) → logits (B, K) and the attention maps, empty without attention."""
        x = x.unsqueeze(1)  # (B, 1, T, C)
        maps: Maps = {}
        for position, convolution in enumerate(self.convolutions, start=1):
            x = torch.relu(convolution(x))  # (B, f, T - 4·position, C)
            if self.attention is not None and position == self.attention_position:
                x, maps = self.attention(x)
        if self.sequence_axis == "channels":
            sequence = x.permute(0, 3, 2, 1).flatten(2)  # (B, C, (T-16)·f)
            return self.head(self.lstm(sequence)[0].flatten(1)), maps
        sequence = x.permute(0, 2, 1, 3).flatten(2)  # (B, T-16, f·C)
        return self.head(self.lstm(sequence)[0][:, -1]), maps

    def published_flops(self, shape: tuple[int, int]) -> int:
        """The FLOPs of one window of `shape` (T, C) as the publication counts them, by TensorFlow's profiler.

        Counted: 2 for a multiply-add of a convolution, the spatial attention's too, and of the channel attention's MLP,
        which runs on both pooled vectors; 1 for an addition of a bias, and of the MLP's two outputs; 1 for each number
        that a mean is taken of; 1 for each product of a feature with an attention map. Not counted: maxima, ReLU,
        sigmoid, and what the publication leaves out, the LSTM and the linear head.

        Sources: the published counts and changes, see the tests; `get_flops` in `src/utils_resources.py` of
        https://github.com/sumeyye-agac/har-phd-thesis; the operations that have a count in
        `tensorflow/python/profiler/internal/flops_registry.py`.
        """
        return sum(2 * macs + bias for macs, bias in self.convolution_counts(shape)) + self._attention_flops(shape)

    def _attention_flops(self, shape: tuple[int, int]) -> int:
        """What the attention adds to the published count besides its convolution."""
        if self.attention is None:
            return 0
        window, channels = shape
        mean = product = (window - (KERNEL - 1) * self.attention_position) * channels * self.filters
        flops = (mean + product) * ((self.attention.channel is not None) + (self.attention.spatial is not None))
        if self.attention.channel is not None:
            mlp = sum(2 * p.numel() if p.ndim == 2 else p.numel() for p in self.attention.channel.mlp.parameters())
            flops += 2 * mlp + self.filters
        return flops

    def convolution_counts(self, shape: tuple[int, int]) -> list[tuple[int, int]]:
        """Multiply-adds and bias additions of each convolution for one window of `shape` (T, C)."""
        window, channels = shape
        counts = []
        for position, conv in enumerate(self.convolutions, start=1):
            plane = (window - (KERNEL - 1) * position) * channels
            weight, bias = (p.numel() for p in conv.parameters())
            counts.append((plane * weight, plane * bias))
            if self.attention and self.attention.spatial and position == self.attention_position:
                counts.append((plane * self.attention.spatial.conv.weight.numel(), 0))
        return counts

    def closed_form_macs(self, shape: tuple[int, int]) -> int:
        """The multiply-adds of one window of `shape` (T, C) by formula, to check the counted ones against."""
        window, channels = shape
        macs = sum(m for m, _ in self.convolution_counts(shape))
        steps = channels if self.sequence_axis == "channels" else window - MIN_WINDOW + 1
        recurrent = 2 * self.lstm.num_layers - 1  # weight matrices from units to units
        macs += steps * 4 * self.lstm.hidden_size * (self.lstm.input_size + recurrent * self.lstm.hidden_size)
        macs += self.head.in_features * self.head.out_features
        if self.attention and self.attention.channel:
            pooled = 2  # the average- and the max-pooled vector
            macs += pooled * sum(p.numel() for p in self.attention.channel.mlp.parameters() if p.ndim == 2)
        return macs
