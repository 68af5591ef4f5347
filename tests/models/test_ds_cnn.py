"""The depthwise-separable CNN against one written with numpy, and its counts against a person's."""

import numpy as np
import pytest
import torch
from scipy.special import expit, softmax

from har_ray.errors import ExtensionError
from har_ray.models.architectures.ds_cnn import DSCNN
from har_ray.models.config import ModelConfig
from har_ray.models.cost import cost
from tests.models.networks import feature_layer

T, C, K, W, U = 21, 3, 4, 6, 5
ENDS = ["pool", "attention", "gru"]


def made(end, features=0):
    """With weights, normalisation and running statistics that are not what they start as."""
    torch.manual_seed(1)
    network = DSCNN(T, C, K, width=W, blocks=2, stride=2, end=end, units=U, features=features).double().eval()
    with torch.no_grad():
        for name, value in network.state_dict().items():
            if value.is_floating_point():
                value.copy_(torch.rand_like(value) + 0.5 if name.endswith("running_var") else torch.randn_like(value))
    return network


class Reference:
    """In numpy, one window at a time, from the weights of ours."""

    def __init__(self, network):
        self.w = {name: value.numpy() for name, value in network.state_dict().items()}

    def __call__(self, window, end):  # (T, C) -> (K,)
        x = self.convolution(window.T, "stem", stride=2)
        for i in range(0, 4, 2):
            x = self.convolution(self.convolution(x, f"body.{i}"), f"body.{i + 1}")
        seen = getattr(self, end)(x)
        if "beside.1.weight" in self.w:
            seen = np.concatenate([seen, feature_layer(self.w, "beside", window[None])[0]])
        return self.w["head.weight"] @ seen + self.w["head.bias"]

    def convolution(self, x, name, stride=1):  # (F, T) -> (F', T')
        kernel = self.w[f"{name}.0.weight"]  # (F', F / groups, k)
        margin, depthwise = kernel.shape[2] // 2, kernel.shape[1] == 1
        padded = np.pad(x, ((0, 0), (margin, margin)))
        out = np.array(
            [
                [
                    (one * padded[f : f + 1 if depthwise else None, t : t + kernel.shape[2]][: one.shape[0]]).sum()
                    for t in range(0, x.shape[1], stride)
                ]
                for f, one in ((f if depthwise else 0, one) for f, one in enumerate(kernel))
            ]
        )
        mean, var, gain, bias = (
            self.w[f"{name}.1.{key}"][:, None] for key in ("running_mean", "running_var", "weight", "bias")
        )
        return np.maximum((out - mean) / np.sqrt(var + 1e-5) * gain + bias, 0)

    def pool(self, x):
        return np.concatenate([x.mean(axis=1), x.max(axis=1)])

    def attention(self, x):
        weights = softmax(self.w["over_time.score.weight"][0] @ x + self.w["over_time.score.bias"])
        return x @ weights

    def gru(self, x):
        state = np.zeros(U)
        for features in x.T:
            a = self.w["over_time.gru.weight_ih_l0"] @ features + self.w["over_time.gru.bias_ih_l0"]
            b = self.w["over_time.gru.weight_hh_l0"] @ state + self.w["over_time.gru.bias_hh_l0"]
            (ar, az, an), (br, bz, bn) = np.split(a, 3), np.split(b, 3)
            update = expit(az + bz)
            state = (1 - update) * np.tanh(an + expit(ar + br) * bn) + update * state
        return state


@pytest.mark.parametrize(("end", "features"), [*((end, 0) for end in ENDS), ("pool", 7)])
def test_it_is_what_it_says(end, features):
    network, windows = made(end, features), torch.randn(3, T, C, dtype=torch.float64)
    found = network(windows).detach().numpy()
    expected = np.stack([Reference(network)(window, end) for window in windows.numpy()])
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    ("end", "params", "macs"),
    [
        # Stem 6·24·5 + 48, three blocks 24·5 + 48 + 24·24 + 48; 25 steps of 720 + 3·(120 + 576); head 48·7 + 7.
        ("pool", 3_487, 25 * 2_808 + 336),
        # Besides: a score of 24 + 1, once each step; the head reads 24.
        ("attention", 3_344, 25 * (2_808 + 24) + 168),
        # Besides: 3·16·(24 + 16) weights, once each step, and 2·3·16 biases; the head reads 16.
        ("gru", 5_279, 25 * (2_808 + 1_920) + 112),
    ],
)
def test_counts_are_a_persons(end, params, macs):
    shape = (50, 6)
    network = ModelConfig(architecture="ds-cnn", options={"end": end}).build(shape, 7)
    assert cost(network, shape)[:2] == (params, macs)


def test_a_layer_on_simple_features_costs_what_it_says():
    network = ModelConfig(architecture="ds-cnn", options={"features": 32}).build((50, 6), 7)
    # Five features of six channels to 32 units, their gain and bias; the head reads 32 more.
    assert cost(network, (50, 6))[:2] == (3_487 + 30 * 32 + 64 + 32 * 7, 25 * 2_808 + 336 + 30 * 32 + 32 * 7)


def test_under_a_thousand_parameters_for_a_watch():
    network = ModelConfig(architecture="ds-cnn", options={"width": 10, "blocks": 2}).build((50, 6), 7)
    assert sum(p.numel() for p in network.parameters()) == 847


def test_an_unknown_end_is_refused_with_those_there_are():
    with pytest.raises(ExtensionError, match="end 'lstm' is none of pool, attention, gru"):
        ModelConfig(architecture="ds-cnn", options={"end": "lstm"}).build((T, C), K)
