"""Fine-tuning: nearer to what the network says in float, and only where that is needed."""

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from har_ray.export.int8 import fitted, quantise, run
from har_ray.export.int8 import model as int8_model
from har_ray.export.int8.calibration import SHARE
from har_ray.export.int8.model import Calibrated
from har_ray.models.config import ModelConfig
from tests.export.int8.networks import raw, trained


@pytest.fixture(scope="module")
def network(data):
    config = ModelConfig(architecture="ds-cnn", options={"width": 8, "end": "attention"})
    return trained(config, data)


def scaler(data):
    return data.mean.numpy(), data.std.numpy()


def error(made, network, windows, data):
    """Of the logits, as far down as the file gives them."""
    with torch.no_grad():
        wanted = network(torch.from_numpy((windows - data.mean.numpy()) / data.std.numpy())).numpy()
    off = run(made.content, made.integers(windows)) - np.maximum(wanted, made.least)
    return np.sqrt(np.mean(off**2))


def test_a_tuned_network_is_nearer_to_itself_in_float(network, data):
    windows = raw(data.train, data)[::4]
    plain, tuned, again = (
        quantise(network, data.shape, scaler(data), windows, qat_epochs=epochs) for epochs in (0, 4, 4)
    )
    nearest = Calibrated(network, data.shape, scaler(data), windows).file(SHARE)
    off = [error(made, network, windows, data) for made in (tuned, plain, nearest)]
    assert off == sorted(off), "weights at their nearest steps are furthest off"
    assert off[0] < 0.9 * off[2]
    assert len(tuned.content) == len(plain.content)
    assert tuned.content == again.content
    assert (plain.tuned, tuned.tuned) == (False, True)


def test_what_it_was_trained_by_is_lessened_too(network, data):
    """Labels that are wrong on purpose: what is learned of them shows."""
    windows, wrong = raw(data.train, data)[::8], (data.train.y[::8] + 1) % len(data.classes)

    def tuned(training_loss, own):
        made = Calibrated(network, data.shape, scaler(data), windows)
        made.tune(SHARE, 4, training_loss, own)
        file = made.file(SHARE)
        return run(file.content, file.integers(windows))

    def loss(logits, rows):
        return cross_entropy(logits, wrong[rows])

    alone, both, none = (
        float(loss(torch.from_numpy(tuned(*how)), torch.arange(len(wrong))))
        for how in ((loss, 0.0), (loss, 10.0), (None, 10.0))
    )
    assert alone < both < none


@pytest.mark.parametrize(("may_lose", "epochs", "compared"), [(1.0, 1, False), (-1.0, 0, False), (-1.0, 1, True)])
def test_it_is_tuned_where_rounding_alone_loses_too_much(may_lose, epochs, compared, network, data, monkeypatch):
    monkeypatch.setattr(int8_model, "MAY_LOSE", may_lose)
    asked = []
    monkeypatch.setattr(int8_model, "tune", lambda *given: asked.append(given[3]))
    with torch.no_grad():
        in_float = network(data.val.x).numpy()
    validation = raw(data.val, data), data.val.y.numpy(), in_float
    fitted(network, data.shape, scaler(data), raw(data.train, data), validation, qat_epochs=epochs)
    assert asked == ([epochs] if compared else [])
