"""What a finished search has chosen: the best candidate of a group, from rows and curves. No Ray."""

import math
from collections.abc import Iterable, Mapping, Sequence

from har_ray.candidates import Candidate
from har_ray.plan.cells import Job
from har_ray.plan.plan import Plan, races_of
from har_ray.search.halving import Halving, Progress, Standing, standings
from har_ray.store.results import Row


def halving_of(plan: Plan, race: Sequence[Job]) -> Halving:
    """By which rule candidates of a race are cut."""
    search = plan.spec.search
    return Halving.of(search.asha if search else None, len(race), plan.spec.train.epochs)


def cutting_rules(plan: Plan, jobs: Iterable[Job]) -> dict[str, str]:
    """What decides whether a candidate is cut, by cell id; a cell that was cut by another rule is not done."""
    races = ((race, halving_of(plan, race)) for race in races_of(jobs))
    return {
        job.cell.id: f"{list(halving.rungs)}, {halving.reduction_factor}, {len(race)} candidates"
        for race, halving in races
        for job in race
    }


def choose(
    plan: Plan, jobs: Sequence[Job], rows: Mapping[str, Row], curves: Mapping[str, Sequence[float]]
) -> tuple[Candidate | None, Row]:
    """The best candidate of a group whose search jobs have all ended, and what to record of the choice.

    With several search seeds a candidate stands by the rungs it survived, then by its mean score. None where every
    candidate failed.
    """
    standing = _standing(plan, jobs, rows, curves)
    best = max(standing, key=standing.__getitem__)
    if standing[best].score == -math.inf:
        return None, {}
    statuses = [rows[job.cell.id]["status"] for job in jobs]
    record = {"hyper": best.columns, "monitor": plan.spec.train.monitor, "val_score": standing[best].score}
    record |= {"candidates": len(standing)} | {status: statuses.count(status) for status in ("stopped", "failed")}
    return best, jobs[0].cell.group.columns() | record


def _standing(
    plan: Plan, jobs: Sequence[Job], rows: Mapping[str, Row], curves: Mapping[str, Sequence[float]]
) -> dict[Candidate, Standing]:
    standing: dict[Candidate, list[Standing]] = {}
    for race in races_of(jobs):
        progress = {
            job.cell.id: Progress(
                curves.get(job.cell.id, ()), ended=True, failed=rows[job.cell.id]["status"] == "failed"
            )
            for job in race
        }
        found = standings(progress, halving_of(plan, race))
        for job in race:
            candidate = Candidate(job.cell.hyper, job.cell.model, job.cell.losses)
            standing.setdefault(candidate, []).append(found[job.cell.id])
    return {
        candidate: Standing(sum(s.rungs_survived for s in ones), sum(s.score for s in ones) / len(ones))
        for candidate, ones in standing.items()
    }
