"""DeepConvLSTM with the published topology, attention after any of its four convolutions.

Topology: Agac and Durmaz Incel, "Boosting the performance of lightweight HAR models with attention and knowledge
distillation", Intelligent Environments 2024, doi 10.1109/IE61493.2024.10599908. It differs from the original of Ordóñez
and Roggen (Sensors 16(1):115, 2016) in the axis the LSTM runs along: `channels` is the published one, a sequence of the
C sensor channels with (T-16)·f features each, all outputs flattened; `time` the original, a sequence of T-16 time
steps with f·C features each, the last output only.
"""

from typing import Literal

import torch
from torch import Tensor, nn

from har_ray.models.attention import Attention, AttentionConfig, Maps

SequenceAxis = Literal["channels", "time"]

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


class DeepConvLSTM(nn.Module):
    """Windows (B, T, C) → logits (B, K).

    Args:
        window: T, time steps.
        channels: C, sensor channels.
        classes: K.
        filters: f, of each convolution.
        units: u, of each of the two LSTM layers.
        attention: None for none.
        sequence_axis: what the LSTM runs along.

    Raises:
        ValueError: the window is too short, or the attention's ratio leaves no hidden unit.
    """

    def __init__(
        self,
        window: int,
        channels: int,
        classes: int,
        filters: int,
        units: int,
        attention: AttentionConfig | None = None,
        sequence_axis: SequenceAxis = "channels",
    ) -> None:
        super().__init__()
        if window < MIN_WINDOW:
            raise ValueError(f"a window of {window} time steps is too short; four convolutions need {MIN_WINDOW}")
        self.sequence_axis = sequence_axis
        self.convolutions = nn.ModuleList(
            nn.Conv2d(1 if i == 0 else filters, filters, (KERNEL, 1)) for i in range(CONVOLUTIONS)
        )
        self.attention = Attention(filters, attention) if attention else None
        self.attention_position = attention.position if attention else 0
        steps = window - MIN_WINDOW + 1
        by_channels = sequence_axis == "channels"
        self.lstm = OneBiasLSTM(steps * filters if by_channels else filters * channels, units, num_layers=2)
        self.head = nn.Linear(channels * units if by_channels else units, classes)
        self._initialise()

    def _initialise(self) -> None:
        """Orthogonal kernels, zero biases, forget gates open at the start (Keras' `unit_forget_bias`)."""
        for name, parameter in self.named_parameters():
            if parameter.ndim > 1:
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
