"""The MLP on simple features against one written with numpy, and its counts against a person's."""

import numpy as np
import pytest
import torch

from har_ray.models.architectures.feature_mlp import FeatureMLP
from har_ray.models.config import ModelConfig
from har_ray.models.cost import cost
from har_ray.models.features import FEATURES, features
from tests.models.networks import feature_layer

T, C, K, H = 21, 3, 4, 6


def test_it_equals_one_written_with_numpy():
    torch.manual_seed(1)
    network = FeatureMLP(T, C, K, hidden=H).double().eval()
    with torch.no_grad():
        for name, value in network.state_dict().items():
            if value.is_floating_point():
                value.copy_(torch.rand_like(value) + 0.5 if name.endswith("running_var") else torch.randn_like(value))
        x = torch.randn(5, T, C, dtype=torch.float64)
        found = network(x).numpy()
    w = {name: value.numpy() for name, value in network.state_dict().items()}
    assert np.allclose(found, feature_layer(w, "hidden", x.numpy()) @ w["head.weight"].T + w["head.bias"])


def test_its_counts_are_those_of_a_person():
    network = ModelConfig(architecture="feature-mlp", options={"hidden": H}).build((T, C), K)
    # five features of 3 channels to 6 units, gain and bias of their normalisation, 6 units to 4 classes with bias
    found = cost(network, (T, C))
    assert found.params == 15 * 6 + 2 * 6 + (6 + 1) * 4
    assert found.macs == 15 * 6 + 6 * 4


def test_features_of_a_window_by_hand():
    x = torch.tensor([[[0.0], [4.0], [2.0]]])  # one window of one channel
    found = {name: float(features(x, [name])) for name in FEATURES}
    assert found == pytest.approx(
        {"mean": 2, "sd": (8 / 3) ** 0.5, "minimum": 0, "maximum": 4, "median": 2, "rms": (20 / 3) ** 0.5, "change": 3}
    )
    two = torch.stack([x[0, :, 0], 10 * x[0, :, 0]], dim=1)[None]  # the same and ten times as much
    assert features(two, ["mean", "maximum"]).tolist() == [[2, 20, 4, 40]]
