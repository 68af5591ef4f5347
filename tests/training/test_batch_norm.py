"""Batch normalisation over two real ranks against torch's over the whole batch."""

import pickle
from pathlib import Path

import pytest
import torch
from torch import nn

from har_ray.models.config import ModelConfig
from har_ray.training import batch_norm
from har_ray.training.fit import Fit
from har_ray.training.ranks import Ranks
from tests.two_ranks import together

B, F, T = 9, 3, 4


def layer():
    torch.manual_seed(0)
    norm = nn.BatchNorm1d(F)
    nn.init.uniform_(norm.weight)
    nn.init.uniform_(norm.bias)
    return nn.Sequential(nn.Conv1d(F, F, 1), norm)


def trained(model, rows):
    """Two steps' outputs, the gradients of both, and the state after them."""
    outputs = [model(x[rows]) for x in batches()]
    torch.autograd.backward(sum(out.square().sum() * (1 + step) for step, out in enumerate(outputs)))
    return torch.cat(outputs).detach(), [p.grad for p in model.parameters()], model.state_dict()


def batches():
    generator = torch.Generator().manual_seed(1)
    return [5 + 3 * torch.randn(B, F, T, generator=generator) for _ in range(2)]


def on_a_rank(rank, folder):
    torch.save(trained(batch_norm.share(layer()), slice(rank, None, 2)), f"{folder}/{rank}.pt")


def test_two_ranks_of_unequal_size_normalise_as_one(tmp_path: Path):
    together(on_a_rank, tmp_path)
    outputs, gradients, state = trained(layer(), slice(None))
    ranks = [torch.load(tmp_path / f"{rank}.pt") for rank in range(2)]
    for rank, (found, _, at_end) in enumerate(ranks):
        expected = torch.cat([one[rank::2] for one in outputs.split(B)])
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
        assert at_end.keys() == state.keys()
        for name in state:
            torch.testing.assert_close(at_end[name], state[name], rtol=1e-4, atol=1e-5)
    for whole, *parts in zip(gradients, *(gradient for _, gradient, _ in ranks), strict=True):
        torch.testing.assert_close(sum(parts), whole, rtol=1e-3, atol=1e-3)


def fit_on_a_rank(rank, folder):
    cell, data = pickle.loads((Path(folder) / "cell").read_bytes())
    torch.set_num_threads(1)
    fit = Fit(cell, data, ranks=Ranks(rank, 2))
    fit.epoch()
    fit.epoch()
    torch.save([fit.curve, fit.network.state_dict()], f"{folder}/{rank}.pt")


def test_a_network_that_normalises_has_one_curve_whatever_the_number_of_workers(tmp_path: Path, data, make_cell):
    """Of 2,196 windows the last batch of 400 has 196; every epoch is augmented and mixed, and weights are averaged."""
    train = {"batch_size": 400, "mixup": 0.2, "ema": 0.9}
    model = ModelConfig(architecture="ds-cnn", options={"width": 8})
    cell = make_cell(model=model, train=train, augment={"rotation": {}})
    (tmp_path / "cell").write_bytes(pickle.dumps((cell, data)))
    together(fit_on_a_rank, tmp_path)
    alone = Fit(cell, data)
    alone.epoch()
    alone.epoch()
    for rank in range(2):
        curve, state = torch.load(tmp_path / f"{rank}.pt")
        losses = [epoch["train_loss"] for epoch in curve]
        assert losses == pytest.approx([epoch["train_loss"] for epoch in alone.curve], rel=1e-3)
        for name, value in alone.network.state_dict().items():
            torch.testing.assert_close(state[name], value, rtol=0.02, atol=5e-3)


@pytest.mark.parametrize(
    ("made", "planes"), [(nn.BatchNorm1d(2), 1), (nn.BatchNorm2d(2, affine=False), 2), (nn.BatchNorm3d(2), 3)]
)
def test_without_training_it_is_torchs(made, planes):
    x = torch.randn(3, 2, *[4] * planes)
    expected = made.eval()(x)
    assert torch.equal(batch_norm.share(made)(x), expected)
    assert isinstance(made, batch_norm.SharedBatchNorm)
