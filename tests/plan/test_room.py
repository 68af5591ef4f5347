"""What a trial reserves, and what is said where no node has so much."""

import pytest

from har_ray.plan.room import needed, why_not
from har_ray.spec.grid import Resources


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        (Resources(), {"CPU": 1}),
        (Resources(workers=2, cpus=2), {"CPU": 4}),
        (Resources(workers=2, cpus=1, gpus=0.5), {"CPU": 2, "GPU": 1}),
        (Resources(cpus=0.5, gpus=0.1), {"CPU": 0.5, "GPU": 0.1}),
    ],
)
def test_a_trial_reserves_what_its_workers_need(resources, expected):
    assert {name: count for name, count in needed(resources).items() if count} == expected


def test_a_cluster_without_a_node_for_one_trial_is_told_why():
    node = {"CPU": 2.0, "memory": 1e9}
    assert why_not("teacher", Resources(workers=2), [node]) is None
    assert why_not("student", Resources(workers=1, gpus=1), [node]) == (
        "resources.student: a trial needs 1 CPU and 1 GPU on one node, and the most GPUs of a node are 0; "
        "--set resources.student.gpus=0"
    )
    # Two nodes with two CPUs each are not one with four.
    assert why_not("teacher", Resources(workers=2, cpus=2), [node, node]) == (
        "resources.teacher: a trial needs 4 CPUs on one node, and the most CPUs of a node are 2; "
        "--set resources.teacher.cpus=1"
    )
    # The GPU is on a node without enough CPUs.
    apart = [{"CPU": 4.0}, {"CPU": 1.0, "GPU": 1.0}]
    assert "a trial needs 2 CPUs and 1 GPU on one node" in str(why_not("student", Resources(cpus=2, gpus=1), apart))
