"""The published counts, to the unit (shared with the publication's figures, see the sources in har_ray/models)."""

import pytest
import torch
from torch import nn

from har_ray.models.architectures.deepconvlstm import DeepConvLSTM
from har_ray.models.attention import AttentionConfig
from har_ray.models.cost import closed_form_macs, cost, count_macs, latency, published_flops
from har_ray.variants import SIZES, build

SHAPES = {"opportunity": ((30, 45), 17), "wisdm": ((20, 3), 6), "sensors": ((50, 45), 7)}
PUBLISHED = [
    # dataset, size, params, flops_published, macs
    ("opportunity", "LM", 9037, 450000, 339120),
    ("opportunity", "MM", 23657, 1677600, 1297440),
    ("opportunity", "OM", 816337, 100512000, 79729920),
    ("wisdm", "LM", 1770, 13920, 10704),
    ("wisdm", "MM", 6574, 50880, 40608),
    ("wisdm", "OM", 393030, 2987520, 2475264),
    ("sensors", "LM", 7987, 932400, 684720),
    ("sensors", "MM", 26687, 3506400, 2651040),
    ("sensors", "OM", 1414087, 211910400, 164747520),
]


@pytest.mark.parametrize(("dataset", "size", "params", "flops", "macs"), PUBLISHED)
def test_published_counts_to_the_unit(dataset, size, params, flops, macs):
    shape, classes = SHAPES[dataset]
    assert cost(build(size, shape, classes), shape) == (params, macs, flops)


def test_time_axis_is_pinned_by_its_parameter_count():
    # f=4, u=8, T=30, C=45, K=17: 24+84·3 convolutions, LSTM 4·(8·(4·45+8)+8) + 4·(8·16+8), head 8·17+17
    model = build("LM", (30, 45), 17, sequence_axis="time")
    assert sum(p.numel() for p in model.parameters()) == (24 + 3 * 84) + 4 * (8 * 188 + 8) + 4 * (8 * 16 + 8) + 153
    assert model(torch.zeros(2, 30, 45)).shape == (2, 17)


@pytest.mark.parametrize("axis", ["channels", "time"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    "attention",
    [
        None,
        AttentionConfig(kind="channel", ratio=2, position=1),
        AttentionConfig(kind="spatial", kernel=5, position=4),
        AttentionConfig(kind="cbam", ratio=4, kernel=7, position=2),
    ],
)
def test_counted_macs_equal_the_closed_form(axis, size, attention):
    model = build(size, (24, 6), 7, attention, axis)
    assert count_macs(model, (24, 6)) == closed_form_macs(model, (24, 6))


def test_attention_costs_what_a_person_can_count():
    plain, att = (
        build("LM", (20, 3), 6, a) for a in (None, AttentionConfig(kind="cbam", ratio=2, kernel=3, position=4))
    )
    extra = cost(att, (20, 3)).params - cost(plain, (20, 3)).params
    assert extra == (4 * 2 + 2) + (2 * 4 + 4) + 2 * 3 * 3
    # After convolution 4 the plane is 4×3; the MLP runs on two pooled vectors.
    assert count_macs(att, (20, 3)) - count_macs(plain, (20, 3)) == 2 * (8 + 8) + 12 * 18
    assert published_flops(att, (20, 3)) - published_flops(plain, (20, 3)) == 2 * 12 * 18


def test_an_operation_that_cannot_be_counted_is_refused():
    class Odd(nn.Module):
        def __init__(self):
            super().__init__()
            self.gru = nn.GRU(3, 4, batch_first=True)

        def forward(self, x):
            return self.gru(x)[0]

    with pytest.raises(ValueError, match="aten::gru"):
        count_macs(Odd(), (20, 3))


def test_latency_orders_sizes():
    shape = (50, 6)
    small, large = (latency(DeepConvLSTM(*shape, 7, f, u), shape, repeats=20) for f, u in (SIZES["LM"], SIZES["OM"]))
    assert 0 < small.median_ms <= small.p95_ms
    assert small.median_ms < large.median_ms
