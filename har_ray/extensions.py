"""Whether what a grid names by `package.module:Name` can be imported wherever it will run."""

from collections.abc import Iterable
from typing import Any

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from har_ray.augmentations import AUGMENTATIONS
from har_ray.errors import ExtensionError
from har_ray.losses import LOSSES
from har_ray.metrics import METRICS
from har_ray.models.architectures import ARCHITECTURES
from har_ray.registry import Registry
from har_ray.spec.grid import GridSpec

REGISTRIES: dict[str, Registry[Any]] = {
    "architecture": ARCHITECTURES,
    "augmentation": AUGMENTATIONS,
    "loss": LOSSES,
    "metric": METRICS,
}


def named(spec: GridSpec) -> list[tuple[str, str]]:
    """Extension point and name of everything of somebody else's that workers import."""
    names = [("metric", name) for name in spec.metrics]
    for variant in spec.variants:
        names += [("architecture", variant.architecture), *(("loss", name) for name in variant.losses)]
        names += [("augmentation", name) for name in variant.augment]
    return [one for one in dict.fromkeys(names) if ":" in one[1]]


def check_on_workers(spec: GridSpec) -> None:
    """Import everything on every node, before anything is trained.

    Raises:
        ExtensionError: names the node and the reason.
    """
    wanted = named(spec)
    if not wanted:
        return
    nodes = {node["NodeID"]: node["NodeManagerHostname"] for node in ray.nodes() if node["Alive"]}
    probes = {
        host: _missing.options(scheduling_strategy=NodeAffinitySchedulingStrategy(node, soft=False)).remote(wanted)
        for node, host in nodes.items()
    }
    errors = [f"on node {host}: {error}" for host, probe in probes.items() for error in ray.get(probe)]
    if errors:
        raise ExtensionError("\n".join(errors))


@ray.remote(num_cpus=0)  # type: ignore[untyped-decorator]
def _missing(wanted: Iterable[tuple[str, str]]) -> list[str]:
    """What cannot be imported in this worker."""
    errors = []
    for what, name in wanted:
        try:
            REGISTRIES[what].find(name)
        except ExtensionError as error:
            errors.append(str(error))
    return errors
