"""The learning rate: warm-up by hand, and the cosine against torch's own."""

import pytest
import torch

from har_ray.spec.training import TrainConfig
from har_ray.training.schedule import learning_rate


def test_it_stays_unless_something_is_asked_for():
    assert {learning_rate(TrainConfig(lr=0.1, epochs=10), epoch) for epoch in (0, 3.5, 10)} == {0.1}


def test_warm_up_rises_in_a_line_to_the_rate():
    training = TrainConfig(lr=0.1, epochs=10, warmup=2)
    assert [learning_rate(training, epoch) for epoch in (0, 0.5, 1, 2, 9)] == pytest.approx([0, 0.025, 0.05, 0.1, 0.1])


def test_the_cosine_is_torchs_over_what_the_warm_up_leaves():
    training = TrainConfig(lr=0.1, epochs=12, warmup=2, schedule="cosine")
    optimiser = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    reference = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=10)
    for epoch in range(2, 13):
        assert learning_rate(training, epoch) == pytest.approx(optimiser.param_groups[0]["lr"], abs=1e-12)
        optimiser.step()
        reference.step()
