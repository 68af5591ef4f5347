"""Which waiting trial gets a process that has become free.

Tune 2.60 gives it to any, also to one whose own process is just starting, and then stops that one. Where a process
takes longer to start than a cell to train, a slot would stay empty for most of a grid.
"""

from typing import Any

from ray.tune.experiment import Trial
from ray.tune.schedulers import FIFOScheduler


class Reuse(FIFOScheduler):
    """Tune's scheduler in order, except that a free process goes to the first trial for which none is starting."""

    def choose_trial_to_run(self, tune_controller: Any) -> Trial | None:
        controller = tune_controller._tune_controller  # the wrapper around it warns of what is not the public's
        free = controller._actor_cache
        if not free.num_cached_objects:
            return None  # then Tune starts processes in order
        waits_for_room = set(controller._actor_manager.pending_actors)
        return next(
            (
                trial
                for trial in controller._pending_trials_list
                if trial in controller._pending_trials
                and free.has_cached_object(trial.placement_group_factory)
                and controller._trial_to_actor.get(trial) in {None, *waits_for_room}
            ),
            None,
        )
