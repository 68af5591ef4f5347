"""What a trial needs of a node, and whether any node has so much. Needs no Ray."""

from collections.abc import Mapping, Sequence

from har_ray.spec.grid import Resources, StageResources
from har_ray.text import counted

Node = Mapping[str, float]
"""What a node has, e.g. `{"CPU": 2.0}`."""


def needed(resources: Resources) -> dict[str, float]:
    """Of one node: a trial and its Ray Train workers share it, so that gradients need no network."""
    processes = max(1, resources.workers)
    return {"CPU": processes * resources.cpus, "GPU": processes * resources.gpus}


def missing(wanted: StageResources, nodes: Sequence[Node]) -> list[str]:
    """A line for each sort of trial for which no node has room."""
    roles = {"teacher": wanted.teacher, "student": wanted.student}
    return [why for role, resources in roles.items() if (why := why_not(role, resources, nodes))]


def why_not(role: str, resources: Resources, nodes: Sequence[Node]) -> str | None:
    """Why no node has room for a trial of a teacher or a student, in one line; None where one has."""
    wanted = needed(resources)
    if any(all(node.get(name, 0) >= count for name, count in wanted.items()) for node in nodes):
        return None
    named = " and ".join(counted(count, name) for name, count in wanted.items() if count)
    most = {name: max((node.get(name, 0) for node in nodes), default=0) for name in wanted}
    short = [name for name in wanted if most[name] < wanted[name]] or list(wanted)
    there = ", ".join(f"the most {name}s of a node are {most[name]:g}" for name in short)
    processes = max(1, resources.workers)
    advice = " ".join(f"--set resources.{role}.{name.lower()}s={most[name] / processes:g}" for name in short)
    return f"resources.{role}: a trial needs {named} on one node, and {there}; {advice}"
