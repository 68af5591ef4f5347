"""ASHA in groups, as a scheduler of Ray Tune: a trial is ranked only against trials of its own group.

One ASHA over a mixed grid compares scores of different datasets, and stops every trial of the harder one at the first
rung. Which trials are cut is decided in `halving.py`, whose survivors do not depend on the order of arrival. The
scheduler keeps nothing that a result does not carry, so a grid that is started again needs no state of it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ray.tune.experiment import Trial
from ray.tune.schedulers import FIFOScheduler, TrialScheduler

from har_ray.search.halving import Progress, out_at, too_few


class GroupedASHA(FIFOScheduler):
    """Stops trials that can no longer be among the best of their group.

    Args:
        groups: for each group all its candidates by name, with what is known of them from earlier runs.
        rungs: epochs at which is cut, see `halving.rungs`.
        reduction_factor: of a group's members one in so many goes on; smaller groups than `halving.too_few` are whole.

    A trial's name is `trial.name` in its config; its results carry `curve`, one validation score per epoch.
    """

    def __init__(self, groups: Sequence[Mapping[str, Progress]], rungs: Sequence[int], reduction_factor: int) -> None:
        super().__init__()
        self.rungs, self.reduction_factor = rungs, reduction_factor
        self.stopped: set[str] = set()
        self.group_of: dict[str, dict[str, Progress]] = {}
        for group in groups:
            shared = dict(group)
            for name in group:
                self.group_of[name] = shared

    def on_trial_result(self, tune_controller: Any, trial: Trial, result: dict[str, Any]) -> str:
        name = trial.config["trial"]["name"]
        group = self.group_of[name]
        group[name] = Progress(result["curve"])
        if not too_few(len(group), self.reduction_factor) and name in out_at(group, self.rungs, self.reduction_factor):
            self.stopped.add(name)
            return str(TrialScheduler.STOP)
        return str(TrialScheduler.CONTINUE)

    def on_trial_complete(self, tune_controller: Any, trial: Trial, result: dict[str, Any]) -> None:
        name = trial.config["trial"]["name"]
        failed = bool(result.get("failed"))
        self.group_of[name][name] = Progress(result["curve"], ended=True, failed=failed)
