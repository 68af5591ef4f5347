"""Weights at the start as published, and attention that tells real windows apart from the first one on."""

import math

import pytest
import torch

from har_ray.models.architectures import outputs
from har_ray.models.attention import ChannelAttention, he_normal_, map_sd
from har_ray.models.config import CONSTANT_SD, AttentionConfig
from tests.models.networks import network

SEEDS = 50


def test_he_normal_is_that_of_keras():
    torch.manual_seed(0)
    weight = torch.empty(1000, 5, 5, 2)
    he_normal_(weight)
    sd = math.sqrt(2 / 50)
    assert weight.std().item() == pytest.approx(sd, rel=0.01)
    # Truncated at two standard deviations of the normal distribution before truncation.
    assert 2.2 * sd < weight.abs().max().item() <= 2 / 0.8796 * sd


def test_each_part_starts_as_published():
    torch.manual_seed(0)
    attention = AttentionConfig(kind="cbam", ratio=2, kernel=7, position=2)
    model = network("OM", (24, 6), 7, attention)
    kernels = model.attention.spatial.conv.weight, model.attention.channel.mlp[2].weight
    assert [p.std().item() for p in kernels] == pytest.approx([math.sqrt(2 / 98), math.sqrt(2 / 32)], rel=0.2)
    limit = math.sqrt(6 / (6 * 128 + 7))  # glorot_uniform
    assert 0.98 * limit < model.head.weight.abs().max().item() <= limit
    kernel = model.convolutions[1].weight.flatten(1)
    assert torch.allclose(kernel @ kernel.T, torch.eye(64), atol=1e-5)
    biases = {n: p for n, p in model.named_parameters() if p.ndim == 1 and not n.startswith("lstm")}
    assert len(biases) == 4 + 2 + 1
    assert not any(p.any() for p in biases.values())
    forget = model.lstm.bias_ih_l0.unflatten(0, (4, 128)).mean(dim=1)
    assert forget.tolist() == [0, 1, 0, 0]


@pytest.mark.parametrize(("filters", "ratio"), [(4, 2), (4, 4), (64, 8)])
def test_a_hidden_unit_is_open_as_soon_as_a_single_filter_responds(filters, ratio):
    for seed in range(20):
        torch.manual_seed(seed)
        weight = ChannelAttention(filters, ratio).state_dict()["mlp.0.weight"]
        assert (weight > 0).all()
        assert weight.sum(dim=1).tolist() == pytest.approx([math.sqrt(2)] * (filters // ratio))


@pytest.mark.parametrize(
    ("kind", "ratio", "kernel"),
    [("channel", 2, None), ("channel", 4, None), ("spatial", None, 3), ("cbam", 2, 3), ("cbam", 4, 3)],
)
def test_no_map_is_constant_over_real_windows_before_training(data, kind, ratio, kernel):
    """The position goes round. With he_normal alone, or with orthogonal weights, dozens of these are constant."""
    x = data.train.x[:: len(data.train.x) // 64]
    smallest: dict[str, float] = {}
    for seed in range(SEEDS):
        torch.manual_seed(seed)
        attention = AttentionConfig(kind=kind, ratio=ratio, kernel=kernel, position=1 + seed % 4)
        with torch.no_grad():
            maps = outputs(network("LM", data.shape, 7, attention).eval(), x).maps
        smallest = {name: min(sd, smallest.get(name, 1.0)) for name, sd in map_sd(maps).items()}
    assert set(smallest) == ({"channel", "spatial"} if kind == "cbam" else {kind})
    assert min(smallest.values()) > CONSTANT_SD


def test_the_sd_of_a_map_is_over_windows_and_the_mean_over_entries():
    # The first entry varies by 0.1 about its mean, the other not at all, though the two differ.
    assert map_sd({"spatial": torch.tensor([[[0.2, 0.9]], [[0.4, 0.9]]])}) == {"spatial": pytest.approx(0.05)}
