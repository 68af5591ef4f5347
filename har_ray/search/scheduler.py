"""ASHA in groups, as a scheduler of Ray Tune: a trial is ranked only against trials of its own race.

One ASHA over a mixed grid compares scores of different datasets, and stops every trial of the harder one at the first
rung. Which trials are cut is decided in `halving.py`, whose survivors do not depend on the order of arrival. The
scheduler keeps nothing that a result does not carry, so a grid that is started again needs no state of it.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ray.tune.experiment import Trial
from ray.tune.schedulers import FIFOScheduler, TrialScheduler

from har_ray.search.halving import Halving, Progress, out_at


class Race(NamedTuple):
    """Candidates that are ranked against each other, with what is known of them from earlier runs, and the rule."""

    known: Mapping[str, Progress]
    halving: Halving


class GroupedASHA(FIFOScheduler):
    """Stops trials that can no longer be among the best of their race; `stopped` are their names.

    A trial's name is `trial.name` in its config; its results carry `curve`, one validation score per epoch. A trial
    that is in no race is left to its end.
    """

    def __init__(self, races: Sequence[Race]) -> None:
        super().__init__()
        self.stopped: set[str] = set()
        self._race_of: dict[str, tuple[dict[str, Progress], Halving]] = {}
        for race in races:
            shared = (dict(race.known), race.halving)
            self._race_of |= dict.fromkeys(race.known, shared)

    def on_trial_result(self, tune_controller: Any, trial: Trial, result: dict[str, Any]) -> str:
        name = trial.config["trial"]["name"]
        if name not in self._race_of:
            return str(TrialScheduler.CONTINUE)
        race, halving = self._race_of[name]
        race[name] = Progress(result["curve"])
        if name in out_at(race, halving):
            self.stopped.add(name)
            return str(TrialScheduler.STOP)
        return str(TrialScheduler.CONTINUE)

    def on_trial_complete(self, tune_controller: Any, trial: Trial, result: dict[str, Any]) -> None:
        name = trial.config["trial"]["name"]
        if name in self._race_of:
            race, _ = self._race_of[name]
            race[name] = Progress(result["curve"], ended=True, failed=bool(result.get("failed")))
