"""The Pareto front: what nothing else beats in both score and cost."""

from collections.abc import Sequence


def front(costs: Sequence[float], scores: Sequence[float]) -> list[int]:
    """The indices of the front, the cheapest first: each scores higher than all that cost as much or less.

    Of those that are equal in both the first is taken.
    """
    found: list[int] = []
    for index in sorted(range(len(costs)), key=lambda i: (costs[i], -scores[i])):
        if not found or scores[index] > scores[found[-1]]:
            found.append(index)
    return found
