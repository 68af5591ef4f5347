"""Batch normalisation by the statistics of the global batch, whichever ranks hold it.

By its own share alone each rank would normalise otherwise, and the number of workers would change the curve. torch's
`SyncBatchNorm` does the same on GPUs only.
"""

import torch
from torch import Tensor, nn
from torch.distributed.nn import functional as between_ranks
from torch.nn.modules.batchnorm import _BatchNorm


class SharedBatchNorm(_BatchNorm):
    """Features (B, F, …) of this rank, normalised in training by mean and variance over all ranks."""

    def _check_input_dim(self, input: Tensor) -> None:
        """Any number of dimensions; the layer that this one was has said which it takes."""

    def forward(self, input: Tensor) -> Tensor:
        if not self.training:
            return super().forward(input)
        values = input.float()
        over = (0, *range(2, input.ndim))
        shape = (1, -1, *(1 for _ in over[1:]))
        count = values.new_tensor([input.numel() / input.shape[1]])
        totals = _sum(torch.cat([values.sum(over), count]))
        mean, count = totals[:-1] / totals[-1], totals[-1]
        var = _sum((values - mean.view(shape)).square().sum(over)) / count
        self._track(mean.detach(), var.detach() * count / (count - 1))
        out = (values - mean.view(shape)) * torch.rsqrt(var.view(shape) + self.eps)
        if self.affine:
            out = out * self.weight.view(shape) + self.bias.view(shape)
        return torch.as_tensor(out.to(input.dtype))

    @torch.no_grad()
    def _track(self, mean: Tensor, var: Tensor) -> None:
        if self.running_mean is None or self.running_var is None or self.num_batches_tracked is None:
            return
        self.num_batches_tracked += 1
        share = 1 / float(self.num_batches_tracked) if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean, share)
        self.running_var.lerp_(var, share)


def _sum(values: Tensor) -> Tensor:
    """Over the ranks, with a gradient."""
    return torch.as_tensor(between_ranks.all_reduce(values))  # type: ignore[no-untyped-call]


def share(model: nn.Module) -> nn.Module:
    """The model with all its batch normalisation shared; parameters and buffers stay the objects they are."""
    for module in model.modules():
        if isinstance(module, _BatchNorm) and not isinstance(module, nn.SyncBatchNorm):
            module.__class__ = SharedBatchNorm
    return model
