"""Where names can stand beside their points so that none lies on another, on a point or on an interval.

The points are not moved. Places are tried at growing distances from a point, and the one that covers least is taken;
distance counts too. The same chart has the same places.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import cos, hypot, inf, pi, sin
from typing import NamedTuple

DIRECTIONS = 24
STEP, STEPS = 7.0, 28
"""Of distances from a point, in points of type."""
PER_STEP = 5.0
"""What a step away from the point is worth, in square points of an interval that a name may cover instead."""
PADDING = 1.5


class Box(NamedTuple):
    """A rectangle, in points of type."""

    left: float
    bottom: float
    right: float
    top: float

    def overlap(self, other: "Box") -> float:
        """The area that both cover."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.top, other.top) - max(self.bottom, other.bottom)
        return width * height if width > 0 and height > 0 else 0.0

    def crossed_by(self, line: "Line") -> bool:
        """Whether a line runs through (Liang and Barsky, ACM Transactions on Graphics 3, 1984)."""
        (x0, y0), (x1, y1) = line
        enter, leave = 0.0, 1.0
        for start, length, low, high in ((x0, x1 - x0, self.left, self.right), (y0, y1 - y0, self.bottom, self.top)):
            if not length:
                if not low < start < high:
                    return False
                continue
            first, last = sorted(((low - start) / length, (high - start) / length))
            enter, leave = max(enter, first), min(leave, last)
        return enter < leave


Point = tuple[float, float]
Line = tuple[Point, Point]


class Place(NamedTuple):
    """Of a name: its box, and where the line to its point begins."""

    box: Box
    edge: Point


@dataclass(frozen=True)
class Chart:
    """What names must keep off.

    Attributes:
        bounds: where all names should be.
        marks: the boxes of the points' marks.
        intervals: what names may cover rather than stand far away.
        placed: the names so far, each with the line to its point.
    """

    bounds: Box
    marks: Sequence[Box]
    intervals: Sequence[Box]
    placed: list[tuple[Box, Line]] = field(default_factory=list)

    def cost(self, box: Box, line: Line) -> float:
        """What a name would cover, in square points of intervals: names on names are the worst."""
        on_names = sum(box.overlap(other) for other, _ in self.placed)
        crossings = sum(box.crossed_by(other) for _, other in self.placed)
        crossings += sum(other.crossed_by(line) for other, _ in self.placed)
        on_marks, on_intervals = (sum(map(box.overlap, those)) for those in (self.marks, self.intervals))
        outside = box.overlap(box) - box.overlap(self.bounds)
        return 100 * (on_names + outside) + 200 * crossings + 20 * on_marks + on_intervals


def place(points: Sequence[Point], sizes: Sequence[Point], chart: Chart) -> list[Place]:
    """A place for the name of each point, by the names' widths and heights; those in a crowd choose first."""
    found: dict[int, Place] = {}
    for index in sorted(range(len(points)), key=lambda i: sum(_distance(points[i], other) for other in points)):
        costs: dict[Place, float] = {}
        for candidate, steps in _candidates(points[index], sizes[index]):
            if steps * PER_STEP >= min(costs.values(), default=inf):
                break  # all that follow are as far, or further
            cost = chart.cost(candidate.box, (points[index], candidate.edge))
            costs[candidate] = steps * PER_STEP + cost
        found[index] = min(costs, key=costs.__getitem__)
        chart.placed.append((found[index].box, (points[index], found[index].edge)))
    return [found[index] for index in range(len(points))]


def _distance(a: Point, b: Point) -> float:
    return hypot(a[0] - b[0], a[1] - b[1])


def _candidates(point: Point, size: Point) -> Iterator[tuple[Place, int]]:
    """Boxes around a point and how many steps they are away, the nearest first, at the sides before above and below."""
    width, height = size[0] + 2 * PADDING, size[1] + 2 * PADDING
    angles = sorted((2 * pi * i / DIRECTIONS for i in range(DIRECTIONS)), key=lambda angle: -abs(cos(angle)))
    for step in range(1, STEPS):
        for angle in angles:
            x, y = point[0] + step * STEP * cos(angle), point[1] + step * STEP * sin(angle)
            left = x if cos(angle) > 0.3 else x - width if cos(angle) < -0.3 else x - width / 2
            box = Box(left, y - height / 2, left + width, y + height / 2)
            edge = (min(max(point[0], box.left), box.right), min(max(point[1], box.bottom), box.top))
            yield Place(box, edge), step
