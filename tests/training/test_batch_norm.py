"""Batch normalisation over two real ranks against torch's over the whole batch."""

from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from torch import nn
from torch.multiprocessing.spawn import spawn

from har_ray.training import batch_norm

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
    dist.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)
    torch.save(trained(batch_norm.share(layer()), slice(rank, None, 2)), f"{folder}/{rank}.pt")
    dist.destroy_process_group()


def test_two_ranks_of_unequal_size_normalise_as_one(tmp_path: Path):
    context = spawn(on_a_rank, args=(str(tmp_path),), nprocs=2, join=False)
    while not context.join():
        pass
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


@pytest.mark.parametrize(
    ("made", "planes"), [(nn.BatchNorm1d(2), 1), (nn.BatchNorm2d(2, affine=False), 2), (nn.BatchNorm3d(2), 3)]
)
def test_without_training_it_is_torchs(made, planes):
    x = torch.randn(3, 2, *[4] * planes)
    expected = made.eval()(x)
    assert torch.equal(batch_norm.share(made)(x), expected)
    assert isinstance(made, batch_norm.SharedBatchNorm)
