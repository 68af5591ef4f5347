"""The network against one written with numpy, and how it starts."""

import numpy as np
import pytest
import torch
from scipy.signal import correlate
from scipy.special import expit

from har_ray.models.architectures.deepconvlstm import DeepConvLSTM
from har_ray.models.cost import count_macs
from tests.models.networks import ATTENTIONS

T, C, K, F, U = 20, 3, 4, 4, 5


def made(attention=None, axis="channels", layers=2):
    torch.manual_seed(1)
    network = DeepConvLSTM(T, C, K, filters=F, units=U, attention=attention, sequence_axis=axis, layers=layers)
    with torch.no_grad():  # of either sign, also what starts at 0 or positive
        for parameter in network.parameters():
            parameter.copy_(0.3 * torch.randn(parameter.shape))
    return network


class Reference:
    """The publication's network in numpy, one window at a time, from the weights of ours."""

    def __init__(self, network, attention, axis):
        self.w = {name: value.detach().double().numpy() for name, value in network.state_dict().items()}
        self.attention, self.axis, self.layers = attention, axis, network.lstm.num_layers

    def __call__(self, x):  # (T, C) -> (K,)
        planes = x[None]  # (f, T', C)
        for i in range(4):
            kernel, bias = self.w[f"convolutions.{i}.weight"], self.w[f"convolutions.{i}.bias"]
            planes = np.stack(
                [correlate(planes, one, mode="valid")[0] + b for one, b in zip(kernel, bias, strict=True)]
            )
            planes = np.maximum(planes, 0)
            if self.attention and self.attention.position == i + 1:
                planes = self.attend(planes)
        steps = planes.transpose(2, 1, 0) if self.axis == "channels" else planes.transpose(1, 0, 2)
        sequence = steps.reshape(len(steps), -1)
        for layer in range(self.layers):
            sequence = self.lstm(sequence, layer)
        features = sequence.reshape(-1) if self.axis == "channels" else sequence[-1]
        return self.w["head.weight"] @ features + self.w["head.bias"]

    def attend(self, planes):
        if self.attention.ratio is not None:
            first, second = ("attention.channel.mlp.0", "attention.channel.mlp.2")

            def mlp(pooled):
                hidden = np.maximum(self.w[f"{first}.weight"] @ pooled + self.w[f"{first}.bias"], 0)
                return self.w[f"{second}.weight"] @ hidden + self.w[f"{second}.bias"]

            weights = expit(mlp(planes.mean(axis=(1, 2))) + mlp(planes.max(axis=(1, 2))))
            planes = planes * weights[:, None, None]
        if self.attention.kernel is not None:
            pooled = np.stack([planes.mean(axis=0), planes.max(axis=0)])
            margin = self.attention.kernel // 2
            padded = np.pad(pooled, ((0, 0), (margin, margin), (margin, margin)))
            planes = planes * expit(correlate(padded, self.w["attention.spatial.conv.weight"][0], mode="valid"))
        return planes

    def lstm(self, sequence, layer):
        state, cell, outputs = np.zeros(U), np.zeros(U), []
        for features in sequence:
            gates = self.w[f"lstm.weight_ih_l{layer}"] @ features + self.w[f"lstm.weight_hh_l{layer}"] @ state
            gates = gates + self.w[f"lstm.bias_ih_l{layer}"]
            i, f, g, o = np.split(gates, 4)
            cell = expit(f) * cell + expit(i) * np.tanh(g)
            state = expit(o) * np.tanh(cell)
            outputs.append(state)
        return np.stack(outputs)


@pytest.mark.parametrize("axis", ["channels", "time"])
@pytest.mark.parametrize("attention", ATTENTIONS)
def test_it_is_the_published_network(attention, axis):
    network = made(attention, axis).double()
    windows = torch.randn(3, T, C, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    reference = Reference(network, attention, axis)
    with torch.no_grad():
        found = network(windows).numpy()
    assert np.allclose(found, [reference(window) for window in windows.numpy()], atol=1e-10)


@pytest.mark.parametrize("axis", ["channels", "time"])
def test_one_layer_of_lstm_by_option(axis):
    network = made(axis=axis, layers=1).double()
    windows = torch.randn(2, T, C, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    with torch.no_grad():
        found = network(windows).numpy()
    assert np.allclose(found, [Reference(network, None, axis)(window) for window in windows.numpy()], atol=1e-10)
    assert count_macs(network.float(), (T, C)) == network.closed_form_macs((T, C))


def test_kernels_start_orthogonal_biases_at_0_and_forget_gates_open():
    torch.manual_seed(0)
    network = DeepConvLSTM(T, C, K, filters=F, units=U)
    for name, parameter in network.named_parameters():
        if name.startswith("head"):
            continue
        if parameter.ndim > 1:
            rows = parameter.detach().flatten(1)
            product = rows @ rows.T if len(rows) <= rows.shape[1] else rows.T @ rows
            assert torch.allclose(product, torch.eye(len(product)), atol=1e-5), name
        else:
            expected = torch.zeros(parameter.numel())
            if name.startswith("lstm.bias_ih"):
                expected[U : 2 * U] = 1
            assert torch.equal(parameter.detach(), expected), name
