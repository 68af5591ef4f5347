"""Free processes go to trials that wait for room, in a real run of Tune whose processes start slowly."""

import time
from pathlib import Path

import pytest
from ray import tune

from har_ray.search.reuse import LastOut, Reuse

SLOTS = 8
TRIALS = 48


class Slow(tune.Trainable):
    """Takes ten times as long to start as to train, and leaves a file for each process."""

    def setup(self, config):
        time.sleep(1.5)
        Path(config["folder"], f"process-{time.time_ns()}").touch()
        self._begin(config)

    def _begin(self, config):
        self.path = Path(config["folder"], f"trial-{config['number']:02}")

    def step(self):
        time.sleep(0.15)
        self.path.touch()
        return {"done": True}

    def reset_config(self, new_config):
        self._begin(new_config)
        return True


def run(folder, scheduler):
    folder.mkdir()
    tune.Tuner(
        tune.with_resources(Slow, {"CPU": 2 / SLOTS}),
        param_space={"folder": str(folder), "number": tune.grid_search(list(range(TRIALS)))},
        tune_config=tune.TuneConfig(scheduler=scheduler, reuse_actors=True),
        run_config=tune.RunConfig(
            storage_path=str(folder / "books"),
            verbose=0,
            checkpoint_config=tune.CheckpointConfig(checkpoint_frequency=0, checkpoint_at_end=False),
        ),
    ).fit()
    return len(list(folder.glob("process-*"))), len(list(folder.glob("trial-*")))


@pytest.mark.usefixtures("ray_session")
def test_no_process_that_is_starting_is_stopped_for_one_that_is_free(tmp_path):
    """With Tune's own scheduler 12 start. One that was late may be replaced, on a busy machine more: one of three
    runs must show it."""
    started = []
    for attempt in "abc":
        processes, trials = run(tmp_path / attempt, Reuse())
        assert trials == TRIALS
        started.append(processes)
        if SLOTS <= processes <= SLOTS + 2:
            break
    assert SLOTS <= min(started) <= SLOTS + 2, started


def test_what_was_asked_for_last_is_taken_back_first():
    asked = LastOut()
    for group in "abcd":
        asked.add(group)
    asked.remove("d")
    assert (asked.pop(), asked.pop(), bool(asked), list(asked)) == ("c", "b", True, ["a"])
