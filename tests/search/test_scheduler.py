"""On real Ray Tune: plain ASHA stops a whole group of a mixed grid, the grouped one does not."""

from typing import Any

import pytest
from ray import tune
from ray.tune.schedulers import ASHAScheduler

from har_ray.search.halving import Halving, Progress, rungs
from har_ray.search.scheduler import GroupedASHA, Race

EPOCHS = 9
# Six candidates each of an easy and of a hard dataset; within a group, the score falls from candidate to candidate.
LEVELS = {f"{group}-{i}": level - 0.02 * i for group, level in (("easy", 0.9), ("hard", 0.4)) for i in range(6)}


class Toy(tune.Trainable):
    """A trial whose score creeps up to its level."""

    def setup(self, config: dict[str, Any]) -> None:
        self.curve: list[float] = []

    def step(self) -> dict[str, Any]:
        self.curve.append(LEVELS[self.config["trial"]["name"]] - 0.01 / (len(self.curve) + 1))
        return {"score": self.curve[-1], "curve": list(self.curve), "done": len(self.curve) == EPOCHS}

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self.config, self.curve = new_config, []
        return True


def epochs_by_name(scheduler, tmp_path, names=tuple(LEVELS), concurrent=1, **settings):
    results = tune.Tuner(
        Toy,
        param_space={"trial": tune.grid_search([{"name": name} for name in names])},
        tune_config=tune.TuneConfig(
            scheduler=scheduler, reuse_actors=True, max_concurrent_trials=concurrent, **settings
        ),
        run_config=tune.RunConfig(
            storage_path=str(tmp_path), verbose=0, checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False)
        ),
    ).fit()
    assert not results.errors
    return {result.config["trial"]["name"]: result.metrics["training_iteration"] for result in results}


@pytest.fixture(autouse=True)
def _quiet(ray_session, monkeypatch):
    monkeypatch.setenv("TUNE_DISABLE_AUTO_CALLBACK_LOGGERS", "1")
    monkeypatch.setenv("RAY_AIR_NEW_OUTPUT", "0")


def test_plain_asha_stops_every_trial_of_the_harder_dataset(tmp_path):
    plain = ASHAScheduler(
        time_attr="training_iteration", metric="score", mode="max", max_t=EPOCHS, grace_period=1, reduction_factor=3
    )
    epochs = epochs_by_name(plain, tmp_path)
    assert max(n for name, n in epochs.items() if name.startswith("easy")) == EPOCHS
    assert {n for name, n in epochs.items() if name.startswith("hard")} == {1}


def grouped(known=None):
    halving = Halving(tuple(rungs(1, 3, EPOCHS)), 3)
    return GroupedASHA(
        [
            Race({name: (known or {}).get(name, Progress()) for name in LEVELS if name.startswith(group)}, halving)
            for group in ("easy", "hard")
        ]
    )


def test_grouped_asha_keeps_the_best_of_each(tmp_path):
    scheduler = grouped()
    epochs = epochs_by_name(scheduler, tmp_path)
    for group in ("easy", "hard"):
        # Of six the best two pass epoch 1, the best one epoch 3.
        assert epochs[f"{group}-0"] == EPOCHS
        assert {name for name in scheduler.stopped if name.startswith(group)} >= {f"{group}-{i}" for i in range(2, 6)}


def test_what_earlier_runs_found_counts(tmp_path):
    """After a restart only the hard group's last candidate is left to run; what is known of the others stops it."""
    known = {name: Progress([level] * EPOCHS, ended=True) for name, level in LEVELS.items() if name != "hard-5"}
    scheduler = grouped(known)
    assert epochs_by_name(scheduler, tmp_path, names=("hard-5",)) == {"hard-5": 1}
    assert scheduler.stopped == {"hard-5"}
