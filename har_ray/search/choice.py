"""What a finished search has chosen: the best candidate of a group, and what cutting the others cost. No Ray."""

from collections.abc import Mapping, Sequence

from har_ray.candidates import Candidate
from har_ray.plan.cells import Job
from har_ray.plan.plan import Plan
from har_ray.search.halving import Fate, Halving, Race, Standing, decide
from har_ray.store.results import Row


def halving_of(plan: Plan) -> Halving:
    """By which rule the candidates of each group are cut: the same for every variant."""
    search = plan.spec.search
    return Halving.of(search.asha if search else None, plan.spec.train.epochs)


def choose(race: Race, jobs: Mapping[str, Sequence[Job]], halving: Halving) -> tuple[Candidate | None, Row]:
    """The best candidate of a group whose search has ended, and what to record of the choice.

    The best is that with the best score among all that were trained to their end, audited ones too: a candidate that is
    known to be better is not passed over because it was slow at first. None where every candidate failed.

    Args:
        jobs: the cells of each candidate, in the order of `race`.
    """
    finished = [name for name, standing in race.items() if standing.finished]
    if not finished:
        return None, {}
    best = max(finished, key=lambda name: race[name].score())
    cell = jobs[best][0].cell
    record = cell.group.columns() | {"monitor": cell.training.monitor, "val_score": race[best].score()}
    winner = cell.candidate
    return winner, record | {"hyper": winner.columns} | _counts(race) | _audit(race, halving)


def _counts(race: Race) -> Row:
    """Candidates, how they ended, and the epochs that they were trained for in all."""
    failed = sum(standing.failed for standing in race.values())
    stopped = sum(not standing.failed and not standing.finished for standing in race.values())
    epochs = sum(len(cell.curve) for standing in race.values() for cell in standing.cells)
    return {"candidates": len(race), "stopped": stopped, "failed": failed, "epochs": epochs}


def _audit(race: Race, halving: Halving) -> Row:
    """The rungs, and what became of the candidates that were trained to their end."""
    fates = decide(race, halving)
    return {
        "rungs": list(halving.rungs),
        "finished": [
            _finished(standing, fates[name], halving.goals[0]) for name, standing in race.items() if standing.finished
        ],
    }


def _finished(standing: Standing, fate: Fate, first: int) -> Row:
    """The score at the first rung and at last, and whether the candidate was cut, so that it is there for the audit."""
    audited = fate.cut_at is not None and standing.goes_beyond(fate.cut_at)
    return {"at_rung": standing.score(first), "at_last": standing.score(), "audited": audited}
