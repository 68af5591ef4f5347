"""What a trial needs of a node, and whether the cluster has a node with so much."""

from collections.abc import Mapping, Sequence

import ray
from ray.tune.execution.placement_groups import PlacementGroupFactory

from har_ray.spec.grid import Resources
from har_ray.text import counted


def needed(resources: Resources) -> dict[str, float]:
    """Of one node: a trial and its Ray Train workers share it, so that gradients need no network."""
    processes = max(1, resources.workers)
    return {"CPU": processes * resources.cpus, "GPU": processes * resources.gpus}


def placement(resources: Resources) -> PlacementGroupFactory:
    """What Tune reserves for a trial, its workers included."""
    return PlacementGroupFactory([{name: count for name, count in needed(resources).items() if count}])


def nodes() -> list[Mapping[str, float]]:
    """What each living node of the cluster has."""
    return [node["Resources"] for node in ray.nodes() if node["Alive"]]


def missing(roles: Mapping[str, Resources]) -> list[str]:
    """For which roles no living node has room, a line each."""
    there = nodes()
    return [why for role, resources in roles.items() if (why := why_not(role, resources, there))]


def why_not(role: str, resources: Resources, nodes: Sequence[Mapping[str, float]]) -> str | None:
    """Why no node has room for a trial, in one line; None where one has.

    Args:
        role: teacher or student.
        nodes: what each has, e.g. `{"CPU": 2.0}`.
    """
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
