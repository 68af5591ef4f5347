"""Whole networks of this project, and of somebody else's: the same function in float, nearly the same in integers."""

import numpy as np
import pytest
import torch
from torch import nn

from har_ray.errors import ExportError
from har_ray.export.int8 import arena_bytes, quantise, run
from har_ray.export.int8.lowering import lower
from har_ray.export.int8.trace import trace
from har_ray.models.architectures import build
from har_ray.models.config import AttentionConfig, ModelConfig
from tests.export.int8.networks import raw, trained
from tests.export.int8.small import CHANNELS, STEPS, Does, random_windows, unscaled
from tests.models.networks import ATTENTIONS, model

SHAPE, CLASSES = (STEPS, CHANNELS), 5
CONFIGS = {
    **{f"LM, {attention and attention.kind}": model("LM", attention) for attention in ATTENTIONS},
    "LM, cbam after the last": model("LM", AttentionConfig(kind="cbam", ratio=1, kernel=1, position=4)),
    "LM, along time": model("LM", ATTENTIONS[3], "time"),
    "LM, one layer": ModelConfig(options={"filters": 4, "units": 8, "layers": 1}),
    "OM": model("OM"),
    **{
        f"DS-CNN, {end}, {features} features": ModelConfig(
            architecture="ds-cnn", options={"width": 8, "blocks": 2, "end": end, "features": features}
        )
        for end in ("pool", "attention", "gru")
        for features in (0, 8)
    },
    "Feature-MLP": ModelConfig(architecture="feature-mlp"),
    "TinierHAR": ModelConfig(architecture="tinierhar", options={"blocks": 1}),
}


def network_of(name):
    """As after training, as far as batch normalisation goes: its statistics are those of windows."""
    torch.manual_seed(0)
    network = build(CONFIGS[name], SHAPE, CLASSES)
    with torch.no_grad():
        for _ in range(20):
            network(torch.from_numpy(random_windows(64)))
    return network.eval()


@pytest.mark.parametrize("name", CONFIGS)
def test_a_network_of_ours(name):
    network, windows = network_of(name), random_windows(64, seed=1)
    with torch.no_grad():
        wanted = network(torch.from_numpy(windows)).numpy()
    in_float = lower(trace(network, SHAPE), SHAPE).logits(windows)
    assert np.abs(in_float - wanted).max() <= 1e-4
    made = quantise(network, SHAPE, unscaled(), windows)
    found = run(made.content, made.integers(windows))
    assert np.sqrt(np.mean((found - wanted) ** 2)) <= 0.12 * wanted.std()


@pytest.mark.parametrize("name", ["LM, cbam", "DS-CNN, pool, 8 features"])
def test_a_trained_network_says_the_same_of_people_it_has_not_seen(name, data):
    network = trained(CONFIGS[name], data)
    with torch.no_grad():
        wanted = network(data.test.x).numpy()
    assert (wanted.argmax(axis=1) == data.test.y.numpy()).mean() > 0.6
    agreement, bytes_used = {}, {}
    for activations in ("int8", "int16"):
        scaler = (data.mean.numpy(), data.std.numpy())
        made = quantise(network, data.shape, scaler, raw(data.train, data), activations)
        found = run(made.content, made.integers(raw(data.test, data)))
        agreement[activations] = (wanted.argmax(axis=1) == found.argmax(axis=1)).mean()
        bytes_used[activations] = arena_bytes(made.content)
    assert agreement["int8"] >= 0.97
    assert agreement["int16"] >= 0.99
    assert bytes_used["int8"] < bytes_used["int16"] < 1.5 * bytes_used["int8"]


def test_a_sample_in_its_own_units_is_scaled_and_quantised_in_one_step(data):
    """By hand: scaled by mean and standard deviation, then in steps of the input's scale."""
    mean, std = data.mean.numpy(), data.std.numpy()
    made = quantise(network_of("Feature-MLP"), SHAPE, (mean, std), raw(data.train, data))
    scaled = (raw(data.val, data)[:50] - mean) / std
    steps = np.clip(np.rint(scaled / made.input_scale) + made.input_zero_point, -128, 127)
    off = np.abs(steps - made.integers(raw(data.val, data)[:50]))
    assert off.max() <= 1
    assert (off > 0).mean() < 0.001  # where float32 falls on the other side of a half


def test_the_same_network_and_windows_give_the_same_bytes():
    windows = random_windows()
    for name in ("LM, cbam", "DS-CNN, gru, 8 features"):
        first, second = (quantise(network_of(name), SHAPE, unscaled(), windows).content for _ in range(2))
        assert first == second


