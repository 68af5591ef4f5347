"""Trees as tensors say what scikit-learn's say, on real windows, stored ones too; their bytes are counted."""

import numpy as np
import pytest
import torch
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier

from har_ray.models.architectures import ARCHITECTURES
from har_ray.models.architectures.boosted_trees import BoostedTrees
from har_ray.models.architectures.random_forest import RandomForest
from har_ray.models.config import ModelConfig
from har_ray.models.cost import cost
from har_ray.models.features import features
from har_ray.models.trees import _below


def grown(architecture, data, seed=0, rows=slice(None), **options):
    """Trees of some training windows."""
    window, channels = data.shape
    made = architecture(window, channels, 7, **options)
    made.fit(data.train.x[rows], data.train.y[rows], seed)
    return made


def test_features_are_simple_statistics_of_each_channel():
    """Two channels over three steps, by hand."""
    x = torch.tensor([[[1.0, 0.0], [2.0, -3.0], [6.0, 3.0]]])
    expected = [3, 0, np.sqrt(14 / 3), np.sqrt(6), 1, -3, 6, 3, 2, 0, np.sqrt(41 / 3), np.sqrt(6), 2.5, 4.5]
    assert features(x)[0].tolist() == pytest.approx(expected)


def test_a_forest_says_what_scikit_learns_says(data):
    forest = grown(RandomForest, data, seed=3, trees=20)
    theirs = RandomForestClassifier(20, max_depth=8, min_samples_leaf=10, random_state=3)
    theirs.fit(features(data.train.x).numpy(), data.train.y.numpy())
    expected = theirs.predict_proba(features(data.val.x).numpy())
    assert np.allclose(forest(data.val.x).exp().numpy(), expected.clip(1e-6), rtol=1e-5)
    assert (expected.argmax(axis=1) == data.val.y.numpy()).mean() > 0.6


@pytest.mark.parametrize("classes", [[0, 1, 2, 3, 4, 5, 6], [0, 1, 2, 4, 5, 6], [2, 5]])
def test_boosted_trees_say_what_scikit_learns_say(data, classes):
    """Also where the training windows lack a class, and where they hold two."""
    known = torch.isin(data.train.y, torch.tensor(classes))
    x, y = data.train.x[known], data.train.y[known]
    boosted = grown(BoostedTrees, data, 3, known, rounds=5)
    theirs = HistGradientBoostingClassifier(max_iter=5, early_stopping=False, random_state=3)
    theirs.fit(features(x).numpy(), y.numpy())
    with torch.no_grad():
        found = boosted(data.val.x).softmax(dim=1).numpy()
    assert np.allclose(found[:, classes], theirs.predict_proba(features(data.val.x).numpy()), atol=1e-5)
    assert found.argmax(axis=1).tolist() == theirs.predict(features(data.val.x).numpy()).tolist()


def test_a_forest_gives_a_class_that_training_lacks_next_to_no_chance(data):
    known = data.train.y != 3
    forest = grown(RandomForest, data, rows=known, trees=5)
    assert torch.allclose(forest(data.val.x)[:, 3].exp(), torch.tensor(1e-6))


@pytest.mark.parametrize("name", ["random-forest", "boosted-trees"])
def test_stored_trees_are_the_same_trees(data, name):
    read = ModelConfig(architecture=name).build(data.shape, 7)
    assert torch.equal(read(data.val.x), torch.zeros(len(data.val.y), 7))  # none yet
    known = grown(ARCHITECTURES.find(name), data, rows=slice(None, None, 10))
    read.load_state_dict(known.state_dict())
    assert torch.equal(read(data.val.x), known(data.val.x))


def test_a_tree_without_a_question_says_one_thing_of_all_windows(data):
    forest = grown(RandomForest, data, trees=1, min_leaf=len(data.train.y))
    said = forest(data.val.x).exp()
    assert torch.allclose(said, said[:1].expand_as(said))
    assert float(said[0].sum()) == pytest.approx(1.0, abs=1e-5)


def test_bytes_of_trees_are_those_of_nodes_and_leaves(data):
    """A node: a feature (2 bytes), a threshold and two children (4 each); a leaf: 7 probabilities of 4 bytes."""
    forest = grown(RandomForest, data, trees=1, depth=2)
    assert cost(forest, data.shape) == (None, None, None, 4 + 3 * (2 + 4 + 4 + 4) + 4 * 7 * 4)


def test_a_threshold_stays_between_the_values_that_it_parts():
    """0.1 in float32 is a little above 0.1: a feature of that value would fall on the other side."""
    (found,) = _below(np.array([0.1]))
    assert float(found) <= 0.1 < float(np.nextafter(found, np.float32(1)))
    assert _below(np.array([0.5])).tolist() == [0.5]
