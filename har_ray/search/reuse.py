"""Which waiting trial gets a process that has become free, so that every slot of the cluster gets a process.

Tune 2.60 gives a free process to any waiting trial, and takes back what had been asked for that one: the process that
is just starting for it, or a placement group, whichever comes first, also one that has just got its room. Where a
process takes longer to start than a cell to train, slots would stay empty for most of a grid.
"""

from typing import Any

from ray.tune.experiment import Trial
from ray.tune.schedulers import FIFOScheduler


class Reuse(FIFOScheduler):
    """Tune's scheduler in order, except that a free process goes to a trial for which none is starting.

    What is then taken back is what was asked for last, which gets its room last.
    """

    def on_trial_add(self, tune_controller: Any, trial: Trial) -> None:
        controller = tune_controller._tune_controller  # the wrapper around it warns of what is not the public's
        controller._actor_manager._resource_manager._request_to_staged_pgs.default_factory = LastOut

    def choose_trial_to_run(self, tune_controller: Any) -> Trial | None:
        controller = tune_controller._tune_controller
        free = controller._actor_cache
        if not free.num_cached_objects:
            return None  # then Tune starts processes in order
        not_starting = {None, *controller._actor_manager.pending_actors}
        return next(
            (
                trial
                for trial in controller._pending_trials_list
                if trial in controller._pending_trials
                and free.has_cached_object(trial.placement_group_factory)
                and controller._trial_to_actor.get(trial) in not_starting
            ),
            None,
        )


class LastOut(dict[Any, None]):
    """A set whose `pop` takes what was added last."""

    def add(self, item: Any) -> None:
        self[item] = None

    def remove(self, item: Any) -> None:
        del self[item]

    def pop(self) -> Any:  # type: ignore[override]
        return self.popitem()[0]
