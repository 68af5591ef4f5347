"""Splitting and scaling: every part by the statistics of the training windows alone."""

import numpy as np
import pytest

from har_ray.data.tensors import load_tensors, load_windows
from har_ray.store.windows import WindowStore


def test_every_part_is_scaled_by_the_training_windows(spar_storage, spar_spec, holdout):
    data = load_tensors(spar_storage, spar_spec.id, holdout)
    raw = load_windows(WindowStore(spar_storage), spar_spec.id)
    row_of = {window: row for row, window in enumerate(raw.window_id)}
    train = raw.x[[row_of[window] for window in data.train.window_id]]
    mean, std = train.mean(axis=(0, 1), dtype=np.float64), train.std(axis=(0, 1), dtype=np.float64)
    for part in (data.train, data.val, data.test):
        own = raw.x[[row_of[window] for window in part.window_id]]
        assert np.allclose(part.x.numpy(), (own - mean) / std, atol=1e-4)
    assert data.train.x.mean(dim=(0, 1)).tolist() == pytest.approx([0] * 6, abs=1e-4)
    assert data.test.x.mean(dim=(0, 1)).abs().max() > 0.05
