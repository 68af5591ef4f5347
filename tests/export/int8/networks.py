"""Networks that have learned something, for tests."""

import torch
from torch import nn

from har_ray.models.architectures import build


def trained(config, data, steps=150):
    """Enough for most windows to be told apart."""
    torch.manual_seed(0)
    network = build(config, data.shape, len(data.classes))
    optimiser = torch.optim.AdamW(network.parameters(), lr=5e-3)
    for step in range(steps):
        rows = torch.randint(len(data.train.y), (64,), generator=torch.Generator().manual_seed(step))
        loss = nn.functional.cross_entropy(network(data.train.x[rows]), data.train.y[rows])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return network.eval()


def raw(part, data):
    """Windows in their own units."""
    return (part.x * data.std + data.mean).numpy()
