"""The reference network: its published size, and what sets it apart."""

from typing import Any, cast

import pytest
import torch

from har_ray.models.architectures.tinierhar import Block, TinierHAR
from har_ray.models.config import ModelConfig
from har_ray.models.cost import cost


def test_it_has_the_published_size():
    """WHAR Arena: 7.3 thousand parameters for 6 channels, 5 classes and 128 steps. By hand:

    blocks 1 → 4: 6 + 8 + 8, shortcut 8 + 8; 4 → 8: 24 + 40 + 16, shortcut 40 + 16; four of 8 → 8: 48 + 72 + 16;
    GRU 2·3·16·(48 + 16 + 2); score 33; head 165.
    """
    counted = cost(ModelConfig(architecture="tinierhar").build((128, 6), 5), (128, 6))
    assert counted.params == 38 + 136 + 4 * 136 + 6_336 + 33 + 165 == 7_252
    # 128 steps × 6 channels: 5 + 4 + 4; 64 × 6: 20 + 32 + 32; 32 × 6: 4·(40 + 64); 32 steps: 2·3·16·64 + 32; head.
    macs = 768 * 13 + 384 * 84 + 192 * 416 + 32 * (6_144 + 32) + 160
    assert counted.macs == macs


def test_a_block_adds_to_what_it_was_given():
    """With its last normalisation at 0 a block of equal width passes on its input."""
    block = Block(8, 8, halve=False).eval()
    torch.nn.init.zeros_(cast(Any, block.convolution[2]).weight)
    x = torch.randn(2, 8, 4, 2)
    assert torch.equal(block(x), x)


@pytest.mark.parametrize("window", [4, 5, 7, 50])
def test_windows_of_any_length_from_its_smallest(window):
    assert TinierHAR(window, 3, 5).eval()(torch.randn(2, window, 3)).shape == (2, 5)


def test_dropout_is_for_training_only():
    network, x = TinierHAR(20, 3, 5, dropout=0.5), torch.randn(4, 20, 3)
    assert not torch.equal(network.train()(x), network(x))
    assert torch.equal(network.eval()(x), network(x))
