"""Every operator against PyTorch: at most the rounding of what it gives, and of what it computes on the way."""

import numpy as np
import pytest
import torch
from tflite_micro.tensorflow.lite.micro.python import schema_py_generated as schema
from torch import nn
from torch.nn import functional as F

from har_ray.export.int8 import run
from har_ray.models.attention import ChannelAttention, SpatialAttention
from har_ray.models.features import FEATURES
from tests.export.int8.small import CHANNELS, STEPS, Does, Ends, both, exact_, random_windows, steps_off

pytestmark = pytest.mark.usefixtures("all_within")


def rows(layer):
    """Along time, channels first."""
    return Ends(layer, channels_first=True)


def planes(layer):
    """Over time and channels, with one filter."""
    return Ends(layer, planes=True)


def does(function):
    return Ends(Does(function))


C, ONE, TWO = CHANNELS, 1.0, 2.0
"""Steps: what an operator rounds; two, where its result is rounded once more or its input is rounded too."""
LAYERS = {
    "conv1d": (rows(nn.Conv1d(C, 8, 5)), ONE),
    "conv1d, padded as SAME": (rows(nn.Conv1d(C, 8, 5, padding=2)), ONE),
    "conv1d, padded otherwise": (rows(nn.Conv1d(C, 8, 5, stride=2, padding=2)), ONE),
    "conv1d, padding by name": (rows(nn.Conv1d(C, 8, 4, padding="same")), ONE),
    "conv1d, dilated": (rows(nn.Conv1d(C, 8, 3, dilation=3)), ONE),
    "conv1d, in groups": (rows(nn.Conv1d(C, 8, 3, groups=2)), ONE),
    "conv1d, depthwise": (rows(nn.Conv1d(C, 2 * C, 5, groups=C)), ONE),
    "conv1d, ReLU": (rows(nn.Sequential(nn.Conv1d(C, 8, 5), nn.ReLU())), ONE),
    "conv1d, ReLU6": (rows(nn.Sequential(nn.Conv1d(C, 8, 5), nn.ReLU6())), ONE),
    "conv2d": (planes(nn.Conv2d(1, 4, (5, 1))), ONE),
    "conv2d, padded": (planes(nn.Conv2d(1, 4, 3, padding=1, stride=(2, 1))), ONE),
    "linear": (Ends(nn.Linear(C, 9)), ONE),
    "max_pool1d": (rows(nn.MaxPool1d(2)), ONE),
    "max_pool2d": (planes(nn.MaxPool2d((2, 1))), ONE),
    "avg_pool1d": (rows(nn.AvgPool1d(3, 2)), ONE),
    "avg_pool2d": (planes(nn.AvgPool2d(2)), ONE),
    "adaptive_avg_pool1d": (rows(nn.AdaptiveAvgPool1d(1)), ONE),
    "adaptive_max_pool1d": (rows(nn.AdaptiveMaxPool1d(1)), ONE),
    "relu": (Ends(nn.ReLU()), ONE),
    "leaky_relu": (Ends(nn.LeakyReLU(0.1)), ONE),
    "elu": (Ends(nn.ELU()), ONE),
    "hardswish": (Ends(nn.Hardswish()), TWO),
    "silu": (Ends(nn.SiLU()), 3.0),  # a product with a sigmoid in steps of 1/256
    "sigmoid": (Ends(nn.Sigmoid()), ONE),
    "tanh": (Ends(nn.Tanh()), ONE),
    "abs": (does(torch.abs), ONE),
    "neg": (does(torch.neg), TWO),
    "square": (does(torch.square), TWO),
    "sqrt": (does(lambda x: x.abs().sqrt()), TWO),
    "softmax over channels": (does(lambda x: torch.softmax(x, dim=2)), ONE),
    "softmax over time": (does(lambda x: torch.softmax(x, dim=1)), ONE),
    "add of a broadcast row": (does(lambda x: x + x[:, :1]), ONE),
    "sub of a broadcast mean": (does(lambda x: x - x.mean(dim=1, keepdim=True)), TWO),
    "mul by a vector": (does(lambda x: x * torch.linspace(-1, 1, C)), TWO),
    "mul of two broadcasts": (does(lambda x: x[:, :, :1] * x[:, :1]), TWO),
    "mul by a row of time": (does(lambda x: x.transpose(1, 2) * torch.linspace(0, 1, STEPS)), TWO),
    "div by a number": (does(lambda x: x / 3), TWO),
    "mean over time": (does(lambda x: x.mean(dim=1)), ONE),
    "mean over all but time": (does(lambda x: x.mean(dim=(2,))), ONE),
    "sum over channels": (does(lambda x: x.sum(dim=2)), ONE),
    "max over time": (does(lambda x: x.amax(dim=1)), ONE),
    "max with its place": (does(lambda x: x.max(dim=1).values), ONE),
    "min over channels": (does(lambda x: x.amin(dim=-1)), ONE),
    "std": (does(lambda x: x.std(dim=1, correction=0)), TWO),
    "var, unbiased": (does(lambda x: x.var(dim=1)), 3.0),
    "diff": (does(lambda x: x.diff(dim=1)), 3.0),  # what the input rounds makes it go further than was seen
    "cat": (does(lambda x: torch.cat([x, 2 * x], dim=2)), TWO),
    "stack": (does(lambda x: torch.stack([x.mean(dim=1), x.amax(dim=1)], dim=1)), ONE),
    "stack in front": (does(lambda x: torch.stack([x.mean(dim=1), x.amax(dim=1)]).sum(dim=0)), TWO),
    "slice": (does(lambda x: x[:, 3:-2:2]), ONE),
    "select": (does(lambda x: x[:, -1]), ONE),
    "permute": (does(lambda x: x.unsqueeze(1).permute(0, 3, 2, 1)), ONE),
    "view": (does(lambda x: x.view(len(x), -1, 3, 4).transpose(2, 3)), ONE),
    "batch_norm alone": (rows(nn.BatchNorm1d(C)), TWO),
}  # fmt: skip


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_gives_what_pytorch_gives(name):
    network, most = LAYERS[name]
    assert steps_off(exact_(network), random_windows()) <= most