def test_quantising_leaves_the_network_as_it_is():
    network = network_of("DS-CNN, pool, 8 features").train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    quantise(network, SHAPE, unscaled(), random_windows())
    assert network.training
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_lm_fits_a_small_watch():
    """As published: 50 steps of 6 channels; bytes by what is asked of the smallest variant."""
    shape = (50, 6)
    network = build(model("LM"), shape, 7)
    content = quantise(network, shape, unscaled(), random_windows(64, 50)).content
    assert len(content) <= 4 * sum(p.numel() for p in network.parameters()) + 4096
    assert arena_bytes(content) <= 16 * 1024


@pytest.mark.parametrize("name", ["LM, None", "LM, cbam", "DS-CNN, pool, 8 features", "Feature-MLP"])
def test_a_channel_that_never_changes(name):
    windows = random_windows()
    windows[:, :, 2] = 0
    made = quantise(network_of(name), SHAPE, unscaled(), windows)
    with torch.no_grad():
        wanted = network_of(name)(torch.from_numpy(windows)).numpy()
    assert np.abs(run(made.content, made.integers(windows)) - wanted).max() <= 0.5 * np.abs(wanted).max()


def test_windows_that_are_all_the_same():
    """Ranges without extent: everything in the network is constant."""
    windows = np.zeros((4, *SHAPE), np.float32)
    for name in ("LM, cbam", "DS-CNN, gru, 8 features"):
        made = quantise(network_of(name), SHAPE, unscaled(), windows)
        with torch.no_grad():
            wanted = network_of(name)(torch.from_numpy(windows)).numpy()
        assert np.abs(run(made.content, made.integers(windows)) - wanted).max() <= 0.1


class TheirOwn(nn.Module):
    """What somebody may write who knows nothing of this: reused layers, residuals, a squeeze-and-excitation."""

    def __init__(self, window, channels, classes):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv1d(channels, 12, 7, stride=2, padding=3), nn.BatchNorm1d(12), nn.ReLU6())
        self.again = nn.Conv1d(12, 12, 3, padding="same", groups=12)
        self.squeeze, self.excite = nn.Linear(12, 4), nn.Linear(4, 12)
        self.pool = nn.Sequential(nn.AdaptiveAvgPool1d(1), nn.Flatten())
        self.head = nn.Sequential(nn.Dropout(0.5), nn.Linear(12, classes))

    def forward(self, x):
        x = self.stem(x.permute(0, 2, 1))
        x = x + torch.relu(self.again(x))
        x = x + self.again(x)
        weights = torch.sigmoid(self.excite(torch.relu(self.squeeze(x.mean(-1)))))
        return self.head(self.pool(nn.functional.max_pool1d(x * weights[..., None], 2)))


def test_a_network_of_somebody_else():
    torch.manual_seed(0)
    network, windows = TheirOwn(*SHAPE, CLASSES).eval(), random_windows()
    made = quantise(network, SHAPE, unscaled(), windows)
    with torch.no_grad():
        wanted = network(torch.from_numpy(windows)).numpy()
    assert np.abs(run(made.content, made.integers(windows)) - wanted).max() <= 0.1 * np.ptp(wanted)


class Refused(nn.Module):
    def __init__(self, layer):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(CHANNELS, 4), layer)

    def forward(self, x):
        found = self.body(x)
        return (found[1][1] if isinstance(found, tuple) else found).flatten(1)


@pytest.mark.parametrize(
    ("layer", "operation", "where"),
    [
        (nn.GELU(), "aten.gelu", "body.1 (torch.nn.modules.activation.GELU)"),
        (nn.LayerNorm(4), "aten.layer_norm", "body.1 (torch.nn.modules.normalization.LayerNorm)"),
        (nn.Hardtanh(-1, 1), "the limits -1 and 1", "body.1"),
        (nn.MaxPool1d(3, padding=1), "padding", "body.1"),
        (nn.LSTM(4, 4, batch_first=True), "its cell", "body.1 (torch.nn.modules.rnn.LSTM)"),
        (Does(lambda x: x.sort(dim=1).values), "aten.sort", "body.1"),
    ],
)
def test_what_has_no_int8_form_is_refused_by_name_and_layer(layer, operation, where):
    with pytest.raises(ExportError) as refused:
        quantise(Refused(layer), SHAPE, unscaled(), random_windows())
    assert operation in str(refused.value)
    assert str(refused.value).startswith(where)
    assert "no int8 form in TensorFlow Lite Micro" in str(refused.value)


def test_trees_are_refused():
    trees = build(ModelConfig(architecture="random-forest"), SHAPE, CLASSES)
    with pytest.raises(ExportError, match="RandomForest: is fitted at once and has no layers"):
        quantise(trees, SHAPE, unscaled(), random_windows())


def test_a_network_that_decides_by_what_it_sees_is_refused():
    network = Does(lambda x: x.mean(dim=1) if x.sum() > 0 else x.amax(dim=1))
    with pytest.raises(ExportError, match=r"Does: can't be traced on a window \[24, 6\]"):
        quantise(network, SHAPE, unscaled(), random_windows())