INT8_ALONE = ("elu", "hardswish")
"""Functions whose kernels know int8 alone."""


def test_values_in_int16_are_ten_times_nearer():
    """Than a step of int8 of what comes out; over all layers, since a sum of what each rounds is soon more."""
    off = {}
    for name, (network, _) in LAYERS.items():
        _, found, wanted = both(exact_(network), random_windows(8), "int16")
        off[name] = 255 * np.abs(found - wanted).max() / np.ptp(wanted)
    assert {name for name, steps in off.items() if steps > 0.1} == set(INT8_ALONE)


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU])
def test_a_recurrent_layer_with_values_in_int16_over_a_hundred_steps(kind):
    network = exact_(Ends(kind(CHANNELS, 8, batch_first=True)))
    _, found, wanted = both(network, random_windows(8, steps=100), "int16")
    assert 255 * np.abs(found - wanted).max() / np.ptp(wanted) <= 0.1


@pytest.mark.parametrize("name", sorted(FEATURES.keys() - {"median", "rms"}))
def test_a_feature_of_a_window(name):
    assert steps_off(Ends(Does(FEATURES[name])), random_windows()) <= 3


@pytest.mark.parametrize(
    "name", ["conv1d", "conv1d, depthwise", "conv2d", "linear", "std", "diff", "softmax over time"]
)
def test_a_layer_on_real_windows(name, data):
    network, most = LAYERS[name]
    assert steps_off(exact_(network), data.train.x[::20].numpy()) <= most


def test_batch_normalisation_is_folded_into_the_product_before_it():
    network = rows(nn.Sequential(nn.Conv1d(C, 8, 5), nn.BatchNorm1d(8), nn.ReLU()))
    with torch.no_grad():
        network.layer[1].running_mean.copy_(torch.linspace(-1, 1, 8))
        network.layer[1].running_var.copy_(torch.linspace(0.1, 2, 8))
        network.layer[1].weight.copy_(torch.linspace(-2, 2, 8))  # the sign too
    windows = random_windows()
    model, found, wanted = both(network, windows)
    assert operators(model.content).count("CONV_2D") == 1
    assert not {"MUL", "ADD", "RELU"} & set(operators(model.content))
    assert np.abs(found - wanted).max() <= 4 * model.output_scale  # of which weights in 127 steps make the most


def operators(content):
    """The operators of the first subgraph by name."""
    names = {code: name for name, code in vars(schema.BuiltinOperator).items()}
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(content, 0))
    return [names[model.operatorCodes[one.opcodeIndex].builtinCode] for one in model.subgraphs[0].operators]


def test_attention_over_filters_and_over_the_plane():
    for attention in (ChannelAttention(4, 2), SpatialAttention(3)):
        with torch.no_grad():
            for parameter in attention.parameters():
                parameter.mul_(0.5)  # away from where a sigmoid is flat
        filters = nn.Conv2d(1, 4, (5, 1))
        network = planes(nn.Sequential(filters, nn.ReLU(), attention))
        assert steps_off(network, random_windows()) <= 6


@pytest.mark.parametrize("options", [{}, {"num_layers": 2}, {"bidirectional": True}, {"bias": False}])
@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU])
def test_a_recurrent_layer_over_a_hundred_steps(kind, options):
    torch.manual_seed(0)
    layer = kind(CHANNELS, 8, batch_first=True, **options)
    model, found, wanted = both(Ends(layer), random_windows(32, steps=100))
    off = np.abs(found - wanted).reshape(32, 100, -1)
    assert off.max() <= 5 * model.output_scale
    assert off[:, -10:].mean() <= 1.5 * off[:, 10:20].mean() + model.output_scale / 4  # errors don't add up over time


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU])
def test_the_last_state_of_a_recurrent_layer(kind):
    torch.manual_seed(0)
    layer = kind(CHANNELS, 8, 2, bidirectional=True)

    def last(x):  # time first, as is torch's default; of the last layer, both directions
        state = layer(x.transpose(0, 1))[1]
        return (state[0] if isinstance(state, tuple) else state)[-2:].transpose(0, 1).flatten(1)

    network = Does(last)
    network.layer = layer
    assert steps_off(network, random_windows()) <= 5


def test_a_window_does_not_remember_the_one_before():
    network = Ends(nn.LSTM(CHANNELS, 8, batch_first=True))
    windows = random_windows(8)
    model, together, _ = both(network, windows)
    alone = np.concatenate([run(model.content, model.integers(windows[i : i + 1])) for i in range(8)])
    assert np.array_equal(together, alone)


def test_a_gru_is_a_loop_whose_size_does_not_grow_with_the_steps():
    network = Ends(nn.GRU(CHANNELS, 8, batch_first=True))
    short, long = (both(network, random_windows(8, steps=steps))[0] for steps in (10, 100))
    assert len(long.content) - len(short.content) <= 90 * 8 * 2 + 64  # the zeros that its output begins with


def test_relu_is_fused_only_where_nobody_else_reads_what_is_before_it():
    layer = nn.Linear(CHANNELS, 5)

    def forward(x):
        found = layer(x)
        return (F.relu(found) + found).flatten(1)

    network = Does(forward)
    network.layer = layer
    assert steps_off(exact_(network), random_windows()) <= 2
